"""What starts a run, and what is refused: the contract's sections 1 and 2."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER
from tests.samples import event


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("streams/Zürich 3/a+b 100%25.csv", ("Zürich 3", "a+b 100%25")),
        ("streams/group1/streamA/2026/11/23.csv", ("group1", "streamA")),
        ("streams/group1/v1.2.CSV", ("group1", "v1.2")),
        ("streams/محطة/测站😀.csv", ("محطة", "测站😀")),
    ],
)
def test_the_ids_are_taken_from_the_raw_key(pipeline: Pipeline, inbox: Inbox, key: str, ids: tuple[str, str]) -> None:
    execution = pipeline.checked(key, QUARTER.encode())
    assert execution.status == "SUCCEEDED"
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["GroupID"], row["StreamID"], row["Key"]) == (*ids, key)
    assert inbox.message(execution.arn)["MessageAttributes"]["GroupID"]["Value"] == ids[0]


@pytest.mark.parametrize(
    ("key", "why", "known"),
    [
        ("streams/group1/notes.txt", "does not end in one of .csv, .ndjson, .jsonl, .parquet", True),
        ("streams/group1/data.parquet.gz", "does not end in one of", True),
        ("streams/streamA.csv", "has no GroupID; upload to streams/<GroupID>/<StreamID>.<ext>", False),
        ("streams//streamA.csv", "has no GroupID", False),
        ("streams/group1/.csv", "has no StreamID", True),
        (f"streams/{'g' * 129}/s.csv", "GroupID has 129 characters; at most 128 are allowed", False),
        ("streams/group1/a\tb.csv", "StreamID 'a\\tb' contains a character that cannot be printed", True),
    ],
)
def test_an_upload_that_names_no_stream_is_rejected_and_told(
    pipeline: Pipeline, inbox: Inbox, key: str, why: str, known: bool
) -> None:
    execution = pipeline.checked(key, b"x\n1\n")
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    assert why in execution.cause
    message = inbox.message(execution.arn)
    assert message["Subject"].startswith("[QC REJECTED] ")
    assert message["MessageAttributes"]["Status"]["Value"] == "REJECTED"
    assert why in message["Summary"]["Text"].replace("\\\\", "\\")
    rows = pipeline.rows(ExecutionArn=execution.arn)
    assert [(row["GroupID"], row["Status"], row["TotalPass"]) for row in rows] == (
        [("group1", "REJECTED", 0)] if known else []
    )


def test_a_folder_marker_is_ignored(pipeline: Pipeline, inbox: Inbox) -> None:
    execution = pipeline.checked("streams/group1/folder/", b"")
    assert (execution.status, execution.output) == ("SUCCEEDED", {"Ignored": "streams/group1/folder/"})
    assert pipeline.rows(ExecutionArn=execution.arn) == []
    assert inbox.all(execution.arn) == []


def test_an_object_outside_streams_starts_nothing(pipeline: Pipeline, group: str) -> None:
    pipeline.upload(f"elsewhere/{group}.csv", QUARTER.encode())
    pipeline.checked(f"streams/{group}/after.csv", QUARTER.encode())
    assert not [arn for arn in pipeline.executions() if "elsewhere" in json.dumps(pipeline.execution(arn).input)]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"StreamID": "s"}, "GroupID is missing"),
        ({"GroupID": "g"}, "StreamID is missing"),
        ({"GroupID": "", "StreamID": "s"}, "GroupID is empty"),
        ({"GroupID": "g", "StreamID": 7}, "StreamID must be a string, not 7"),
        ({"GroupID": None, "StreamID": "s"}, "GroupID is missing"),
        ({"GroupID": "g", "StreamID": ["s"]}, "StreamID must be a string, not ['s']"),
        ({"GroupID": "g/h", "StreamID": "s"}, "GroupID 'g/h' contains a /"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/t.csv"}, "Key 'streams/g/t.csv' does not belong to the stream g/s"),
        ({"GroupID": "g", "StreamID": "s", "Key": 1}, "Key must be a string"),
        ({"GroupID": "g", "StreamID": "s", "Key": None}, "Key must be a string that is not empty, not None"),
        ({"GroupID": "g", "StreamID": "s", "VersionId": "v"}, "VersionId is given without the Key that it belongs to"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "VersionId": ""}, "VersionId must be a string that is not empty"),
        ({"GroupID": "\"" * 100_000, "StreamID": "s"}, "GroupID has 100000 characters; at most 128 are allowed"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s/" + "x" * 200_000 + ".csv"}, "Key has 200,016 bytes; at most 1,024 are allowed"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "VersionId": "v" * 200_000}, "VersionId has 200,000 bytes"),
        ([], "GroupID is missing"),
        ("text", "GroupID is missing"),
    ],
    ids=lambda given: None if isinstance(given, str) else str(given)[:60],
)  # fmt: skip
def test_a_rerun_that_names_no_stream_fails_and_names_the_field(
    pipeline: Pipeline, inbox: Inbox, request_: Any, why: str
) -> None:
    execution = pipeline.finished(pipeline.start(json.dumps(request_)))
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    assert execution.cause.startswith(why)
    assert why in inbox.message(execution.arn)["Summary"]["Text"]
    assert {row["Status"] for row in pipeline.rows(ExecutionArn=execution.arn)} <= {"REJECTED"}


def test_a_rerun_of_a_stream_that_is_not_there_says_where_it_was_looked_for(
    pipeline: Pipeline, inbox: Inbox, group: str
) -> None:
    pipeline.checked(f"streams/{group}/s.more.csv", QUARTER.encode())
    execution = pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s"}))
    assert (execution.status, execution.error) == ("FAILED", "StreamNotFound")
    assert f"streams/{group}/s. or streams/{group}/s/" in execution.cause
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["Status"], row["Process1Pass"], row["TotalPass"]) == ("ERROR", 0, 0)
    assert inbox.message(execution.arn)["Subject"] == f"[QC ERROR] {group}/s"


def test_an_object_that_was_deleted_before_the_run_is_an_error_and_told(
    pipeline: Pipeline, inbox: Inbox, group: str
) -> None:
    deleted = copy.deepcopy(event("execution_upload"))
    deleted["detail"]["object"]["key"] = f"streams/{group}/gone.csv"
    execution = pipeline.finished(pipeline.start(deleted))
    assert (execution.status, execution.error) == ("FAILED", "StreamNotFound")
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["GroupID"], row["StreamID"], row["Status"]) == (group, "gone", "ERROR")
    assert inbox.message(execution.arn)["Subject"] == f"[QC ERROR] {group}/gone"


def test_a_rerun_reads_the_newest_object_and_is_always_a_new_run(pipeline: Pipeline, group: str) -> None:
    pipeline.checked(f"streams/{group}/s/old.csv", QUARTER.encode())
    newest = pipeline.checked(f"streams/{group}/s/new.csv", QUARTER.encode() * 1)
    reruns = [pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s", "Unknown": 1})) for _ in range(2)]
    assert [one.output["Key"] for one in reruns] == [f"streams/{group}/s/new.csv"] * 2
    assert len({newest.output["QCPID"], *(one.output["QCPID"] for one in reruns)}) == 3
    assert len(pipeline.rows(GroupID=group)) == 4


def test_a_rerun_of_a_version_reads_that_version_though_the_key_was_overwritten(pipeline: Pipeline, group: str) -> None:
    key = f"streams/{group}/s.csv"
    first = pipeline.checked(key, QUARTER.encode())
    second = pipeline.checked(key, QUARTER.encode() + b"2015/01/02,0.0,5.6,-3.2,1.2,hail\n")
    again = pipeline.finished(
        pipeline.start({"GroupID": group, "StreamID": "s", "Key": key, "VersionId": first.output["VersionId"]})
    )
    assert [one.output["Status"] for one in (first, second, again)] == ["PASS", "FAIL", "PASS"]
    assert again.output["VersionId"] == first.output["VersionId"]


def test_the_nearest_rules_judge_and_the_row_names_them(pipeline: Pipeline, group: str) -> None:
    def rule(minimum: int) -> bytes:
        return f"rows: {{minimum: {minimum}}}".encode()

    pipeline.upload(f"rules/{group}.yaml", rule(5))
    pipeline.upload(f"rules/{group}/own.yaml", rule(1))
    own = pipeline.checked(f"streams/{group}/own.csv", QUARTER.encode())
    other = pipeline.checked(f"streams/{group}/other.csv", QUARTER.encode())
    (own_row,) = pipeline.rows(ExecutionArn=own.arn)
    (other_row,) = pipeline.rows(ExecutionArn=other.arn)
    assert (own_row["RulesKey"], own_row["Status"]) == (f"rules/{group}/own.yaml", "PASS")
    assert (other_row["RulesKey"], other_row["Status"]) == (f"rules/{group}.yaml", "FAIL")


def test_without_any_rules_the_built_in_default_judges(pipeline: Pipeline, group: str) -> None:
    default = pipeline.s3.get_object(Bucket=pipeline.bucket, Key="rules/default.yaml")["Body"].read()
    pipeline.s3.delete_object(Bucket=pipeline.bucket, Key="rules/default.yaml")
    try:
        good = pipeline.checked(f"streams/{group}/good.csv", b"any,thing\n1,2\n")
        bad = pipeline.checked(f"streams/{group}/bad.csv", b"any,thing\n")
    finally:
        pipeline.upload("rules/default.yaml", default)
    (good_row,) = pipeline.rows(ExecutionArn=good.arn)
    (bad_row,) = pipeline.rows(ExecutionArn=bad.arn)
    assert (good_row["Status"], bad_row["Status"]) == ("PASS", "FAIL")
    assert "RulesKey" not in good_row
