"""Many uploads at once, and many streams in a group. `make load` tries 1,000 and 10,000; the suite fewer."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.pipeline import Inbox, Pipeline, until
from tests.pipeline.conftest import QUARTER, undelivered

WHOLE = os.environ.get("LOAD") == "all"
UPLOADS = 1000 if WHOLE else 30
STREAMS = 10_000 if WHOLE else 300


@pytest.fixture
def mailbox(pipeline: Pipeline) -> Callable[[], list[str]]:
    """Returns a function that returns the texts of all mails so far, which the local AWS sends every minute."""
    queue, texts = pipeline.subscribe_queue("mailbox", topic="QCEmailTopicArn"), []

    def received() -> list[str]:
        while found := pipeline.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                pipeline.sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
                texts.append(json.loads(one["Body"])["Message"])
        return texts

    return received


def named_in(mails: list[str], group: str) -> list[str]:
    """Returns the streams of the group that the mails are about, as often as they are named there as passed, or alone."""
    found = []
    for text in mails:
        lines = [line for line in text.splitlines() if line.startswith(("Passed: ", "PASS"))]
        found += re.findall(re.escape(group) + r"/\d+", "\n".join(lines))
    return found


def test_burst_of_uploads_loses_none_and_doubles_none(
    pipeline: Pipeline, inbox: Inbox, mailbox: Callable[[], list[str]], group: str
) -> None:
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
    names = [f"{group}/{number}" for number in range(UPLOADS)]
    until(lambda: {*named_in(mailbox(), group)} >= {*names}, "a mail about every run", 180)
    mails = [text for text in mailbox() if named_in([text], group)]
    assert sorted(named_in(mails, group)) == sorted(names)  # each in one mail
    assert len(mails) <= 10
    print(f"\n{UPLOADS} uploads at once: {UPLOADS} rows, {UPLOADS} messages, none lost, none twice, in {seconds:.0f} s")
    print(f"{len(mails)} mails of at most {max(map(len, mails)):,} characters, each run in one")


def test_stream_is_found_among_very_many_of_its_group(pipeline: Pipeline, group: str) -> None:
    keys = [f"streams/{group}/s{number}.csv" for number in range(STREAMS)]
    with undelivered(pipeline, STREAMS), ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: pipeline.upload(key, QUARTER.encode()), keys))
        run = pipeline.finished(pipeline.start({"GroupID": group, "StreamID": "s1"}))
        assert (run.status, run.output["Key"]) == ("SUCCEEDED", f"streams/{group}/s1.csv")
        assert len(pipeline.rows(GroupID=group)) == 1
        # Reconcile, in other tests, would start the run of every one.
        list(pool.map(lambda key: pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key), keys))
