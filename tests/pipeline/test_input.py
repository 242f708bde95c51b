"""What starts a run on the local AWS: S3's event through EventBridge, and an execution by hand. What a request may hold is in
tests/functions/test_request.py.
"""

from __future__ import annotations

import json

import pytest

from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("streams/Zürich 3/a+b 100%25.csv", ("Zürich 3", "a+b 100%25")),
        ("streams/محطة/测站😀/2026/11/23.CSV", ("محطة", "测站😀")),
    ],
)
def test_upload_is_checked_under_the_ids_of_its_raw_key(
    pipeline: Pipeline, inbox: Inbox, key: str, ids: tuple[str, str]
) -> None:
    execution = pipeline.checked(key, QUARTER.encode())
    assert execution.status == "SUCCEEDED"
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["GroupID"], row["StreamID"], row["Key"]) == (*ids, key)
    assert inbox.message(execution.arn)["MessageAttributes"]["GroupID"]["Value"] == ids[0]


@pytest.mark.parametrize(
    ("key", "why", "statuses"),
    [
        (
            "streams/group1/notes.md",
            "does not end in one of .csv, .tsv, .ndjson, .jsonl, .json, .parquet",
            ["REJECTED"],
        ),
        ("streams/streamA.csv", "has no GroupID; upload to streams/<GroupID>/<StreamID>.<ext>", []),
    ],
)
def test_invalid_upload_is_rejected_and_sent(
    pipeline: Pipeline, inbox: Inbox, key: str, why: str, statuses: list[str]
) -> None:
    execution = pipeline.checked(key, b"x\n1\n")
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    assert why in execution.cause
    message = inbox.message(execution.arn)
    assert message["Subject"].startswith("[QC REJECTED] ")
    assert message["MessageAttributes"]["Status"]["Value"] == "REJECTED"
    assert why in message["Summary"]["Text"]
    assert [row["Status"] for row in pipeline.rows(ExecutionArn=execution.arn)] == statuses


def test_folder_marker_is_ignored(pipeline: Pipeline, inbox: Inbox) -> None:
    execution = pipeline.checked("streams/group1/folder/", b"")
    assert (execution.status, execution.output) == ("SUCCEEDED", {"Ignored": "streams/group1/folder/"})
    assert pipeline.rows(ExecutionArn=execution.arn) == []
    assert inbox.all(execution.arn) == []


def test_object_outside_streams_starts_nothing(pipeline: Pipeline, group: str) -> None:
    pipeline.upload(f"elsewhere/{group}.csv", QUARTER.encode())
    pipeline.checked(f"streams/{group}/after.csv", QUARTER.encode())
    assert not [arn for arn in pipeline.executions() if "elsewhere" in json.dumps(pipeline.execution(arn).input)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"GroupID": "g", "StreamID": 7}, "StreamID must be a string; got 7"),
        ({"GroupID": '"' * 100_000, "StreamID": "s"}, "GroupID has 100000 characters; at most 128 are allowed"),
        ([], "GroupID is missing"),
        ("text", "GroupID is missing"),
        (
            {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": 5}}},
            "Key must be a non-empty string",
        ),
    ],
    ids=lambda given: None if isinstance(given, str) else str(given)[:60],
)
def test_input_that_identifies_no_stream_fails_and_names_the_field(
    pipeline: Pipeline, inbox: Inbox, given: object, why: str
) -> None:
    execution = pipeline.finished(pipeline.start(json.dumps(given)))
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    assert execution.cause.startswith(why)
    assert why in inbox.message(execution.arn)["Summary"]["Text"]
    assert {row["Status"] for row in pipeline.rows(ExecutionArn=execution.arn)} <= {"REJECTED"}


def test_rerun_of_an_absent_stream_is_an_error_and_sent(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    execution = pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s"}))
    assert (execution.status, execution.error) == ("FAILED", "StreamNotFound")
    assert f"streams/{group}/s. or streams/{group}/s/" in execution.cause
    assert inbox.message(execution.arn)["Subject"] == f"[QC ERROR] {group}/s"


def test_rerun_of_a_version_reads_it_after_the_key_was_overwritten(pipeline: Pipeline, group: str) -> None:
    key = f"streams/{group}/s.csv"
    first = pipeline.checked(key, QUARTER.encode())
    pipeline.checked(key, QUARTER.encode() + b"2015/01/02,0.0,5.6,-3.2,1.2,hail\n")
    version = {"GroupID": group, "StreamID": "s", "Key": key, "VersionId": first.output["VersionId"]}
    arns = [pipeline.start(version), pipeline.start({"GroupID": group, "StreamID": "s", "Unknown": 1})]
    again, newest = (pipeline.finished(arn) for arn in arns)
    assert [one.output["Status"] for one in (first, again, newest)] == ["PASS", "PASS", "FAIL"]
    assert again.output["VersionId"] == first.output["VersionId"]
    assert len(pipeline.rows(GroupID=group)) == 4


def test_built_in_default_judges_where_there_are_no_rules(pipeline: Pipeline, group: str) -> None:
    default = pipeline.s3.get_object(Bucket=pipeline.bucket, Key="rules/default.yaml")["Body"].read()
    pipeline.s3.delete_object(Bucket=pipeline.bucket, Key="rules/default.yaml")
    try:
        good = pipeline.checked(f"streams/{group}/good.csv", b"any,thing\n1,2\n")
    finally:
        pipeline.upload("rules/default.yaml", default)
    (row,) = pipeline.rows(ExecutionArn=good.arn)
    assert (row["Status"], "RulesKey" in row) == ("PASS", False)
