"""EndQC: the total of three results, and a row that is closed once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ending import judge
from pipeline.model import Failure, ProcessResult, Run, Status
from step_3_end_qc import handler
from tests.functions.cloud import Cloud, LambdaError, invoke
from tests.samples import event

RUN = Run.from_payload(event("end_qc"))


def judged(*results: ProcessResult) -> Run:
    return judge(replace(RUN, results=results))


def result(process: int, passed: int) -> ProcessResult:
    return ProcessResult(process, bool(passed), rows=9)


def broken(process: int, error: str = "InvalidRules", cause: str = "schema: …") -> ProcessResult:
    return ProcessResult(process, failure=Failure(error, cause))


@pytest.mark.parametrize("passes", list(itertools.product([0, 1], repeat=3)))
def test_total_passes_only_where_all_three_do(passes: tuple[int, int, int]) -> None:
    run = judged(*(result(number, passed) for number, passed in enumerate(passes, start=1)))
    assert tuple(map(int, run.flags.values())) == passes
    assert (run.total_pass, run.rows, run.failure) == (passes == (1, 1, 1), 9, None)
    assert run.status == (Status.PASS if passes == (1, 1, 1) else Status.FAIL)


def test_process_not_run_ends_run_as_error() -> None:
    run = judged(result(1, 1), broken(2, "MemoryError", "out of memory"), result(3, 0))
    assert (run.status, run.total_pass, run.flags) == (Status.ERROR, False, {1: True, 2: False, 3: False})
    assert run.failure == Failure("MemoryError", "values: MemoryError: out of memory")


def test_failure_of_all_three_is_named_once() -> None:
    assert judged(broken(1), broken(2), broken(3)).failure == Failure("InvalidRules", "schema: …")


def test_different_failures_are_all_named() -> None:
    run = judged(broken(1, "A", "a"), broken(2, "B", "b"), broken(3, "A", "a"))
    assert run.failure == Failure("A", "structure, continuity: A: a; values: B: b")


@pytest.mark.parametrize(
    "results",
    [
        [],
        [result(1, 1), result(2, 1)],
        [result(1, 1), result(1, 1), result(2, 1), result(3, 1)],
        [ProcessResult(0)] * 3,
        [result(4, 1)] * 3,
    ],
)
def test_anything_but_one_result_of_each_process_is_an_error(results: list[ProcessResult]) -> None:
    run = judged(*results)
    assert (run.status, run.total_pass) == (Status.ERROR, False)
    assert run.failure is not None
    assert run.failure.error == "ProcessNotRun"


payloads = st.fixed_dictionaries(
    {},
    optional={
        "Process": st.sampled_from([1, 2, 3, 4, "1", None]),
        "Pass": st.sampled_from([0, 1, True, "1", 2, None]),
        "Error": st.just("E"),
        "Cause": st.just("c"),
    },
)


@given(st.lists(payloads, max_size=5))
def test_pass_is_never_given_that_was_not_earned(results: list[dict[str, Any]]) -> None:
    run = judge(Run.from_payload({**event("end_qc"), "Results": results}))
    earned = all(
        sum(one.get("Process") == number for one in results) == 1
        and any(one.get("Process") == number and one.get("Pass") == 1 and "Error" not in one for one in results)
        for number in (1, 2, 3)
    )
    assert (run.status == Status.PASS) == bool(run.total_pass) == earned


@pytest.fixture
def seeded(cloud: Cloud) -> dict[str, Any]:
    cloud.table("QCSummary").put_item(Item=event("qc_process"))
    return event("end_qc")


def test_retry_keeps_the_end_of_the_first_attempt(cloud: Cloud, seeded: dict[str, Any]) -> None:
    first = invoke(handler, seeded)
    assert invoke(handler, seeded) == first
    (row,) = cloud.rows()
    assert (row["Status"], row["EndTime"], row["TotalPass"]) == ("FAIL", first["EndTime"], 0)


def test_run_that_was_closed_before_keeps_its_status(cloud: Cloud, seeded: dict[str, Any]) -> None:
    cloud.table("QCSummary").put_item(Item={**event("qc_process"), "Status": "ERROR"})
    with pytest.raises(LambdaError, match="the run was closed as ERROR before it could end as FAIL") as failed:
        invoke(handler, seeded)
    assert failed.value.error == "RunClosed"
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]
