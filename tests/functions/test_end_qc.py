from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from step_3_end_qc import verdict


def result(process: int, passed: int, **more: Any) -> dict[str, Any]:
    return {"Process": process, "Pass": passed, "Rows": 9, **more}


def broken(process: int, error: str = "InvalidRules", cause: str = "schema: …") -> dict[str, Any]:
    return {"Process": process, "Pass": 0, "Error": error, "Cause": cause}


@pytest.mark.parametrize("passes", list(itertools.product([0, 1], repeat=3)))
def test_the_total_passes_only_where_all_three_do(passes: tuple[int, int, int]) -> None:
    found = verdict([result(number, passed) for number, passed in enumerate(passes, start=1)])
    assert (found["Process1Pass"], found["Process2Pass"], found["Process3Pass"]) == passes
    assert found["TotalPass"] == int(passes == (1, 1, 1))
    assert found["Status"] == ("PASS" if passes == (1, 1, 1) else "FAIL")
    assert "Error" not in found


def test_a_process_that_broke_makes_an_error_whatever_the_others_say() -> None:
    found = verdict([result(1, 1), broken(2, "MemoryError", "out of memory"), result(3, 0)])
    assert (found["Status"], found["TotalPass"]) == ("ERROR", 0)
    assert (found["Process1Pass"], found["Process2Pass"], found["Process3Pass"]) == (1, 0, 0)
    assert (found["Error"], found["Cause"]) == ("MemoryError", "values: MemoryError: out of memory")


def test_one_error_that_broke_all_three_is_told_once() -> None:
    found = verdict([broken(1), broken(2), broken(3)])
    assert (found["Error"], found["Cause"]) == ("InvalidRules", "schema: …")


def test_different_errors_are_all_told() -> None:
    found = verdict([broken(1, "A", "a"), broken(2, "B", "b"), broken(3, "A", "a")])
    assert found["Error"] == "A"
    assert found["Cause"] == "structure, continuity: A: a; values: B: b"


@pytest.mark.parametrize(
    "results",
    [
        [],
        [result(1, 1), result(2, 1)],
        [result(1, 1), result(1, 1), result(2, 1), result(3, 1)],
        [{}, {}, {}],
        [result(4, 1)] * 3,
    ],
)
def test_what_is_not_one_result_of_each_process_is_an_error(results: list[dict[str, Any]]) -> None:
    found = verdict(results)
    assert (found["Status"], found["TotalPass"], found["Error"]) == ("ERROR", 0, "ProcessNotRun")


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "Process": st.sampled_from([1, 2, 3, 4, "1", None]),
                "Pass": st.sampled_from([0, 1, True, "1", 2, None]),
                "Error": st.just("E"),
                "Cause": st.just("c"),
            },
        ).map(lambda one: {"Cause": "c", **one} if "Error" in one else one),
        max_size=5,
    )
)
def test_a_pass_is_never_given_that_was_not_earned(results: list[dict[str, Any]]) -> None:
    found = verdict(results)
    earned = all(
        sum(one.get("Process") == number for one in results) == 1
        and any(one.get("Process") == number and one.get("Pass") == 1 and "Error" not in one for one in results)
        for number in (1, 2, 3)
    )
    assert (found["Status"] == "PASS") == (found["TotalPass"] == 1) == earned
