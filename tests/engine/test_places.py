"""A fault is found wherever it is: in the middle of a block, at its edges, and across two blocks that are clean otherwise."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from stream_qc.results import Result
from tests.engine.checking import results

START = dt.datetime(2020, 1, 1)  # UTC without a zone
ROWS = 22
Row = dict[str, Any]


def clean(seconds: float) -> list[Row]:
    """Returns rows in which nothing is wrong. seconds: from one to the next."""
    return [
        {
            "time": START + dt.timedelta(seconds=seconds * row),
            "v": 3.0 + row % 2,
            **{"lat": 50.0, "lon": 7.0, "n": row, "s": f"a{row:02}"},
        }
        for row in range(ROWS)
    ]


def to(field: str, value: Any) -> Callable[[list[Row], int], None]:
    """Returns a fault: a cell has this value."""

    def damage(rows: list[Row], row: int) -> None:
        rows[row][field] = value

    return damage


def as_above(field: str) -> Callable[[list[Row], int], None]:
    """Returns a fault: a cell has the value of the row above."""

    def damage(rows: list[Row], row: int) -> None:
        rows[row][field] = rows[row - 1][field]

    return damage


def flat(count: int) -> Callable[[list[Row], int], None]:
    """Returns a fault: this even number of rows have the value of the first of them, and so has the row after them."""

    def damage(rows: list[Row], row: int) -> None:
        for line in rows[row : row + count]:
            line["v"] = rows[row]["v"]

    return damage


def later(field: str, step: Any) -> Callable[[list[Row], int], None]:
    """Returns a fault: from this row on, all values are larger by the step."""

    def damage(rows: list[Row], row: int) -> None:
        for line in rows[row:]:
            line[field] += step

    return damage


def earlier(seconds: float) -> Callable[[list[Row], int], None]:
    """Returns a fault: the time of a row is earlier."""

    def damage(rows: list[Row], row: int) -> None:
        rows[row]["time"] -= dt.timedelta(seconds=seconds)

    return damage


SEASON = {"tspan": ["2020-01-01", "2020-01-02"], "vspan": [0, 5], "fspan": [-5, 9]}
EDGES = [{"tspan": [0, 40], "period": "second", "vspan": [0, 5]}, {**SEASON, "tspan": ["2020-01-02", "2020-01-03"]}]
# check, parameters (None for a constraint), seconds from row to row, fault: just enough to be flagged
CASES: list[tuple[str, Any, float, Callable[[list[Row], int], None]]] = [
    ("1#n#type", None, 1, to("n", "x")),
    ("1#v#required", None, 1, to("v", "")),
    ("1#n#unique", None, 1, as_above("n")),
    ("1#n#unique", None, 1, to("n", 0)),
    ("1#s#unique", None, 1, as_above("s")),
    ("1#*#primaryKey", None, 1, as_above("s")),
    ("2#v#minimum", None, 1, to("v", -0.1)),
    ("2#v#maximum", None, 1, to("v", 8.1)),
    ("2#v#maximum", None, 1, to("v", "INF")),
    ("2#s#maxLength", None, 1, to("s", "abcd")),
    ("2#s#pattern", None, 1, to("s", "b01")),
    ("2#v#gross_range_test", {"suspect_span": [1, 5], "fail_span": [0, 8]}, 1, to("v", 5.1)),
    ("2#v#climatology_test", {"config": [SEASON]}, 1, to("v", 5.1)),
    ("2#v#climatology_test", {"config": [SEASON]}, 1, to("v", 9.1)),
    ("2#v#climatology_test", {"config": EDGES}, 1, later("time", dt.timedelta(seconds=25))),
    ("2#lat#location_test", {"range_max": 100_000}, 1, later("lat", 0.9)),
    ("2#lat#location_test", {"range_max": 100_000, "range_method": "wgs84"}, 1, later("lat", 0.9)),
    ("2#lat#location_test", {}, 1, to("lat", 90.1)),
    ("3#time#time_order", None, 1, earlier(2)),
    ("3#time#duplicate_time", None, 1, as_above("time")),
    ("3#v#spike_test", {"suspect_threshold": 1, "fail_threshold": 4}, 1, to("v", 5.1)),
    ("3#v#spike_test", {"suspect_threshold": 1, "method": "differential"}, 1, to("v", 5.1)),
    ("3#v#rate_of_change_test", {"threshold": 1, "fail_threshold": 2}, 1, later("v", 2.1)),
    ("3#v#rate_of_change_test", {"threshold": 1}, 2, later("v", 3.1)),
    ("3#v#flat_line_test", {"suspect_threshold": 4, "fail_threshold": 8, "tolerance": 0.5}, 1, flat(4)),
    ("3#v#flat_line_test", {"suspect_threshold": 8, "fail_threshold": 4, "tolerance": 0.5}, 1, flat(4)),
    (
        "3#v#attenuated_signal_test",
        {"suspect_threshold": 1, "fail_threshold": 0.5, "test_period": 6, "check_type": "range", "min_obs": 6},
        1,
        flat(6),
    ),
    (
        "3#v#attenuated_signal_test",
        {"suspect_threshold": 0.2, "fail_threshold": 0.1, "test_period": 6, "min_obs": 6},
        1,
        flat(6),
    ),
    ("3#time#time_gap_test", {"fail_span": 0.001}, 1, later("time", dt.timedelta(seconds=3))),
    (
        "3#time#impossible_date_test",
        {"fail_span": ["2019-12-31", "2020-01-02"]},
        1,
        to("time", dt.datetime(2020, 1, 3)),
    ),
    ("3#time#data_reception_test", {"fail_span": 1, "from_time": "2020-01-01T00:59:59"}, 1, earlier(60)),
]


def checked(rows: list[Row], check: str, parameters: Any, block_rows: int | None) -> Result:
    process, field, test = check.split("#")
    fields: list[dict[str, Any]] = [
        {"name": "time", "type": "datetime"},
        {"name": "v", "type": "number", "constraints": {"required": True, "minimum": 0, "maximum": 8}},
        {"name": "lat", "type": "number"},
        {"name": "lon", "type": "number"},
        {"name": "n", "type": "integer", "constraints": {"unique": True}},
        {"name": "s", "type": "string", "constraints": {"unique": True, "maxLength": 3, "pattern": "a.*"}},
    ]
    streams = {} if parameters is None else {field: {"qartod": {test: parameters}}}
    axes = {axis: axis for axis in ("time", "lat", "lon")}
    given = json.dumps({"schema": {"fields": fields, "primaryKey": "s"}, **axes, "streams": streams})
    lines = [",".join(str(cell) for cell in row.values()) + "\n" for row in rows]
    data = ",".join(rows[0]) + "\n" + "".join(lines)
    block_bytes = 1 << 20 if block_rows is None else block_rows * len(lines[0])
    return results(data, given, block_bytes=block_bytes)[f"{process}#{field}#{test}"]


@pytest.mark.slow
@pytest.mark.parametrize(("check", "parameters", "seconds", "damage"), CASES)
def test_fault_is_found_wherever_it_is(
    check: str, parameters: Any, seconds: float, damage: Callable[[list[Row], int], None]
) -> None:
    spotless = checked(clean(seconds), check, parameters, 7)
    assert not spotless.fail + spotless.suspect
    for row in range(3, ROWS - 7):
        rows = clean(seconds)
        damage(rows, row)
        found = checked(rows, check, parameters, 7)
        assert found.fail + found.suspect + found.not_evaluated > spotless.not_evaluated, row
        assert found.item() == checked(rows, check, parameters, None).item()
