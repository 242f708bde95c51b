"""A check passes only if it evaluated a row: one whose rows with a value are all UNKNOWN says why it is not evaluated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stream_qc.results import Result
from tests.engine.checking import header_of, results

BLOCKS = [1, 40, 1 << 20]
HOURLY = [f"2020-07-01T{hour:02}:00:00" for hour in range(8)]
JANUARY = {"tspan": [1, 1], "period": "month", "vspan": [0, 10]}
SHALLOW = {"tspan": [1, 12], "period": "month", "vspan": [0, 10], "zspan": [0, 5]}
FLAT = {"suspect_threshold": 7200, "fail_threshold": 14_400, "tolerance": 0.1}
WEAK = {"suspect_threshold": 0.5, "fail_threshold": 0.1}


def checked(test: str, parameters: dict[str, Any], columns: dict[str, list[Any]], block_bytes: int = 1 << 20) -> Result:
    """Returns the result of a test of the field v, on a CSV with these columns."""
    fields = [{"name": name, "type": "datetime" if name == "time" else "number"} for name in columns]
    axes: dict[str, Any] = {axis: axis for axis in ("time", "z") if axis in columns}
    rules: dict[str, Any] = {"schema": {"fields": fields}, "streams": {"v": {"qartod": {test: parameters}}}, **axes}
    lines = [",".join(map(str, row)) + ",\n" for row in zip(*columns.values(), strict=True)]
    found = results(header_of(list(columns)) + "".join(lines), json.dumps(rules), block_bytes=block_bytes)
    return next(result for result in found.values() if result.test == test)


def columns(values: list[Any], **more: list[Any]) -> dict[str, list[Any]]:
    return {"time": HOURLY[: len(values)], "v": values, **more}


NEVER: dict[str, tuple[str, dict[str, Any], dict[str, list[Any]]]] = {
    "no season at any time": ("climatology_test", {"config": [JANUARY]}, columns([1, 99, 1])),
    "no season at any time, some values missing": ("climatology_test", {"config": [JANUARY]}, columns([1, "", 99])),
    "no season at any depth": ("climatology_test", {"config": [SHALLOW]}, columns([1, 99], z=[8, 9])),
    "no depth": ("climatology_test", {"config": [SHALLOW]}, columns([1, 99], z=["", ""])),
    "one row has no neighbours": ("spike_test", {"fail_threshold": 1}, columns([5])),
    "two rows have no two neighbours": ("spike_test", {"fail_threshold": 1}, columns([5, 500])),
    "a neighbour of every row is missing": ("spike_test", {"fail_threshold": 1}, columns([5, "", 500, "", 5])),
    "one row has no gap": ("time_gap_test", {}, columns([5])),
    "every other time is missing": ("time_gap_test", {}, {"time": ["", HOURLY[0], "", HOURLY[7]], "v": [1, 1, 1, 1]}),
    "times do not advance": ("flat_line_test", FLAT, {"time": HOURLY[:1] * 5, "v": [1, 1, 1, 1, 1]}),
    "times go back": ("flat_line_test", FLAT, {"time": HOURLY[::-1], "v": [1] * 8}),
    "no two times": ("flat_line_test", FLAT, {"time": [HOURLY[0], "", "", ""], "v": [1, 1, 1, 1]}),
    "fewer rows than a period needs": ("attenuated_signal_test", {**WEAK, "test_period": 7200, "min_obs": 3}, columns([1, 1, 1, 1])),
    "fewer hours than a period needs": ("attenuated_signal_test", {**WEAK, "test_period": 3600, "min_period": 7200}, columns([1, 1, 1])),
    "a value of every period is missing": (
        "attenuated_signal_test", {**WEAK, "test_period": 7200, "check_type": "range"}, columns(["", 1, "", 1, "", 1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize("case", NEVER)
def test_check_that_evaluates_no_row_does_not_pass(case: str, block_bytes: int) -> None:
    test, parameters, given = NEVER[case]
    found = checked(test, parameters, given, block_bytes)
    assert (found.good, found.suspect, found.fail) == (0, 0, 0)
    assert not found.passed
    prefix, _, reason = found.message.partition(": ")
    assert prefix == "not evaluated"
    assert reason.strip()


@pytest.mark.parametrize(
    ("case", "word"),
    [("no season at any time", "season"), ("no season at any depth", "season"), ("times do not advance", "time")],
)
def test_message_says_why_no_row_was_evaluated(case: str, word: str) -> None:
    message = checked(*NEVER[case]).message
    assert message.startswith("not evaluated: ")
    assert word in message


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_limit_does_not_let_an_unevaluated_check_pass(share: float) -> None:
    rules = {
        "schema": {"fields": [{"name": "v", "type": "number"}, {"name": "w"}]},
        "streams": {"v": {"qartod": {"spike_test": {"fail_threshold": 1}}}},
        "limits": {"max_fail_share": share},
    }
    assert not results("v,w\n5,x\n", json.dumps(rules))["3#v#spike_test"].passed


SOME: dict[str, tuple[str, dict[str, Any], dict[str, list[Any]]]] = {
    "a season at one time": ("climatology_test", {"config": [{**JANUARY, "tspan": [7, 7]}]}, {"time": [HOURLY[0], "2020-02-01T00:00:00"], "v": [5, 99]}),
    "a season at one depth": ("climatology_test", {"config": [SHALLOW]}, columns([5, 99], z=[1, 9])),
    "one row has two neighbours": ("spike_test", {"fail_threshold": 1}, columns([5, 5, 5])),
    "one gap": ("time_gap_test", {}, {"time": [HOURLY[0], HOURLY[1], "", HOURLY[2]], "v": [1, 1, 1, 1]}),
    "one period has enough rows": ("attenuated_signal_test", {**WEAK, "test_period": 7200, "min_obs": 2}, columns([1, 5])),
}  # fmt: skip


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize("case", SOME)
def test_check_that_evaluates_some_rows_may_pass(case: str, block_bytes: int) -> None:
    found = checked(*SOME[case], block_bytes)
    assert found.passed
    assert found.good
    assert found.not_evaluated
    assert "not evaluated" in found.message


@pytest.mark.parametrize("block_bytes", [1, 40, 1 << 20])
def test_spikes_whose_mean_is_infinite_are_not_evaluated(block_bytes: int) -> None:
    rules = (
        "schema: {fields: [{name: time, type: datetime}, {name: v, type: number}]}\n"
        "streams: {v: {qartod: {spike_test: {suspect_threshold: 1.79e308}}}}"
    )
    rows = "".join(
        f"2020-01-01T00:00:0{row},{value}\n" for row, value in enumerate(["1.7e308", "1.5e308", "1.0e308", "0.7e308"])
    )
    found = results("time,v\n" + rows, rules, block_bytes=block_bytes)["3#v#spike_test"]
    assert (found.passed, found.not_evaluated) == (False, 4)
