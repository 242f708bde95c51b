"""Many at once, big, and strange. `make load` does it with 1,000 uploads and 10,000 streams; the suite with fewer."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER, undelivered

WHOLE = os.environ.get("LOAD") == "all"
UPLOADS = 1000 if WHOLE else 60
STREAMS = 10_000 if WHOLE else 300
PAYLOAD, ITEM, MESSAGE = 256 * 1024, 400_000, 256 * 1024  # bytes: Step Functions, DynamoDB, SNS


def test_a_burst_of_uploads_loses_none_and_doubles_none(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    began = time.monotonic()
    keys = [f"streams/{group}/{number}.csv" for number in range(UPLOADS)]
    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(lambda key: pipeline.upload(key, QUARTER.encode()), keys))
    deadline = began + 60 + 3 * UPLOADS
    while True:
        rows = pipeline.rows(GroupID=group)
        statuses = Counter(row["Status"] for row in rows)
        if statuses.total() >= UPLOADS and not statuses["RUNNING"]:
            break
        assert time.monotonic() < deadline, statuses
        time.sleep(0.5)
    seconds = time.monotonic() - began
    assert [row for row in rows if row["Status"] != "PASS"] == []
    assert sorted((row["Key"], row["VersionId"]) for row in rows) == sorted(zip(keys, versions, strict=True))
    for row in rows:
        assert inbox.message(row["ExecutionArn"], seconds=deadline - time.monotonic())
    time.sleep(1)
    assert {len(inbox.all(row["ExecutionArn"])) for row in rows} == {1}
    print(f"\n{UPLOADS} uploads at once: {UPLOADS} rows, {UPLOADS} messages, none lost, none twice, in {seconds:.0f} s")


def test_a_stream_is_found_among_very_many_of_its_group(pipeline: Pipeline, group: str) -> None:
    keys = [f"streams/{group}/s{number}.csv" for number in range(STREAMS)]
    with undelivered(pipeline, STREAMS), ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: pipeline.upload(key, QUARTER.encode()), keys))
        run = pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s1"}))
        assert (run.status, run.output["Key"]) == ("SUCCEEDED", f"streams/{group}/s1.csv")
        assert len(pipeline.rows(GroupID=group)) == 1
        # Reconcile, in other tests, would start every one of them.
        list(pool.map(lambda key: pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key), keys))


@pytest.mark.parametrize(
    "name", ["محطة ١/درجة الحرارة", "气象站/温度", "🌡️/📈", "e\u0301/ﬁ", "%2F..%00/a b+c"]
)  # scripts, on purpose
def test_ids_of_every_script_come_through_unchanged(pipeline: Pipeline, inbox: Inbox, group: str, name: str) -> None:
    first, stream = name.split("/")
    key = f"streams/{group} {first}/{stream}.csv"
    run = pipeline.checked(key, QUARTER.encode())
    (row,) = pipeline.rows(GroupID=f"{group} {first}")
    assert (row["StreamID"], row["Key"], row["Status"]) == (stream, key, "PASS")
    message = inbox.message(run.arn)
    assert message["Subject"].isascii()
    assert message["Summary"]["StreamID"] == stream


def test_the_longest_key_is_checked(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    start, end = f"streams/{group}/s/", "/x.csv"
    key = start + "ü" * ((1024 - len(start) - len(end)) // 2)
    key += "y" * (1024 - len(key.encode()) - len(end)) + end
    assert len(key.encode()) == 1024
    run = pipeline.checked(key, QUARTER.encode())
    (row,) = pipeline.rows(GroupID=group)
    assert (row["Key"], row["StreamID"], row["Status"]) == (key, "s", "PASS")
    assert inbox.message(run.arn)["Summary"]["Key"] == key


def test_a_row_of_a_megabyte_and_a_thousand_failing_checks_stay_within_the_limits(
    pipeline: Pipeline, inbox: Inbox, group: str
) -> None:
    fields = [f"f{number}" for number in range(500)]
    schema = [
        {"name": name, "type": "string", "constraints": {"maxLength": 1, "enum": ["ß" * 40, *"abcdefg"]}}
        for name in fields
    ]
    pipeline.s3.put_object(
        Bucket=pipeline.bucket, Key=f"rules/{group}.yaml", Body=json.dumps({"schema": {"fields": schema}}).encode()
    )
    rows = [",".join(["é" * 60] * 500) for _ in range(30)]
    wide = ",".join(["w" * 2000] * 500)  # a row of a megabyte
    run = pipeline.checked(f"streams/{group}/s.csv", "\n".join([",".join(fields), *rows, wide]).encode())
    (row,) = pipeline.rows(GroupID=group)
    assert (run.status, row["Status"], row["Rows"]) == ("SUCCEEDED", "FAIL", 31)
    details = pipeline.details(row["QCPID"])
    failing = [item for item in details.values() if not item["Pass"]]
    assert len(failing) == 1000
    assert max(len(json.dumps(item, default=str, ensure_ascii=False).encode()) for item in details.values()) < ITEM
    assert all(item["Truncated"] and len(item["Examples"]) == 20 for item in failing)
    message = inbox.message(run.arn)
    assert len(message["Message"].encode()) < MESSAGE
    summary = message["Summary"]
    assert summary["ChecksLeftOut"] == 1000 - len(summary["Checks"])
    assert "more failing checks, in QCDetails" in summary["Text"]
    history = pipeline.sfn.get_execution_history(executionArn=run.arn, maxResults=1000)["events"]
    assert max(len(json.dumps(one, default=str, ensure_ascii=False).encode()) for one in history) < PAYLOAD
