"""`python -m tests.bulk 10000`: reruns so many streams in bulk on the local AWS, stopped in the middle and resumed.

The files are uploaded while the upload rule is off, so that each has one run: that of the rerun. It ends with what was counted,
and fails if a stream has no verdict or two, or if either execution told its end less or more often than once.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.aws import free_port
from local.pipeline import Inbox, Pipeline, deployed

GROUPS = 10
AT_ONCE = 4
HOURS = 5
EVERY_SECONDS = 2
EXPECTED_MESSAGES = [1, 0, 1]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with deployed(free_port()) as pipeline:
        inbox = Inbox(pipeline, "bulk", {"Status": ["RERUN"]})
        _upload(pipeline, count)
        began = time.monotonic()
        first = _start(pipeline)
        _wait_for(pipeline, first, count // 2)
        second = pipeline.finished(_start(pipeline))
        print(f"started once more meanwhile: {second.error}: {second.cause}")
        pipeline.sfn.stop_execution(executionArn=first)
        stopped = inbox.message(first)["Summary"]
        print(f"stopped after {time.monotonic() - began:.0f} s: {stopped['Ended']}, {stopped['NotRun']:,} not run")
        third = pipeline.finished(_start(pipeline, Resume=stopped["RerunID"]), HOURS * 3600)
        seconds = time.monotonic() - began
        told = inbox.message(third.arn)["Summary"]
        print(told["Text"])
        verdicts = Counter(_verdicts(pipeline))
        twice = [name for name, times in verdicts.items() if times > 1]
        messages = [len(inbox.all(arn)) for arn in (first, second.arn, third.arn)]
        print(f"{count:,} streams in {seconds:.0f} s: {len(verdicts):,} with a verdict, {len(twice)} with two")
        print(f"messages of the stopped, the refused and the resumed execution: {', '.join(map(str, messages))}")
        is_right = len(verdicts) == count and not twice and messages == EXPECTED_MESSAGES
        return int(not is_right or third.status != "SUCCEEDED" or told["NotRun"] != 0)


def _upload(pipeline: Pipeline, count: int) -> None:
    """Uploads the files. One in ten fails its rules."""
    events = pipeline.aws.client("events")
    (rule,) = [one["Name"] for one in events.list_rules()["Rules"] if "UploadRule" in one["Name"]]
    events.disable_rule(Name=rule)
    rules = b"schema: {fields: [{name: n, type: integer, constraints: {maximum: 8}}]}"
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key="rules/default.yaml", Body=rules)

    def put(number: int) -> None:
        key = f"streams/g{number % GROUPS}/{number}.csv"
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=key, Body=f"n\n{number // GROUPS % 10}\n".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(count)))


def _start(pipeline: Pipeline, **more: Any) -> str:
    given = json.dumps({"MaxConcurrency": AT_ONCE, **more})
    machine = pipeline.outputs["RerunStateMachineArn"]
    return str(pipeline.sfn.start_execution(stateMachineArn=machine, input=given)["executionArn"])


def _wait_for(pipeline: Pipeline, arn: str, count: int) -> None:
    """Waits until an execution has done so many files, and tells how far it is each time that it has done a tenth more."""
    deadline, told = time.monotonic() + HOURS * 3600, 0
    while time.monotonic() < deadline:
        maps = pipeline.sfn.list_map_runs(executionArn=arn)["mapRuns"]
        counts = pipeline.sfn.describe_map_run(mapRunArn=maps[0]["mapRunArn"])["itemCounts"] if maps else {}
        done = counts.get("succeeded", 0) + counts.get("failed", 0)
        if done >= count:
            return
        if done >= told + count / 10:
            print(f"{done:,} of {counts['total']:,} files are done", flush=True)
            told = done
        time.sleep(EVERY_SECONDS)
    raise TimeoutError(f"{HOURS} hours are over, and {count:,} files are not done")


def _verdicts(pipeline: Pipeline) -> list[str]:
    """Returns the streams of every run with a verdict."""
    return [row["StreamID"] for row in pipeline.rows() if row["Status"] in ("PASS", "FAIL")]


if __name__ == "__main__":
    sys.exit(main())
