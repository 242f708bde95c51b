"""Many uploads at once, and many streams in a group. `make load` tries 1,000 and 10,000; the suite fewer."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER, undelivered

WHOLE = os.environ.get("LOAD") == "all"
UPLOADS = 1000 if WHOLE else 30
STREAMS = 10_000 if WHOLE else 300


def test_burst_of_uploads_loses_none_and_doubles_none(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
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


def test_stream_is_found_among_very_many_of_its_group(pipeline: Pipeline, group: str) -> None:
    keys = [f"streams/{group}/s{number}.csv" for number in range(STREAMS)]
    with undelivered(pipeline, STREAMS), ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: pipeline.upload(key, QUARTER.encode()), keys))
        run = pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s1"}))
        assert (run.status, run.output["Key"]) == ("SUCCEEDED", f"streams/{group}/s1.csv")
        assert len(pipeline.rows(GroupID=group)) == 1
        # Reconcile, in other tests, would start the run of every one.
        list(pool.map(lambda key: pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key), keys))
