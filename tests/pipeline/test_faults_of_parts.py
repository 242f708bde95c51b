"""Faults while a large file is cut, counted, checked in parts and merged: as in tests/pipeline/test_faults.py.

`make faults` tries every fault in every place, the suite a few of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.pipeline import Inbox, Pipeline
from tests.observed.stack import observed_pipeline
from tests.pipeline.faults import Fault, Observatory, Outcome, calls_by_function, every_fault, happened, mistakes, plant

WHOLE = os.environ.get("FAULTS") == "all"
SAMPLE = 6
AT_ONCE = 6
OF_PARTS = ("PlanParts", "CountRows", "QCProcess1", "QCProcess2", "QCProcess3")
RULES = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {unique: true}}
    - {name: v, type: number, constraints: {maximum: 90}}
time: time
streams: {v: {qartod: {spike_test: {fail_threshold: 100}, attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 0.5}}}}
"""


def content(data: str) -> bytes:
    """Returns a file of 1.1 MiB, nine parts. data: `bad` has a value that process 2 must find, in the last part."""
    lines = [
        f"2020-01-01T{row // 3600:02}:{row // 60 % 60:02}:{row % 60:02},{row % 30}.000001\n" for row in range(38_000)
    ]
    if data == "bad":
        lines[-2] = lines[-2].partition(",")[0] + ",99\n"
    return ("time,v\n" + "".join(lines)).encode()


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    settings = {"splitAboveMiB": "1"}
    with observed_pipeline(settings, LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.1", OBSERVED_SECONDS="15") as (
        pipeline,
        folder,
    ):
        pipeline.upload("rules/default.yaml", RULES.encode())
        yield pipeline, folder


def test_fault_in_a_large_file_leaves_one_row_one_summary_and_no_unearned_pass(
    observed: tuple[Pipeline, Path],
) -> None:
    pipeline, folder = observed
    observatory = Observatory(pipeline, Inbox(pipeline, "faults"))
    run = pipeline.checked("streams/clean/s.csv", content("good"))
    assert run.status == "SUCCEEDED"
    checks = set(pipeline.details(run.output["QCPID"]))
    calls = calls_by_function(folder, "clean")
    assert {*OF_PARTS} <= calls.keys()
    faults = sorted(every_fault({name: calls[name] for name in OF_PARTS}), key=lambda fault: fault.group)
    chosen, outcomes = faults if WHOLE else faults[:SAMPLE], dict[Fault, Outcome]()
    for first in range(0, len(chosen), AT_ONCE):
        some = chosen[first : first + AT_ONCE]
        for fault in some:
            plant(folder, fault)
        uploaded = {fault: upload(pipeline, fault) for fault in some}
        outcomes |= observatory.redriven(observatory.outcomes_of(uploaded, seconds=300), folder)
    wrong = [
        f"{fault}: {one} ({outcome})" for fault, outcome in outcomes.items() for one in mistakes(fault, outcome, checks)
    ]
    assert not wrong, f"{len(wrong)} mistakes after {len(outcomes)} faults:\n" + "\n".join(wrong)
    assert [str(fault) for fault in outcomes if not happened(folder, fault)] == []
    if WHOLE:
        print(f"\n{len(outcomes)} faults of large files")


def upload(pipeline: Pipeline, fault: Fault) -> tuple[str, str]:
    key = f"streams/{fault.group}/s.csv"
    return key, pipeline.upload(key, content(fault.data))
