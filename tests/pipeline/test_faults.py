"""Faults in every place of a run: one row, right flags, one summary or an alarm, and no unearned pass.

`make faults` tries every fault in every place; the suite a sample of them, another kind at another place each.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from local.pipeline import SAMPLES, Execution, Inbox, Pipeline, until
from tests.observed.stack import observed_pipeline
from tests.pipeline.conftest import QUARTER, invoker, undelivered
from tests.pipeline.faults import (
    AFTER,
    BESIDE,
    HOUR,
    Fault,
    Observatory,
    Outcome,
    calls_by_function,
    deliver,
    every_fault,
    happened,
    mistakes,
    plant,
    pull,
    upload,
)

WHOLE = os.environ.get("FAULTS") == "all"
PARTS = 3 if WHOLE else 1  # make faults tries them side by side, each part on a local AWS of its own
# What AWS answers is tried in tests/functions/test_faults.py; here mostly what only a process of its own can do: die and hang.
AMOUNTS = {"runs": 14, "deliveries": 5, "reconcile": 3}
AT_ONCE = 24
STEPS = {"StartQC", "QCProcess1", "QCProcess2", "QCProcess3", "EndQC", "SendQCSummary", "WriteReport", "WriteFlags"}


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    """Yields the pipeline with functions that can be observed and broken, and that time out soon."""
    with observed_pipeline(LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.1", OBSERVED_SECONDS="15") as (pipeline, folder):
        pipeline.upload_rules()
        pipeline.upload("rules/default.yaml", (SAMPLES / "rules/default.yaml").read_bytes() + b"split: true\n")
        yield pipeline, folder


@pytest.fixture(scope="module")
def observatory(observed: tuple[Pipeline, Path]) -> Observatory:
    return Observatory(observed[0], Inbox(observed[0], "faults"))


@pytest.fixture(scope="module")
def clean(observed: tuple[Pipeline, Path]) -> tuple[dict[str, list[str]], set[str]]:
    """Returns the calls of every step in a run without faults, and the checks of that run."""
    pipeline, folder = observed
    run = pipeline.checked("streams/clean/s.csv", QUARTER.encode())
    calls = calls_by_function(folder, "clean")
    assert set(calls) == STEPS
    return calls, set(pipeline.details(run.output["QCPID"]))


# What one run asks AWS for, with flags and clean rows, the dearest that a small file can ask for. Whoever adds a call adds it here,
# and to docs/costs.md.
BUDGET: dict[str, dict[str, int]] = {
    "StartQC": {"PutItem": 2, "HeadObject": 4, "UpdateItem": 1},
    **{
        f"QCProcess{number}": {"GetObject": 2, "BatchWriteItem": 1, "PutObject": 2, "UpdateItem": 1}
        for number in (1, 2, 3)
    },
    "EndQC": {"GetItem": 1, "UpdateItem": 3},
    "SendQCSummary": {"Query": 1, "PutItem": 1, "Publish": 1, "UpdateItem": 2},
    "WriteReport": {"GetObject": 3, "PutObject": 1, "UpdateItem": 1},
    "WriteFlags": {"GetObject": 6, "HeadObject": 3, "PutObject": 3, "UpdateItem": 1},
}
TRANSITIONS, PAYLOAD_BYTES = 11, 4096


def test_run_keeps_its_budget(observed: tuple[Pipeline, Path], clean: tuple[dict[str, list[str]], set[str]]) -> None:
    calls, _ = clean
    counted = {name: dict(Counter(place.split()[0] for place in places)) for name, places in calls.items()}
    assert counted == BUDGET
    pipeline, _ = observed
    run = pipeline.checked("streams/budget/s.csv", QUARTER.encode())
    history = pipeline.sfn.get_paginator("get_execution_history").paginate(executionArn=run.arn)
    entered = [
        event["stateEnteredEventDetails"]
        for page in history
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]
    assert len(entered) <= TRANSITIONS
    assert max(len(one.get("input", "")) for one in entered) <= PAYLOAD_BYTES


def calls_of_close_run(pipeline: Pipeline, folder: Path, around: str) -> dict[str, list[str]]:
    """Returns the calls of CloseRun after something else failed."""
    (folder / "faults" / f"{around}.json").write_text(json.dumps([AFTER[around]]))
    ended = pipeline.checked(f"streams/{around}/s.csv", QUARTER.encode())
    until(lambda: pipeline.rows(ExecutionArn=ended.arn, Notified=True), "the closed row")
    time.sleep(1)
    return {"CloseRun": calls_by_function(folder, around)["CloseRun"]}


def chosen_of(faults: list[Fault], kind: str, part: int) -> list[Fault]:
    """Returns all faults, or in the suite a sample of all kinds and places."""
    if WHOLE:
        return faults[part::PARTS]
    own = ("exit", "hang", "truncate", "stall", "Lambda.")
    shuffled = sorted(faults, key=lambda fault: fault.group)
    return sorted(shuffled, key=lambda fault: not any(kind in fault.kind for kind in own))[: AMOUNTS[kind]]


def judge(folder: Path, outcomes: dict[Fault, Outcome], checks: set[str]) -> None:
    unbroken = [str(fault) for fault in outcomes if not happened(folder, fault)]
    wrong = [
        f"{fault}: {mistake} ({outcome})"
        for fault, outcome in outcomes.items()
        for mistake in mistakes(fault, outcome, checks)
    ]
    if WHOLE:
        report(outcomes)
    assert not unbroken, f"{len(unbroken)} faults did not happen: {unbroken[:5]}"
    assert not wrong, f"{len(wrong)} mistakes after {len(outcomes)} faults:\n" + "\n".join(wrong)


def report(outcomes: dict[Fault, Outcome]) -> None:
    ended = Counter(
        (fault.kind, outcome.rows[0]["Status"] if outcome.rows else "none", outcome.sent)
        for fault, outcome in outcomes.items()
    )
    print(f"\n{len(outcomes)} faults, each in a run of its own:")
    for (kind, status, told), count in sorted(ended.items()):
        print(f"  {kind:<34}{count:>4}   row {status:<7} told {told}")


@pytest.mark.parametrize("part", range(PARTS))
def test_fault_leaves_one_row_one_summary_and_no_unearned_pass(
    observed: tuple[Pipeline, Path], observatory: Observatory, clean: tuple[dict[str, list[str]], set[str]], part: int
) -> None:
    pipeline, folder = observed
    calls, checks = clean
    faults = list(every_fault(calls))
    for around in AFTER:
        faults += every_fault(calls_of_close_run(pipeline, folder, around), around)
    chosen, outcomes = chosen_of(faults, "runs", part), dict[Fault, Outcome]()
    for first in range(0, len(chosen), AT_ONCE):
        some = chosen[first : first + AT_ONCE]
        for fault in some:
            plant(folder, fault)
        found = observatory.outcomes_of({fault: upload(pipeline, fault) for fault in some}, seconds=180)
        outcomes |= observatory.redriven(found, folder)
    judge(folder, observatory.look({fault: outcome.executions for fault, outcome in outcomes.items()}), checks)


def test_an_hour_of_refusals_is_waited_out(
    observed: tuple[Pipeline, Path], observatory: Observatory, clean: tuple[dict[str, list[str]], set[str]]
) -> None:
    pipeline, folder = observed
    calls, checks = clean
    refusing = ("PutItem 1", "UpdateItem 1", "BatchWriteItem 1", "Query 1", "Publish 1")
    places = [(function, place) for function, its in calls.items() for place in its if place in refusing]
    # Once SNS has the summary and that cannot be noted, nobody knows whether it was sent; the execution fails, as it must.
    places.remove(("SendQCSummary", "UpdateItem 1"))
    faults = [Fault(function, place, "throttle", HOUR, "bad") for function, place in places]
    chosen = faults if WHOLE else [faults[0], faults[-1]]
    for fault in chosen:
        plant(folder, fault)
    outcomes = observatory.outcomes_of({fault: upload(pipeline, fault) for fault in chosen}, seconds=300)
    judge(folder, outcomes, checks)
    ended = {str(fault): (outcome.execution.status, outcome.sent) for fault, outcome in outcomes.items()}
    assert set(ended.values()) == {("SUCCEEDED", "FAIL")}, ended


@pytest.mark.parametrize("part", range(PARTS))
def test_failed_delivery_adds_nothing_to_the_run_of_another(
    observed: tuple[Pipeline, Path], observatory: Observatory, clean: tuple[dict[str, list[str]], set[str]], part: int
) -> None:
    pipeline, folder = observed
    calls, checks = clean
    of_start = list(every_fault({"StartQC": calls["StartQC"]}))
    # A fault after the claim is settled does not come to pass where the upload has a run already.
    faults = [replace(fault, around=around) for around in BESIDE for fault in of_start]
    chosen = chosen_of(faults, "deliveries", part)
    with undelivered(pipeline, len(chosen)), ThreadPoolExecutor(8) as pool:
        ended: dict[Fault, list[Execution]] = dict(
            zip(chosen, pool.map(lambda fault: deliver(pipeline, folder, fault), chosen), strict=True)
        )
    happening = {fault: one for fault, one in ended.items() if happened(folder, fault)}
    assert len(happening) > len(chosen) / 3
    found = observatory.redriven(observatory.outcomes(happening), folder)
    judge(folder, observatory.look({fault: outcome.executions for fault, outcome in found.items()}), checks)


@pytest.mark.parametrize("part", range(PARTS))
def test_reconcile_does_next_time_what_it_could_not_do(
    observed: tuple[Pipeline, Path], observatory: Observatory, part: int
) -> None:
    pipeline, folder = observed
    reconcile = invoker(pipeline)

    def lose(group: str) -> tuple[str, str]:
        """Loses the event of an upload, and the event of a rerun that was stopped."""
        with undelivered(pipeline, 1), undelivered(pipeline, 1, to="FailedRunRule"):
            pipeline.upload(f"streams/{group}/s.csv", QUARTER.encode())
            stopped = pipeline.start({"GroupID": group, "StreamID": "s"})
            pipeline.sfn.stop_execution(executionArn=stopped)
        return group, stopped

    lose("unreconciled")
    reconcile("Reconcile", {"GroupID": "unreconciled", "SettlingSeconds": 0, "Days": 0.02})
    places = calls_by_function(folder, "unreconciled")["Reconcile"]
    first_of_each = [place for place in places if place.endswith(" 1") or place.startswith("ListExecutions")]
    # What invokes it is a schedule, and one that hangs is one that is ended: it comes again.
    faults = [
        fault
        for fault in every_fault({"Reconcile": first_of_each})
        if fault.at != "invoke" and "hang" not in fault.kind
    ]
    chosen, lost = chosen_of(faults, "reconcile", part), dict[Fault, tuple[str, str]]()
    for fault in chosen:
        lost[fault] = lose(fault.group)
        plant(folder, fault)
        asked = {"GroupID": fault.group, "SettlingSeconds": 0, "Days": 0.02}
        with contextlib.suppress(RuntimeError):  # it breaks, and its alarm rings
            reconcile("Reconcile", asked)
        pull(folder, fault)
        reconcile("Reconcile", asked)
    deadline = time.monotonic() + 60
    while True:
        ended = {
            fault: sorted(row["Status"] for row in pipeline.rows(GroupID=group)) for fault, (group, _) in lost.items()
        }
        if all(statuses == ["ERROR", "PASS"] for statuses in ended.values()):
            break
        assert time.monotonic() < deadline, {
            str(fault): statuses for fault, statuses in ended.items() if statuses != ["ERROR", "PASS"]
        }
        time.sleep(0.5)
    time.sleep(2)  # for second messages, if there were any
    told = {
        fault: [len(observatory.inbox.all(row["ExecutionArn"])) for row in pipeline.rows(GroupID=group)]
        for fault, (group, _) in lost.items()
    }
    assert {str(fault): counts for fault, counts in told.items() if counts != [1, 1]} == {}
    assert [str(fault) for fault in chosen if not happened(folder, fault)] == []
    if WHOLE:
        print(f"\n{len(chosen)} faults of Reconcile")
