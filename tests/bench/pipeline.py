"""`python -m tests.bench.pipeline`: what the pipeline itself costs, on the local AWS, written into docs/BENCHMARKS.md.

An upload is timed until its message was published, beside the same upload with the same state machine whose functions do
nothing. Both run in one local AWS, in turn.
"""

from __future__ import annotations

import functools
import io
import json
import os
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.aws import ROOT, free_port
from local.pipeline import Pipeline, deployed
from tests.bench.sections import put
from tests.cost.counting import Used, used

RUNS = int(os.environ.get("RUNS", "30"))
SAMPLE = ROOT / "sample_data/streams/seattle/airport.csv"
# What the functions of the bare machine return: enough for the state machine to take the way of a good file. Each logs a line as
# ours do: the emulator waits 50 ms for the log of a function that has none.
NOTHING = """
def handler(event, context):
    print("{}")
    if "Input" in event:
        return {"Status": "RUNNING", "GroupID": "bare", "StreamID": "s"}
    return {"Status": "PASS", "Process": 0, "Pass": 1}
"""


@dataclass(frozen=True)
class Timed:
    """Seconds from an upload to the end of SendQCSummary, and in each state, of one execution."""

    whole: float
    steps: dict[str, float]


def main() -> int:
    with deployed(free_port()) as pipeline:
        pipeline.upload_rules()
        machine = _bare_machine(pipeline)
        body = SAMPLE.read_bytes()
        for number in range(3):  # warm
            _ours(pipeline, body, f"warm{number}")
            _bare(pipeline, machine, body)
        ours, bare = list[Timed](), list[Timed]()
        for number in range(RUNS):
            ours.append(_ours(pipeline, body, f"s{number}"))
            bare.append(_bare(pipeline, machine, body))
            print(f"  {number + 1} of {RUNS}: {ours[-1].whole:.3f} s, bare {bare[-1].whole:.3f} s", file=sys.stderr)
    counted = used(len(body), 3)
    text = section(ours, bare, counted)
    print(text)
    put("python -m tests.bench.pipeline", text)
    return 0


def _ours(pipeline: Pipeline, body: bytes, name: str) -> Timed:
    key = f"streams/seattle/{name}.csv"
    began = time.time()
    version = pipeline.upload(key, body)
    arn = pipeline.started_by(key, version)
    pipeline.finished(arn)
    return _timed(pipeline, arn, began)


def _bare(pipeline: Pipeline, machine: str, body: bytes) -> Timed:
    began = time.time()
    pipeline.upload("bare/s.csv", body)
    arn = str(pipeline.sfn.start_execution(stateMachineArn=machine, input="{}")["executionArn"])
    pipeline.finished(arn)
    return _timed(pipeline, arn, began)


def _timed(pipeline: Pipeline, arn: str, began: float) -> Timed:
    pages = pipeline.sfn.get_paginator("get_execution_history").paginate(executionArn=arn)
    entered, steps = dict[str, float](), dict[str, float]()
    for event in (event for page in pages for event in page["events"]):
        at = event["timestamp"].timestamp()
        if event["type"].endswith("StateEntered"):
            entered[event["stateEnteredEventDetails"]["name"]] = at
        elif event["type"].endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            steps[name] = at - entered[name]
    sent = entered["SendQCSummary"] + steps["SendQCSummary"]
    return Timed(sent - began, steps)


def _bare_machine(pipeline: Pipeline) -> str:
    """Creates a copy of the state machine whose functions do nothing, and returns its ARN."""
    functions, content = pipeline.aws.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("nothing.py", NOTHING)
    found = pipeline.sfn.describe_state_machine(stateMachineArn=pipeline.outputs["StateMachineArn"])

    def nothing(name: str) -> str:
        made = functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=found["roleArn"],
            Handler="nothing.handler",
            Code={"ZipFile": content.getvalue()},
            Timeout=60,
        )
        return str(made["FunctionArn"])

    definition = json.loads(found["definition"])
    _replace(definition, functools.cache(lambda function: nothing(f"Nothing{function.split(':')[6][-20:]}")))
    created = pipeline.sfn.create_state_machine(
        name="Bare", definition=json.dumps(definition), roleArn=found["roleArn"]
    )
    return str(created["stateMachineArn"])


def _replace(value: Any, other: Callable[[str], str]) -> None:
    """Has every task of a definition invoke another function in place of its own."""
    if isinstance(value, dict):
        if "FunctionName" in value:
            value["FunctionName"] = other(value["FunctionName"])
        for one in value.values():
            _replace(one, other)
    elif isinstance(value, list):
        for one in value:
            _replace(one, other)


def section(ours: list[Timed], bare: list[Timed], counted: Used) -> str:
    """Returns the section of the page."""
    whole, without = (statistics.median(one.whole for one in some) for some in (ours, bare))
    lines = [
        "## The pipeline",
        "",
        f"`python -m tests.bench.pipeline` uploads `{SAMPLE.relative_to(ROOT)}` to the local AWS {RUNS} times, warm, and",
        "the same to a copy of the state machine whose functions only log a line, in turn. Seconds are medians, of the wall. The",
        "emulator waits 0.15 s before the first state of every execution, and some 40 ms for each function.",
        "",
        "| | Stream QC | functions that do nothing |",
        "|---|---:|---:|",
        f"| upload to message: the end of SendQCSummary | {whole:.3f} | {without:.3f} |",
    ]
    names = [
        name for name in ("StartQC", "QCProcesses", "EndQC", "SendQCSummary", "WriteReport") if name in ours[0].steps
    ]
    for name in names:
        each = [statistics.median(one.steps.get(name, 0.0) for one in some) for some in (ours, bare)]
        lines.append(f"| {name} | {each[0]:.3f} | {each[1]:.3f} |")
    lines += [
        "",
        f"An upload takes {whole / without:.2f} times what it takes with functions that do nothing: {whole - without:.3f} s of work, in five steps.",
        "",
        "What one run asks for (`tests/pipeline/test_budget.py` holds the budget):",
        "",
        "| what | one run |",
        "|---|---:|",
    ]
    lines += [
        f"| {what} | {count:,.0f} |" for what, count in counted.counts.items() if count >= 1 and count == int(count)
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
