"""Runs uploads on the local AWS and counts what they are paid by."""

from __future__ import annotations

import collections
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.pipeline import Execution, Pipeline, until
from stream_qc.vocabulary import PROCESSES
from tests.big import RULES, GeneratedStream
from tests.observed.stack import observed_pipeline

READS = ("GetItem", "Query", "BatchGetItem", "Scan")
INDEXED = ("QCSummary",)  # each write of a row is written to the index ByStream, too, and a new row to ByQCPID
UNIT = 1024  # bytes of an item that one write unit writes
CHILD = 2  # transitions of a child of a Distributed Map: its start and its one state
IN_PARTS = 3  # states in a branch of a run in parts
OF_PARTS = ("CountRows", "QCProcess1", "QCProcess2", "QCProcess3")

Counts = dict[str, float]


@dataclass(frozen=True)
class Used:
    """What one upload uses. counts: by what is paid. seconds: of all its functions, and of the processes alone. parts: of its file."""

    size: int
    counts: Counts
    seconds: float
    working: float
    parts: int = 0


def content(size: int) -> bytes:
    """Returns a stream of so many bytes, in whole rows."""
    stream, pieces = GeneratedStream(size, 0), list[bytes]()
    while more := stream.read(1 << 26):
        pieces.append(more)
    data = b"".join(pieces)
    return data[: data.rfind(b"\n", 0, size) + 1]


def used(size: int, uploads: int, settings: dict[str, str] | None = None) -> Used:
    """Returns what an upload of this size uses: the median of several, after one that starts the functions."""
    with observed_pipeline(settings) as (pipeline, folder):
        pipeline.upload("rules/default.yaml", RULES.encode())
        body = content(size)
        pipeline.checked("streams/cold/s.csv", body)
        before = _log_bytes(pipeline)
        runs = [pipeline.checked(f"streams/cost {number}/s.csv", body) for number in range(uploads)]
        until(lambda: len(pipeline.rows(Notified=True)) == uploads + 1, "the runs", 60)
        time.sleep(1)
        logged = (_log_bytes(pipeline) - before) / uploads
        found = [_of_one(pipeline, folder, run, f"cost {number}") for number, run in enumerate(runs)]
        middle = sorted(found, key=lambda one: one.seconds)[len(found) // 2]
        counts = {**middle.counts, "GB of logs": logged / 1e9}
        return Used(size, counts, statistics.median(one.seconds for one in found), middle.working, middle.parts)


def _of_one(pipeline: Pipeline, folder: Path, run: Execution, group: str) -> Used:
    calls = [one for one in _lines(folder / "calls.jsonl") if one["group"] == group]
    units = _units(pipeline, group)
    invoked = [one for one in _lines(folder / "invocations.jsonl") if one["group"] == group]
    found: Counts = {**collections.Counter(what for call in calls for what in priced_as(call, units))}
    found |= {"EventBridge event": 1, "X-Ray trace": 1, "Lambda invocation": len(invoked)}
    found["S3 PUT and LIST"] += 1  # the upload itself
    found["SQS request"] = 2  # into the outbox, and out of it
    found["payload byte"] = sum(one["in"] + one["out"] for one in invoked)
    memory, disk = _sizes(pipeline)
    found["Lambda GB-second"] = sum(one["seconds"] * memory[one["function"]] for one in invoked)
    found["Lambda disk GB-second"] = sum(one["seconds"] * disk[one["function"]] for one in invoked)
    children = [
        pipeline.sfn.describe_map_run(mapRunArn=one["mapRunArn"])["itemCounts"]["succeeded"]
        for one in pipeline.sfn.list_map_runs(executionArn=run.arn)["mapRuns"]
    ]
    history = pipeline.sfn.get_paginator("get_execution_history").paginate(executionArn=run.arn)
    entered = sum(event["type"].endswith("StateEntered") for page in history for event in page["events"])
    # The local AWS leaves out the states of the branches; the start and the end are transitions, too.
    found["state transition"] = entered + len(PROCESSES) * (IN_PARTS if children else 1) + 2 + CHILD * sum(children)
    seconds = sum(one["seconds"] for one in invoked)
    working = sum(one["seconds"] for one in invoked if one["function"].startswith("QCProcess"))
    return Used(0, found, seconds, working, max(children, default=0))


def scaled(small: Used, large: Used, size: int) -> Used:
    """Returns what a file of this size uses, from a smaller one in parts: what its parts use grows with their number.

    small: what a file that is not checked in parts uses beside its parts, about.
    """
    times = size / large.size
    counts: Counts = {}
    for what, count in large.counts.items():
        beside = min(small.counts.get(what, 0), count)
        counts[what] = beside + (count - beside) * times
    return Used(size, counts, large.seconds * times, large.working * times, round(large.parts * times))


def priced_as(call: dict[str, Any], units: dict[str, int]) -> Iterator[str]:
    """Yields what a call is paid as. units: that writing an item of a table takes, where it is more than one."""
    operation = call["operation"]
    if operation in ("GetObject", "HeadObject"):
        yield "S3 GET and HEAD"
    elif operation.startswith("List") or operation in ("PutObject", "UploadPart", "CompleteMultipartUpload"):
        yield "S3 PUT and LIST"
    elif "TableName" in call:
        if operation in READS:
            yield from ["DynamoDB read unit"] * call.get("Items", 1)
            return
        size = next((size for name, size in units.items() if name in call["TableName"]), 1)
        copies = 1 + any(name in call["TableName"] for name in INDEXED)
        yield from ["DynamoDB write unit"] * size * copies * call.get("Items", 1)
        if copies > 1 and operation == "PutItem":
            yield "DynamoDB write unit"  # the keys alone
    elif operation == "Publish":
        yield "SNS publish"
    elif "QueueUrl" in call:
        yield "SQS request"


def _units(pipeline: Pipeline, group: str) -> dict[str, int]:
    """Returns the write units of the largest item of the group in each table: a row grows while the run goes on."""
    rows = pipeline.rows(GroupID=group)
    states = [one for one in pipeline.states() if one["GroupID"] == group]
    ids = {row["QCPID"] for row in rows}
    details = [one for one in pipeline.all_details() if one["QCPID"] in ids]
    found = {"QCSummary": rows, "QCStreams": states, "QCDetails": details}
    return {name: max(-(-_bytes(item) // UNIT) for item in items) for name, items in found.items()}


def _bytes(item: dict[str, Any]) -> int:
    """Returns the size of an item, about: names and values as text."""
    return len(json.dumps(item, default=str).encode())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _sizes(pipeline: Pipeline) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the memory and the paid disk of each function, in GB."""
    memory, disk = {}, {}
    for one in pipeline.aws.client("lambda").list_functions()["Functions"]:
        name = one["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        memory[name] = one["MemorySize"] / 1024
        disk[name] = max(0, one.get("EphemeralStorage", {}).get("Size", 512) - 512) / 1024
    return memory, disk


def _log_bytes(pipeline: Pipeline) -> int:
    names = ("StartQC", "EndQC", "SendQCSummary", "WriteReport", "QCProcess1", "QCProcess2", "QCProcess3")
    return sum(len(line.encode()) for name in names for line in pipeline.log_lines(name))
