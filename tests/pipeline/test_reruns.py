"""Reruns in bulk and what-ifs, on the local AWS."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from local.pipeline import Execution, Inbox, Pipeline, until
from tests.samples import SAMPLES, outcomes

RULES = "schema: {fields: [{name: n, type: integer, constraints: {maximum: %d}}]}"
STREAMS = 12
# What the candidates change in the sample rules: a file, what it says, and what it would say.
CANDIDATES = [
    ("seattle.yaml", "suspect_span: [-10, 38], fail_span: [-30, 50]", "fail_span: [-30, 35]"),  # once it was 35.6 °C
    ("seattle.yaml", "{fail_span: [0, 60]}", "{fail_span: [0, 50]}"),
    ("newyork.yaml", "suspect_span: [0, 105], fail_span: [-30, 130]", "fail_span: [20, 130]"),
    ("default.yaml", "{fail_span: 24}", "{fail_span: 24000}"),
    ("default.yaml", "  primaryKey: date\n", ""),
    ("sandbox/bad-rules.yaml", "  temperature:\n    qartod:\n      gross_range_test: {fail_span: [-30, 50]}\n", ""),
    ("sandbox/bad-rules.yaml", "fail_spam: [-30, 50]", "fail_span: [-30, 50]"),
    ("observatories/dwd-00044.yaml", "minimum: 0", "minimun: 0"),
]


def rerun(pipeline: Pipeline, **asked: Any) -> str:
    """Starts a rerun in bulk and returns the ARN of its execution."""
    machine = pipeline.outputs["RerunStateMachineArn"]
    return str(pipeline.sfn.start_execution(stateMachineArn=machine, input=json.dumps(asked))["executionArn"])


@pytest.fixture
def streams(pipeline: Pipeline, group: str) -> list[str]:
    """Uploads streams of a group, each with one file, and returns their names once each has a verdict."""
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{group}.yaml", Body=(RULES % 5).encode())
    names = [f"s{number}" for number in range(STREAMS)]
    for number, name in enumerate(names):
        pipeline.upload(f"streams/{group}/{name}.csv", f"n\n{number}\n".encode())
    until(lambda: len(ended(pipeline, group)) == STREAMS, "the first runs", 120)
    return names


def ended(pipeline: Pipeline, group: str) -> list[dict[str, Any]]:
    return [row for row in pipeline.rows(GroupID=group) if row["Status"] != "RUNNING"]


def message_of(inbox: Inbox, arn: str) -> dict[str, Any]:
    return dict(inbox.message(arn)["Summary"])


def test_a_rerun_in_bulk_checks_every_stream_once_and_tells_once(
    pipeline: Pipeline, inbox: Inbox, group: str, streams: list[str]
) -> None:
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{group}.yaml", Body=(RULES % 8).encode())
    done = pipeline.finished(rerun(pipeline, GroupID=group))
    assert (done.status, done.error) == ("SUCCEEDED", "")
    rows = [row for row in pipeline.rows(GroupID=group) if row.get("RerunID") == done.output["RerunID"]]
    assert Counter(row["StreamID"] for row in rows) == Counter(streams)
    assert done.output["PASS"] == 9
    assert done.output["FAIL"] == 3
    told = message_of(inbox, done.arn)
    assert (told["Status"], told["Files"], told["Changed"], told["NotRun"]) == ("RERUN", 12, 3, 0)
    assert f"FAIL to PASS: {group}/s6, {group}/s7, {group}/s8" in told["Text"]


def test_a_rerun_that_is_stopped_can_be_resumed(
    pipeline: Pipeline, inbox: Inbox, group: str, streams: list[str]
) -> None:
    arn = rerun(pipeline, GroupID=group)
    until(lambda: len(ended(pipeline, group)) >= STREAMS + 3, "some runs of the rerun", 120)
    second: Execution = pipeline.finished(rerun(pipeline, GroupID=group))
    assert second.error == "RerunUnderWay"
    assert f"{arn} is doing this: " in second.cause
    pipeline.sfn.stop_execution(executionArn=arn)
    (its_id,) = {row["RerunID"] for row in ended(pipeline, group) if "RerunID" in row}
    third = pipeline.finished(rerun(pipeline, GroupID=group, Resume=its_id))  # at once
    assert third.status == "SUCCEEDED", third.cause
    assert message_of(inbox, arn)["NotRun"] > 0
    rows = [row for row in pipeline.rows(GroupID=group) if row.get("RerunID") == its_id]
    verdicts = Counter(row["StreamID"] for row in rows if row["Status"] in ("PASS", "FAIL"))
    assert verdicts == Counter(streams)
    assert {row["Error"] for row in rows if row["Status"] == "ERROR"} <= {"ExecutionAborted"}
    assert message_of(inbox, third.arn)["NotRun"] == 0


def test_a_what_if_names_the_verdicts_that_a_rerun_then_gives(
    pipeline: Pipeline, inbox: Inbox, group: str, streams: list[str]
) -> None:
    assert len(streams) == STREAMS
    before = {row["StreamID"]: row["Status"] for row in ended(pipeline, group)}
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"candidates/{group}/{group}.yaml", Body=(RULES % 2).encode())
    broken = f"{group}/s1.yaml"
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"candidates/{group}/{broken}", Body=b"{schema: 1}")
    tried = pipeline.finished(rerun(pipeline, GroupID=group, Rules=f"candidates/{group}/"))
    assert (tried.status, tried.cause) == ("SUCCEEDED", "")
    assert len(pipeline.rows(GroupID=group)) == STREAMS
    told = message_of(inbox, tried.arn)
    for key in (f"{group}.yaml", broken):
        source = {"Bucket": pipeline.bucket, "Key": f"candidates/{group}/{key}"}
        pipeline.s3.copy_object(Bucket=pipeline.bucket, Key=f"rules/{key}", CopySource=source)
    done = pipeline.finished(rerun(pipeline, GroupID=group))
    rows = [row for row in pipeline.rows(GroupID=group) if row.get("RerunID") == done.output["RerunID"]]
    after = {row["StreamID"]: row["Status"] for row in rows}
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    assert {one["StreamID"]: (one["Before"], one["After"]) for one in told["Changes"]} == changes
    assert changes["s1"] == ("PASS", "ERROR")


def test_a_what_if_of_the_sample_data_names_the_verdicts_that_a_rerun_then_gives(
    pipeline: Pipeline, inbox: Inbox, group: str
) -> None:
    for name, content in rules_of(group).items():
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{name}", Body=content.encode())
    files = [one for one in outcomes() if one.status != "REJECTED"]
    for one in files:
        pipeline.upload(one.key.replace("streams/", f"streams/{group} "), one.body)
    groups = {f"{group} {one.key.split('/')[1]}" for one in files}

    def rows() -> list[dict[str, Any]]:
        return [row for name in groups for row in ended(pipeline, name)]

    before = until(lambda: {name_of(row): row for row in rows()} if len(rows()) == len(files) else {}, "the runs", 120)
    candidates = rules_of(group, CANDIDATES)
    for name, content in candidates.items():
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"candidates/{group}/{name}", Body=content.encode())
    tried = pipeline.finished(rerun(pipeline, Prefix=f"streams/{group}", Rules=f"candidates/{group}/"))
    assert (tried.status, tried.cause) == ("SUCCEEDED", "")
    told = message_of(inbox, tried.arn)
    assert len(rows()) == len(files)

    for name, content in candidates.items():
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{name}", Body=content.encode())
    done = pipeline.finished(rerun(pipeline, Prefix=f"streams/{group}"))
    after = {name_of(row): row for row in rows() if row.get("RerunID") == done.output["RerunID"]}
    assert len(after) == len(files)
    changes = {
        name: (before[name]["Status"], after[name]["Status"])
        for name in after
        if before[name]["Status"] != after[name]["Status"]
    }
    assert {f"{one['GroupID']}/{one['StreamID']}": (one["Before"], one["After"]) for one in told["Changes"]} == changes
    assert set(changes.values()) == {("PASS", "FAIL"), ("FAIL", "PASS"), ("PASS", "ERROR"), ("ERROR", "PASS")}


def rules_of(group: str, changes: Iterable[tuple[str, str, str]] = ()) -> dict[str, str]:
    """Returns the sample rules for groups whose names begin with that of a group."""
    paths = sorted((SAMPLES / "rules").rglob("*.yaml"))
    found = {str(path.relative_to(SAMPLES / "rules")): path.read_text() for path in paths}
    for name, old, new in changes:
        assert old in found[name]
        found[name] = found[name].replace(old, new)
    found["sandbox.yaml"] = found.pop("default.yaml")
    return {f"{group} {name}": content for name, content in found.items()}


def name_of(row: dict[str, Any]) -> str:
    return f"{row['GroupID']}/{row['StreamID']}"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"Group": "g"}, "there is no field 'Group'; the fields are GroupID, Prefix"),
        (
            {"GroupID": "nobody-has-this"},
            "there is nothing to check: the newest file of each stream of nobody-has-this",
        ),
        ({"Rules": "rules/"}, "Rules 'rules/' is not under candidates/"),
        ({"GroupID": "nobody-has-this", "Rules": "candidates/none"}, "there is nothing to check: the newest file"),
        ({"Status": "fail"}, "Status is 'fail'; it must be one of PASS, FAIL, ERROR, OVERDUE"),
    ],
)
def test_a_rerun_that_makes_no_sense_says_so(pipeline: Pipeline, asked: dict[str, Any], why: str) -> None:
    done = pipeline.finished(rerun(pipeline, **asked))
    assert (done.status, done.error) == ("FAILED", "InvalidInput")
    assert done.cause.startswith(why)
