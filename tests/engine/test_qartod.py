"""The QARTOD tests on cases of our own, with several block sizes. `make peers` compares them with ioos_qc."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import Check
from stream_qc.checks.cadence import Intervals
from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import load
from tests.amount import examples
from tests.engine.checking import KeptFlags, header_of, reasons, results

MINUTES = [f"2020-01-01T{minute // 60:02}:{minute % 60:02}:00" for minute in range(600)]
BLOCKS = [1, 30, 70, 1 << 20]


def rules_for(test: str, parameters: dict[str, Any], names: list[str], kind: str = "number") -> str:
    fields = [{"name": name, "type": {"time": "datetime", "v": kind}.get(name, "number")} for name in names]
    axes = {axis: axis for axis in ("time", "z", "lat", "lon") if axis in names}
    return json.dumps({"schema": {"fields": fields}, **axes, "streams": {"v": {"qartod": {test: parameters}}}})


def content(columns: dict[str, Any]) -> str:
    """Returns a CSV with these columns that is cut into blocks even if it is small."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if value is None else str(value) for value in row) + ",\n" for row in rows]
    return header_of(list(columns)) + "".join(lines)


def flags(
    test: str, parameters: dict[str, Any], columns: dict[str, Any], block_bytes: int, kind: str = "number"
) -> list[int]:
    taken: dict[str, KeptFlags] = {}

    def make_sink(check: Check) -> KeptFlags:
        return taken.setdefault(check.test, KeptFlags())

    data = content(columns).encode()
    rules = load(rules_for(test, parameters, list(columns), kind))
    check_stream(lambda: io.BytesIO(data), Format("csv", ""), rules, block_bytes=block_bytes, make_sink=make_sink)
    return taken[test].flags


def series(values: list[Any], step: int = 1) -> dict[str, Any]:
    """Returns columns with one value every `step` minutes."""
    return {"time": MINUTES[: len(values) * step : step], "v": values}


SPIKE = {"suspect_threshold": 1, "fail_threshold": 3}
FLAT = {"suspect_threshold": 120, "fail_threshold": 240, "tolerance": 0.1}
WEAK = {"suspect_threshold": 0.5, "fail_threshold": 0.1}


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize(
    ("test", "parameters", "columns", "expected"),
    [
        ("spike_test", SPIKE, series([1, 1, 5, 1, 1, 2.1, 1]), [2, 3, 4, 3, 1, 3, 2]),
        ("spike_test", SPIKE, series([1, 1, None, 1, 1]), [2, 2, 9, 2, 2]),
        ("spike_test", {**SPIKE, "method": "differential"}, series([1, 1, 5, 1, 1, 4, 8]), [2, 1, 4, 1, 1, 1, 2]),
        ("spike_test", {"suspect_threshold": 0}, series([1, 9, 1]), [2, 1, 2]),
        ("spike_test", SPIKE, series([7]), [2]),
        ("rate_of_change_test", {"threshold": 0.1, "fail_threshold": 1}, series([0, 6, 12.1, 100, None, 0, 1]), [1, 1, 3, 4, 9, 1, 1]),
        ("rate_of_change_test", {"threshold": 0.1}, {"time": [MINUTES[0]] * 2, "v": [0, 0.2]}, [1, 3]),
        ("flat_line_test", FLAT, series([1, 1, 1, 1, 1, 2, 2.05, 2]), [1, 1, 3, 3, 4, 1, 1, 3]),
        ("flat_line_test", FLAT, series([1, None, 1, 1, None, 3]), [1, 9, 3, 3, 9, 1]),
        ("flat_line_test", {**FLAT, "tolerance": 0}, series([1, 1, 1, 1, 1]), [1, 1, 1, 1, 1]),
        ("flat_line_test", FLAT, series([1, 1]), [1, 1]),
        ("flat_line_test", FLAT, {"time": [MINUTES[0]] * 3, "v": [1, 1, 1]}, [2, 2, 2]),  # seconds stand for no number of rows
        ("attenuated_signal_test", WEAK, series([1, 1.3, 1, None]), [3, 3, 3, 9]),
        ("attenuated_signal_test", {**WEAK, "check_type": "range"}, series([1, 1.05]), [4, 4]),
        ("attenuated_signal_test", {**WEAK, "test_period": 120, "min_obs": 2}, series([1, 1, 5, 5, 5]), [2, 4, 1, 4, 4]),
        ("attenuated_signal_test", {**WEAK, "test_period": 120, "min_period": 120}, series([1, 1, 5, 5]), [2, 4, 1, 4]),
        ("climatology_test", {"config": [{"tspan": [1, 1], "period": "month", "vspan": [0, 10], "fspan": [-5, 20]}]},
         {"time": ["2020-01-31T00:00:00"] * 4 + ["2020-02-01T00:00:00"], "v": [5, 15, 25, None, 5]}, [1, 3, 4, 9, 2]),
        ("climatology_test", {"config": [{"tspan": ["2020-01-01", "2020-01-02"], "vspan": [0, 10], "zspan": [0, 5]}]},
         {"time": ["2020-01-01T00:00:00"] * 3, "z": [1, 9, None], "v": [50, 50, 50]}, [3, 2, 2]),
        ("location_test", {"range_max": 2000}, {"lat": [0, 0, 0, 91, 0], "lon": [0, 0.01, 1, 1, None], "v": [1] * 5}, [1, 1, 3, 4, 4]),
        ("location_test", {"range_max": 2000, "range_method": "wgs84"}, {"lat": [0, 0, 0], "lon": [0, 0.01, 1], "v": [1] * 3}, [1, 1, 3]),
        ("impossible_date_test", {}, {"time": ["2020-01-01T00:00:00", "2999-01-01T00:00:00", None], "v": [1] * 3}, [1, 4, 9]),
        ("impossible_date_test", {"fail_span": ["2020-01-01", "2020-01-02"]},
         {"time": ["2019-12-31T23:59:59", "2020-01-01T00:00:00", "2020-01-02T00:00:01"], "v": [1] * 3}, [4, 1, 4]),
        ("data_reception_test", {"fail_span": 1, "from_time": "2020-01-01T02:00:00.000000000"},
         {"time": ["2020-01-01T00:59:59", "2020-01-01T01:00:00", "2020-01-01T09:00:00"], "v": [1] * 3}, [4, 1, 1]),
    ],
)  # fmt: skip
def test_qartod_flags(
    test: str, parameters: dict[str, Any], columns: dict[str, Any], expected: list[int], block_bytes: int
) -> None:
    assert flags(test, parameters, columns, block_bytes) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"nchar": 4}, [1, 4, 9]),
        ({"nchar": 2, "lentype": "byte"}, [1, 4, 9]),
        ({"nchar": 2, "delimiter": ";"}, [1, 4, 9]),
    ],
)
def test_syntax_counts_characters_bytes_or_items(parameters: dict[str, Any], expected: list[int]) -> None:
    columns = {"v": ["0A;E", "0AE", None], "w": [1, 2, 3]}
    assert flags("syntax_test", parameters, columns, 1 << 20, "string") == expected


@pytest.mark.parametrize(
    ("test", "parameters", "columns", "reason"),
    [
        ("spike_test", SPIKE, series([1, 5, 1]), "v 5 differs from its neighbours by 4, more than 3 (spike_test fail_threshold)"),
        ("rate_of_change_test", {"threshold": 0.1}, series([0, 12]), "v changes to 12 by 0.2 a second, more than 0.1 (rate_of_change_test threshold)"),
        ("flat_line_test", FLAT, series([0, 1, 1, 1]),
         "v stays at 1, within 0.1, from 2020-01-01T00:01:00 to 2020-01-01T00:03:00: for 2 min or longer (flat_line_test suspect_threshold)"),
        ("attenuated_signal_test", WEAK, series([1, 1]), "v has a standard deviation of 0 over the whole series, below 0.1 (attenuated_signal_test fail_threshold)"),
        ("location_test", {"range_max": 2000}, {"lat": [0, 0], "lon": [0, 1], "v": [1, 1]}, "111,195 m from the row above, more than 2,000 (location_test range_max)"),
        ("location_test", {}, {"lat": [91], "lon": [0], "v": [1]}, "lat 91, lon 0 is not a valid position (location_test)"),
        ("data_reception_test", {"from_time": "2020-01-02"}, {"time": MINUTES[:1], "v": [1]},
         "time 2020-01-01 is before 2020-01-01T18:00:00, which is 6 h before from_time (data_reception_test fail_span)"),
    ],
)  # fmt: skip
def test_qartod_reasons(test: str, parameters: dict[str, Any], columns: dict[str, Any], reason: str) -> None:
    found = results(content(columns), rules_for(test, parameters, list(columns)))
    result = next(result for result in found.values() if result.test == test)
    assert reasons(result)[0][2] == reason


@examples(500)
@given(
    values=st.lists(st.sampled_from([0.0, 1.0, 1.0, 1.05, 7.5, None]), min_size=1, max_size=30),
    steps=st.lists(st.sampled_from([1, 1, 1, 2, 9]), min_size=30, max_size=30),
    block_bytes=st.integers(1, 300),
    test=st.sampled_from(
        [
            ("spike_test", SPIKE),
            ("rate_of_change_test", {"threshold": 0.01}),
            ("flat_line_test", FLAT),
            ("time_gap_test", {"fail_span": 0.05}),
            ("attenuated_signal_test", WEAK),
            ("attenuated_signal_test", {**WEAK, "test_period": 180, "min_period": 120}),
        ]
    ),
)
def test_qartod_flags_do_not_depend_on_block_size(
    values: list[float | None], steps: list[int], block_bytes: int, test: tuple[str, dict[str, Any]]
) -> None:
    times, minute = [], 0
    for step in steps[: len(values)]:
        times.append(MINUTES[minute])
        minute += step
    columns: dict[str, Any] = {"time": times, "v": values}
    assert flags(*test, columns, block_bytes) == flags(*test, columns, 1 << 20)


@given(st.lists(st.integers(-5_000_000, 90_000_000), min_size=1, max_size=30), st.integers(1, 30))
def test_median_interval_is_exact(intervals: list[int], cut: int) -> None:
    times = [dt.datetime(2020, 1, 1)]
    for interval in intervals:
        times.append(times[-1] + dt.timedelta(microseconds=interval))
    found = Intervals()
    column = pl.Series(times, dtype=pl.Datetime("us"))
    for start in range(0, column.len(), cut):
        found.add(column[start : start + cut])
    ordered = sorted(intervals)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2
    assert found.median() == (middle if 0 <= middle < 1_000_000 else middle // 1_000_000 * 1_000_000)


def times_every(seconds: float, count: int) -> list[str]:
    start = dt.datetime(2020, 1, 1)
    return [(start + dt.timedelta(seconds=seconds * index)).isoformat() for index in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("interval", [0.5, 0.1, 0.999, 0.25])
@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 20])
def test_flat_line_below_a_second_is_found(interval: float, block_bytes: int) -> None:
    columns: dict[str, Any] = {"time": times_every(interval, 100), "v": [5.0] * 100}
    limits = {"suspect_threshold": 3, "fail_threshold": 5, "tolerance": 0.01}
    found = flags("flat_line_test", limits, columns, block_bytes)
    suspect, fail = int(3 / interval + 1e-9), int(5 / interval + 1e-9)
    assert found == [1] * suspect + [3] * (fail - suspect) + [4] * (100 - fail)


@pytest.mark.parametrize("block_bytes", [1, 60, 1 << 20])
def test_flat_line_in_a_second_pass_ends_where_it_does(block_bytes: int) -> None:
    """The first three times do not advance, so a second pass is needed, and its first blocks are clean."""
    columns: dict[str, Any] = {"time": times_every(1, 30), "v": [5.0] * 30}
    columns["time"][2] = columns["time"][0]
    rules = rules_for("flat_line_test", {"suspect_threshold": 6, "fail_threshold": 9, "tolerance": 0.5}, ["time", "v"])
    found = results(content(columns), rules, block_bytes=block_bytes)["3#v#flat_line_test"]
    assert (found.good, found.suspect, found.fail) == (6, 3, 21)
    assert [one.row for one in found.examples[:2]] == [10, 11]
    assert "from 2020-01-01 to 2020-01-01T00:00:09:" in found.examples[0].reason


def test_rate_of_a_backward_step_with_a_fraction_is_rounded_down() -> None:
    # 1.5 s back are 2 s, as in ioos_qc: numpy rounds timedelta64 down.
    columns: dict[str, Any] = {"time": ["2020-01-01T00:00:10", "2020-01-01T00:00:08.500"], "v": [0.0, 10.0]}
    assert flags("rate_of_change_test", {"threshold": 5}, columns, 1 << 20) == [1, 1]
    assert flags("rate_of_change_test", {"threshold": 4.9}, columns, 1 << 20) == [1, 3]
