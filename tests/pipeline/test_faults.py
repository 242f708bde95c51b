"""Whatever breaks, wherever: one row, right flags, one message or an alarm, never a pass that was not earned.

`make faults` tries every fault in every place; the suite a sample of them, another kind at another place each.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import STATE, free_port
from local.pipeline import Inbox, Pipeline, deployed
from tests.pipeline.conftest import QUARTER
from tests.pipeline.faults import (
    BREAKING_OFF,
    Fault,
    Observatory,
    Outcome,
    calls_by_function,
    every_fault,
    inject,
    mistakes,
)

WHOLE = os.environ.get("FAULTS") == "all"
SAMPLE = 40
AT_ONCE = 24
HUNG_SECONDS = 15  # a function that hangs is ended after this long, and not after its own minutes
FUNCTIONS = {"StartQC", "QCProcess1", "QCProcess2", "QCProcess3", "EndQC", "SendQCSummary", "CloseRun"}


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    """The pipeline with functions that can be watched and broken, and with short waits between attempts."""
    with tempfile.TemporaryDirectory(prefix="observed-", dir=STATE) as name:
        extra = {"QC_LOCAL_OBSERVED": name, "SFN_WAIT_SCALE": "0.01", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}
        (Path(name) / "faults").mkdir()
        with deployed(free_port(), extra=extra) as pipeline:
            pipeline.upload_rules()
            functions = pipeline.aws.client("lambda")
            for page in functions.get_paginator("list_functions").paginate():
                for one in page["Functions"]:
                    functions.update_function_configuration(FunctionName=one["FunctionName"], Timeout=HUNG_SECONDS)
            yield pipeline, Path(name)


def places(pipeline: Pipeline, folder: Path) -> tuple[dict[str, list[str]], set[str]]:
    """The calls of every function, from a clean run and from one that CloseRun ends; and the checks of a run."""
    clean = pipeline.checked("streams/clean/s.csv", QUARTER.encode())
    (folder / "faults" / "broken.json").write_text(json.dumps([BREAKING_OFF]))
    pipeline.checked("streams/broken/s.csv", QUARTER.encode())
    deadline = time.monotonic() + 30
    while True:
        calls = calls_by_function(folder, "clean") | {
            "CloseRun": calls_by_function(folder, "broken").get("CloseRun", [])
        }
        if "UpdateItem 2" in calls["CloseRun"]:
            break
        assert time.monotonic() < deadline, calls
        time.sleep(0.2)
    assert set(calls) == FUNCTIONS
    return calls, set(pipeline.details(clean.output["QCPID"]))


def sample(faults: list[Fault]) -> list[Fault]:
    """Some of them, spread over all kinds and places."""
    return sorted(faults, key=lambda fault: fault.group)[:SAMPLE]


def test_whatever_breaks_is_told_once_and_never_passes(observed: tuple[Pipeline, Path]) -> None:
    pipeline, folder = observed
    calls, checks = places(pipeline, folder)
    faults = list(every_fault(calls))
    chosen = faults if WHOLE else sample(faults)
    inbox = Inbox(pipeline, "faults")
    observatory, outcomes = Observatory(pipeline, inbox), dict[Fault, Outcome]()
    for first in range(0, len(chosen), AT_ONCE):
        some = chosen[first : first + AT_ONCE]
        found = observatory.outcomes({fault: inject(pipeline, folder, fault) for fault in some}, seconds=120)
        outcomes |= observatory.redriven(found, folder)
    wrong, unbroken = [], []
    for fault, outcome in outcomes.items():
        if not (folder / "faults" / f"{fault.group}.{fault.function}.0").exists():
            unbroken.append(str(fault))
        wrong += [f"{fault}: {mistake} ({outcome})" for mistake in mistakes(fault, outcome, checks)]
    if WHOLE:
        report(outcomes)
    assert not unbroken, f"{len(unbroken)} faults did not happen: {unbroken[:5]}"
    assert not wrong, f"{len(wrong)} mistakes after {len(chosen)} faults:\n" + "\n".join(wrong)


def report(outcomes: dict[Fault, Outcome]) -> None:
    ended = Counter(
        (fault.kind, outcome.rows[0]["Status"] if outcome.rows else "none", outcome.told)
        for fault, outcome in outcomes.items()
    )
    print(f"\n{len(outcomes)} faults, each in a run of its own:")
    for (kind, status, told), count in sorted(ended.items()):
        print(f"  {kind:<34}{count:>4}   row {status:<7} told {told}")
