"""Faults while streams are rerun in bulk, and while rules are tried on them: as in tests/pipeline/test_faults.py.

After a fault, a person resumes the rerun. `make faults` tries every fault in every place, the suite a few of them.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.pipeline import Execution, Inbox, Pipeline, until
from tests.observed.stack import observed_pipeline
from tests.pipeline.faults import Fault, calls_by_function, every_fault, happened, plant, pull

WHOLE = os.environ.get("FAULTS") == "all"
SAMPLE = 4
AT_ONCE = 6
STREAMS = ("a", "b", "c")
RULES = "schema: {fields: [{name: n, type: integer, constraints: {maximum: %d}}]}"
OF_RERUNS, OF_WHAT_IFS = ("ListStreams", "EndRerun"), ("ListStreams", "TryRules", "EndRerun")


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    with observed_pipeline(LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.1", OBSERVED_SECONDS="15") as (pipeline, folder):
        pipeline.upload("rules/default.yaml", (RULES % 2).encode())
        pipeline.upload("candidates/x/default.yaml", (RULES % 1).encode())
        yield pipeline, folder


def upload(pipeline: Pipeline, groups: list[str]) -> None:
    """Uploads three streams of each group: `c` fails, and `b` would under the candidates."""
    for group in groups:
        for number, name in enumerate(STREAMS, start=1):
            pipeline.upload(f"streams/{group}/{name}.csv", f"n\n{number}\n".encode())

    def all_ended() -> bool:
        count = Counter(row["GroupID"] for row in pipeline.rows() if row["Status"] in ("PASS", "FAIL"))
        return all(count[group] >= len(STREAMS) for group in groups)

    until(all_ended, "the runs of the uploads", 300)


def start(pipeline: Pipeline, group: str, **more: str) -> str:
    machine, given = pipeline.outputs["RerunStateMachineArn"], json.dumps({"GroupID": group, **more})
    return str(pipeline.sfn.start_execution(stateMachineArn=machine, input=given)["executionArn"])


def resume(pipeline: Pipeline, group: str) -> str:
    """Starts the rerun of the group again, as the message of one that was stopped says."""
    begun = {row["RerunID"] for row in pipeline.rows(GroupID=group) if "RerunID" in row}
    return start(pipeline, group, **({"Resume": begun.pop()} if begun else {}))


def chosen(calls: dict[str, list[str]], names: tuple[str, ...], around: str) -> list[Fault]:
    found = every_fault({name: calls[name] for name in names}, around)
    faults = sorted(found, key=lambda fault: fault.group)
    return faults if WHOLE else faults[:SAMPLE]


def test_fault_in_a_rerun_leaves_one_verdict_for_each_stream_and_no_two_messages(
    observed: tuple[Pipeline, Path],
) -> None:
    pipeline, folder = observed
    inbox = Inbox(pipeline, "reruns")
    upload(pipeline, ["clean"])
    assert pipeline.finished(start(pipeline, "clean")).status == "SUCCEEDED"
    faults, wrong = chosen(calls_by_function(folder, "clean"), OF_RERUNS, "in a rerun"), list[str]()
    for first in range(0, len(faults), AT_ONCE):
        some = faults[first : first + AT_ONCE]
        upload(pipeline, [fault.group for fault in some])
        for fault in some:
            plant(folder, fault)
        ended = {fault: [one] for fault, one in finished(pipeline, {f: start(pipeline, f.group) for f in some}).items()}
        for fault in some:
            pull(folder, fault)
        for ways in (resume, start):  # one that has ended already, but for its last word, cannot be resumed
            again = {fault: ways(pipeline, fault.group) for fault in some if ended[fault][-1].status != "SUCCEEDED"}
            for fault, one in finished(pipeline, again).items():
                ended[fault].append(one)
        wrong += [f"{fault}: {one}" for fault in some for one in mistakes(pipeline, inbox, fault, ended[fault])]
        wrong += [f"{fault}: it did not happen" for fault in some if not happened(folder, fault)]
    assert not wrong, f"{len(wrong)} mistakes after {len(faults)} faults:\n" + "\n".join(wrong)
    if WHOLE:
        print(f"\n{len(faults)} faults of reruns in bulk")


def test_fault_in_a_what_if_writes_no_row_and_hides_no_change(observed: tuple[Pipeline, Path]) -> None:
    pipeline, folder = observed
    inbox = Inbox(pipeline, "what-ifs")
    upload(pipeline, ["tried"])
    assert pipeline.finished(start(pipeline, "tried", Rules="candidates/x/")).output["Changed"] == 1
    faults, wrong = chosen(calls_by_function(folder, "tried"), OF_WHAT_IFS, "in a what-if"), list[str]()
    for first in range(0, len(faults), AT_ONCE):
        some = faults[first : first + AT_ONCE]
        upload(pipeline, [fault.group for fault in some])
        for fault in some:
            plant(folder, fault)
        for fault, one in finished(
            pipeline, {f: start(pipeline, f.group, Rules="candidates/x/") for f in some}
        ).items():
            pull(folder, fault)
            messages = [message["Summary"] for message in inbox.all(one.arn)]
            if len(pipeline.rows(GroupID=fault.group)) != len(STREAMS):
                wrong.append(f"{fault}: a what-if has written a row")
            if len(messages) > 1:
                wrong.append(f"{fault}: {len(messages)} messages")
            if one.status == "SUCCEEDED" and not messages:
                wrong.append(f"{fault}: no message")
            if not one.error and one.status == "FAILED":
                wrong.append(f"{fault}: a failed execution without an error")
            wrong += [f"{fault}: {message['Text']}" for message in messages if hides(message)]
        wrong += [f"{fault}: it did not happen" for fault in some if not happened(folder, fault)]
    assert not wrong, f"{len(wrong)} mistakes after {len(faults)} faults:\n" + "\n".join(wrong)
    if WHOLE:
        print(f"\n{len(faults)} faults of what-ifs")


def hides(message: dict[str, Any]) -> bool:
    """Whether the stream that would fail is neither named as changed nor as not checked."""
    changed = [one["StreamID"] for one in message["Changes"]]
    unchecked = [line for line in message["Text"].splitlines() if line.startswith("Not checked: ")]
    return changed != ["b"] and not any(f"{message['Selection']['GroupID']}/b" in line for line in unchecked)


def finished(pipeline: Pipeline, started: dict[Fault, str]) -> dict[Fault, Execution]:
    return {fault: pipeline.finished(arn, 300) for fault, arn in started.items()}


def mistakes(pipeline: Pipeline, inbox: Inbox, fault: Fault, ended: list[Execution]) -> Iterator[str]:
    last = ended[-1]
    if last.status != "SUCCEEDED":
        yield f"the second start ended {last.status}: {last.error}: {last.cause}"
        return
    if any(one.status == "FAILED" and not one.error for one in ended):
        yield "a failed execution without an error"
    rerun = last.output["RerunID"]
    rows = [row for row in pipeline.rows(GroupID=fault.group) if row.get("RerunID") == rerun]
    verdicts = Counter(row["StreamID"] for row in rows if row["Status"] in ("PASS", "FAIL"))
    if verdicts != Counter(STREAMS):
        yield f"verdicts {dict(verdicts)}"
    messages = [[one["Summary"] for one in inbox.all(execution.arn)] for execution in ended]
    if any(len(some) > 1 for some in messages):
        yield f"{[len(some) for some in messages]} messages"
    if not messages[-1] or messages[-1][0]["NotRun"]:
        yield f"the last message is {messages[-1]}"
    if (last.output.get("PASS"), last.output.get("FAIL")) != (2, 1):
        yield f"the output is {last.output}"
