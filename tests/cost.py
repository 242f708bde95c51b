"""`make cost`: what 1,000 uploads cost, from the requests that runs on the local AWS really make and AWS's prices.

Counted: requests to S3, DynamoDB, SNS and SQS, state transitions, and invocations. Taken from settings and not measured: how long
a function runs on AWS, for which the time of the local run stands, which is of another machine.
"""

from __future__ import annotations

import collections
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.pipeline import Pipeline, until
from stream_qc.vocabulary import PROCESSES
from tests.observed.stack import observed_pipeline
from tests.pipeline.conftest import QUARTER

UPLOADS = 20
PRICED = "2026-11, us-east-1, US dollars"
# For one request, transition or invocation.
PRICES = {
    "S3 GET and HEAD": 0.0000004,
    "S3 LIST": 0.000005,
    "S3 PUT (the upload itself)": 0.000005,
    "DynamoDB write": 0.000000625,
    "DynamoDB read": 0.000000125,
    "SNS publish": 0.0000005,
    "SQS request": 0.0000004,
    "state transition": 0.000025,
    "Lambda invocation": 0.0000002,
    "mail": 0.00002,
}
READS = ("GetItem", "Query", "BatchGetItem", "Scan")
INDEXED = ("QCSummary",)  # each write of a row is written to the index ByStream, too, and a new row to ByQCPID


def priced_as(call: dict[str, str]) -> Iterator[str]:
    """Yields what a call is paid as."""
    operation = call["operation"]
    if operation in ("GetObject", "HeadObject"):
        yield "S3 GET and HEAD"
    elif operation.startswith("List"):
        yield "S3 LIST"
    elif "TableName" in call:
        yield "DynamoDB read" if operation in READS else "DynamoDB write"
        if operation not in READS and any(name in call["TableName"] for name in INDEXED):
            yield "DynamoDB write"
            if operation == "PutItem":
                yield "DynamoDB write"
    elif operation == "Publish":
        yield "SNS publish"
    elif "QueueUrl" in call:
        yield "SQS request"


def counted(pipeline: Pipeline, folder: Path) -> collections.Counter[str]:
    """Returns what the uploads of a group have used, by what is paid."""
    group = "cost"
    keys = [f"streams/{group}/{number}.csv" for number in range(UPLOADS)]
    runs = [pipeline.checked(key, QUARTER.encode()) for key in keys]
    until(lambda: len(pipeline.rows(GroupID=group, Notified=True)) == UPLOADS, "the runs")
    time.sleep(1)
    calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    found = collections.Counter(what for call in calls if call["group"] == group for what in priced_as(call))
    found["S3 PUT (the upload itself)"] = UPLOADS
    found["Lambda invocation"] = len({call["invocation"] for call in calls if call["group"] == group})
    for run in runs:
        history = pipeline.sfn.get_paginator("get_execution_history").paginate(executionArn=run.arn)
        entered = sum(event["type"].endswith("StateEntered") for page in history for event in page["events"])
        # The local AWS leaves out the states of the branches; the start and the end are transitions, too.
        found["state transition"] += entered + len(PROCESSES) + 2
    found["SQS request"] += UPLOADS * 2  # into the outbox, and received in tens
    return found


def main() -> int:
    with observed_pipeline() as (pipeline, folder):
        pipeline.upload_rules()
        found = counted(pipeline, folder)
    print(f"1,000 small uploads, from {UPLOADS} that were counted; prices of {PRICED}\n")
    print(f"{'':30}{'a run':>8}{'1,000 runs':>14}")
    total = 0.0
    for what, count in found.most_common():
        price = count / UPLOADS * PRICES[what]
        total += price
        print(f"{what:30}{count / UPLOADS:8.1f}{1000 * price:12.4f} USD")
    print(f"{'in all':30}{'':8}{1000 * total:12.4f} USD, without the time of the functions and storage")
    return 0


if __name__ == "__main__":
    sys.exit(main())
