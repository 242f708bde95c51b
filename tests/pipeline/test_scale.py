"""A bucket of very many objects, and very many streams that wait for a file: what Reconcile and CheckArrivals ask AWS, counted.

`make load` tries 200,000 objects and 100,000 streams; the suite fewer.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from history.queries import StreamFilter
from history.records import Stream
from local.aws import CREDENTIALS
from local.page import Api
from local.pipeline import Pipeline, until
from pipeline.claims import claim_id
from pipeline.reconciling import CURSOR
from pipeline.streams import DUE_SHARDS, due_after
from pipeline.times import timestamp
from tests.observed.stack import observed_pipeline
from tests.pipeline.conftest import QUARTER, claims_table, invoker

WHOLE = os.environ.get("LOAD") == "all"
OBJECTS = 200_000 if WHOLE else 1_500
STREAMS = 100_000 if WHOLE else 1_000
SHOWN = 10_000 if WHOLE else 1_000  # of more, the local AWS does not answer in the time that a function has
LOST, LATE = 5, 3
SPARE_SECONDS = 60  # of Reconcile, in which it looks at nothing more
AGO = dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    with observed_pipeline() as found:
        events = found[0].aws.client("events")
        for rule in events.list_rules()["Rules"]:
            if any(name in rule["Name"] for name in ("UploadRule", "RulesRule", "Schedule")):
                events.disable_rule(Name=rule["Name"])
        yield found


def calls_of(folder: Path, function: str) -> tuple[Counter[str], int]:
    """Returns how often a function made each call so far, and in how many invocations."""
    calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    its = [call for call in calls if call["function"] == function]
    return Counter(call["operation"] for call in its), len({call["invocation"] for call in its})


def write_items(pipeline: Pipeline, table: str, items: Iterable[dict[str, Any]]) -> None:
    resource = boto3.resource("dynamodb", endpoint_url=pipeline.aws.endpoint, **CREDENTIALS)
    with resource.Table(table).batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)


def limit_reconcile(pipeline: Pipeline, seconds: int) -> None:
    """Lets Reconcile work this long at a time."""
    client = pipeline.aws.client("lambda")
    (name,) = [
        one["FunctionName"]
        for one in client.list_functions()["Functions"]
        if one["FunctionName"].startswith("StreamQC-Reconcile")
    ]
    client.update_function_configuration(FunctionName=name, Timeout=SPARE_SECONDS + seconds)


def test_large_bucket_is_looked_through_in_bounded_invocations(observed: tuple[Pipeline, Path]) -> None:
    pipeline, folder = observed
    keys = [f"streams/many/s{number // 100}/{number}.csv" for number in range(OBJECTS)]
    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(lambda key: pipeline.upload(key, QUARTER.encode()), keys))
    lost = {*range(0, OBJECTS, OBJECTS // LOST)}
    claims = (
        {"id": claim_id("Upload", key, version), "owner": "its execution", "result": "{}", "expiration": 2**40}
        for number, (key, version) in enumerate(zip(keys, versions, strict=True))
        if number not in lost
    )
    write_items(pipeline, claims_table(pipeline), claims)
    limit_reconcile(pipeline, 30 if WHOLE else 0)
    invoker(pipeline)("Reconcile", {"SettlingSeconds": 0, "Days": 1})
    cursor = {"TableName": claims_table(pipeline), "Key": {"id": {"S": CURSOR}}}
    until(lambda: "Item" not in pipeline.dynamodb.get_item(**cursor), "the end of the bucket", 900)
    until(lambda: len(pipeline.rows(GroupID="many", Status="PASS")) == LOST, "the lost runs", 60)
    expected = {keys[number] for number in lost}
    assert {row["Key"] for row in pipeline.rows(GroupID="many")} == expected
    calls, invocations = calls_of(folder, "Reconcile")
    assert math.ceil(OBJECTS / 1000) <= calls["ListObjectVersions"] <= math.ceil(OBJECTS / 1000) + 1
    assert math.ceil(OBJECTS / 100) <= calls["BatchGetItem"] <= math.ceil(OBJECTS / 1000) * 10
    assert calls["StartExecution"] == LOST
    assert calls["HeadObject"] == calls["GetObject"] == 0
    assert invocations > 1
    print(f"\n{OBJECTS:,} recent objects in {invocations} invocations of Reconcile: {dict(calls)}")


def test_streams_that_are_not_due_cost_nothing(observed: tuple[Pipeline, Path]) -> None:
    pipeline, folder = observed
    pipeline.upload("rules/many.yaml", b"arrival: {every: 1 h}")

    def waiting(number: int) -> dict[str, Any]:
        within = 3600 if number < LATE else 86400
        seen = {"UploadTime": timestamp(AGO), "Status": "PASS", "Since": timestamp(AGO), "Revision": 1}
        due = due_after("many", f"w{number}", timestamp(AGO), within)
        return {"GroupID": "many", "StreamID": f"w{number}", **seen, **due}

    write_items(pipeline, pipeline.outputs["QCStreamsTableName"], map(waiting, range(STREAMS)))
    counts = invoker(pipeline)("CheckArrivals", {})
    assert counts == {"Due": LATE, "Announced": LATE, "Moved": 0}
    calls, _ = calls_of(folder, "CheckArrivals")
    assert calls["Query"] == DUE_SHARDS
    assert calls["Scan"] == 0
    assert (calls["GetItem"], calls["Publish"]) == (2 * LATE, LATE)
    before = calls.total()
    assert invoker(pipeline)("CheckArrivals", {})["Due"] == 0
    calls, _ = calls_of(folder, "CheckArrivals")
    of_a_look = calls.total() - before
    assert of_a_look <= DUE_SHARDS + 2  # and its lock
    print(f"\n{STREAMS:,} streams that wait: {of_a_look} calls for a look at which none is due")


def test_page_of_many_streams_reads_little(observed: tuple[Pipeline, Path]) -> None:
    pipeline, folder = observed

    def stands(number: int) -> dict[str, Any]:
        since = timestamp(AGO + dt.timedelta(milliseconds=number))
        return {
            "GroupID": f"shown{number % 10}",
            "StreamID": f"s{number}",
            "Status": "FAIL" if number % 1000 == 7 else "PASS",
            "Since": since,
        }

    write_items(pipeline, pipeline.outputs["QCStreamsTableName"], map(stands, range(SHOWN)))
    api = Api(pipeline)
    api.streams(StreamFilter(status="ERROR"))  # the function starts

    def asked(wanted: StreamFilter) -> tuple[list[Stream], int, float]:
        """Returns the first streams found, how many queries found them, and the seconds."""
        before, began = calls_of(folder, "ServeApi")[0]["Query"], time.monotonic()
        found, cursor = list[Stream](), None
        while not found:
            page = api.streams(wanted, cursor)
            found, cursor = page.Streams, page.Cursor
            if cursor is None:
                break
        return found, calls_of(folder, "ServeApi")[0]["Query"] - before, time.monotonic() - began

    shown, queries, seconds = asked(StreamFilter())
    assert (len(shown), {one.Status for one in shown[: SHOWN // 1000]}) == (100, {"FAIL"})
    assert queries <= 4  # one for each status
    rare, of_rare, seconds_of_rare = asked(StreamFilter(text="shown1/s1"))
    assert {one.StreamID[:2] for one in rare} == {"s1"}
    page_bytes, item_bytes = 2**20, 50
    assert of_rare <= 4 + 2 * SHOWN * item_bytes / page_bytes
    assert calls_of(folder, "ServeApi")[0]["Scan"] == 0
    print(
        f"\n{SHOWN:,} streams: a page by {queries} queries in {seconds:.1f} s, a name by {of_rare} in {seconds_of_rare:.1f} s"
    )
