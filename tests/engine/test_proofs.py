"""A block that is proved clean gives what looking at each of its rows gives, wherever blocks are cut."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import TESTS, Check
from stream_qc.checks.base import Flags
from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import Rules, load
from stream_qc.tally import Tally
from tests.amount import examples
from tests.engine.checking import KeptFlags
from tests.engine.streams import by_module

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "attenuated_signal_test": [
        {"suspect_threshold": 1, "fail_threshold": 0.5, "test_period": 8, "check_type": "range"},
        {"suspect_threshold": 0.4, "fail_threshold": 0, "test_period": 6, "min_obs": 3},
        {"suspect_threshold": 0.4, "fail_threshold": 0.2, "test_period": 30, "min_period": 4},
        {"suspect_threshold": 1, "fail_threshold": 0.5},
    ],
    "climatology_test": [
        {"config": [{"tspan": [0, 59], "period": "second", "vspan": [0, 9], "fspan": [-5, 20]}]},
        {
            "config": [
                {"tspan": ["2020-01-01", "2020-01-01T00:00:20"], "vspan": [0, 9]},
                {"tspan": [1, 3], "period": "minute", "vspan": [3, 5], "zspan": [0, 2]},
                {"tspan": [1, 1], "period": "month", "vspan": [0, 7]},
            ]
        },
    ],
    "data_reception_test": [{"fail_span": 0.005, "from_time": "2020-01-01T00:00:30"}],
    "flat_line_test": [
        {"suspect_threshold": 3, "fail_threshold": 6, "tolerance": 0.5},
        {"suspect_threshold": 0, "fail_threshold": 6, "tolerance": 0.5},
        {"suspect_threshold": 20, "fail_threshold": 40, "tolerance": 3},
    ],
    "gross_range_test": [{"suspect_span": [0, 9], "fail_span": [-5, 20]}],
    "impossible_date_test": [{"fail_span": ["2020-01-01", "2020-01-01T00:01:00"]}],
    "location_test": [{"range_max": 400_000}, {"range_max": 400_000, "range_method": "wgs84"}, {}],
    "rate_of_change_test": [{"threshold": 2, "fail_threshold": 4}, {"threshold": 8}],
    "spike_test": [
        {"suspect_threshold": 2, "fail_threshold": 4},
        {"suspect_threshold": 2, "fail_threshold": 4, "method": "differential"},
        {},
    ],
    "syntax_test": [{"nchar": 1}],
    "density_inversion_test": [{"fail_threshold": -1}, {"suspect_threshold": 0}],
    "duplicate_timestamp_test": [{}],
    "location_bounds_test": [{"shape": [6, 49, 8, 51]}, {"shape": [[6, 49], [8, 49], [7, 52]], "flag_area": "inside"}],
    "percentile_range_test": [{}, {"low_percentile": 0, "hi_percentile": 50, "pad": 1}],
    "pressure_increasing_test": [{}],
    "speed_test": [{"suspect_threshold": 100, "fail_threshold": 400_000}],
    "valid_range_test": [{"valid_span": [0, 9]}, {"valid_span": [None, 20], "end_inclusive": True}],
    "time_gap_test": [{"fail_span": 0.001}],
}
# Tests that look at every row.
WITHOUT_PROOF = {"density_inversion_test", "location_bounds_test", "pressure_increasing_test", "speed_test"}
NUMBERS = ("v", "z", "lat", "lon")
LIMITS: dict[str, dict[str, Any]] = {
    "v": {"required": True, "minimum": -5, "maximum": 20},
    "n": {"enum": [1, 2, 3]},
    "s": {"minLength": 1, "maxLength": 2, "pattern": "[ab]+"},
}
START = dt.datetime(2020, 1, 1)  # UTC without a zone
CELLS = ("", "3", "6", "6.5", "8", "30", "-40", "nan", "inf", "bad", " 4", '"4"', "9")


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Draws rules with every constraint, and every test with one of its parameters."""
    tests = {name: draw(st.sampled_from(choices)) for name, choices in PARAMETERS.items()}
    types = {"time": "datetime", "n": "integer", "s": "string", **dict.fromkeys(NUMBERS, "number")}
    fields: list[dict[str, Any]] = [
        {"name": name, "type": kind, "constraints": {**LIMITS.get(name, {})}} for name, kind in types.items()
    ]
    key = draw(st.sampled_from([[], ["n"], ["s", "time"], ["v", "n"]]))
    for field in fields:
        if field["name"] in draw(st.sets(st.sampled_from(["n", "s", "v", "time"]))):
            field["constraints"]["unique"] = True
    text = {"syntax_test": tests.pop("syntax_test")}
    schema = {"fields": fields, "primaryKey": key, "missingValues": draw(st.sampled_from([["", "9"], [""]]))}
    streams = {"v": by_module(tests), "s": {"qartod": text}}
    return load(
        json.dumps({"schema": schema, **{axis: axis for axis in ("time", "z", "lat", "lon")}, "streams": streams})
    )


@st.composite
def table(draw: st.DrawFn) -> bytes:
    """Draws a CSV file: a clean series at some cadence, with faults in a few places."""
    rows = draw(st.integers(1, 80))
    step = draw(st.sampled_from([1.0, 1.0, 0.5, 2.0, 0.0]))
    quiet = draw(st.sampled_from([("3", "4"), ("2.5", "4", "3"), ("3",)]))
    table = [
        {
            "time": (START + dt.timedelta(seconds=row * step)).isoformat(),
            "v": quiet[row % len(quiet)],
            **{"z": "1", "lat": "50", "lon": "7", "n": str(row % 3 + 1), "s": "ab"[row % 2]},
        }
        for row in range(rows)
    ]
    for _ in range(draw(st.integers(0, 4))):
        _damage(draw, table, draw(st.integers(0, rows - 1)))
    lines = [",".join(table[0]), *(",".join(row.values()) for row in table)]
    if draw(st.integers(0, 20)) == 0:
        lines[draw(st.integers(1, rows))] = "1,2"
    return ("\n".join(lines) + "\n").encode()


def _damage(draw: st.DrawFn, table: list[dict[str, str]], row: int) -> None:
    """Puts a fault in or from this row: a cell, a line that stays flat, a gap, a repeated or an earlier time."""
    kind = draw(st.sampled_from(["cell", "cell", "flat", "gap", "repeat", "earlier", "no time", "n", "s", "moves"]))
    if kind == "cell":
        table[row][draw(st.sampled_from(NUMBERS))] = draw(st.sampled_from(CELLS))
    elif kind == "flat":
        for line in table[row : row + draw(st.integers(2, 9))]:
            line["v"] = table[row]["v"]
    elif kind == "gap":
        _move(table[row:], draw(st.sampled_from([3, 4, 5, 7, 30])))
    elif kind == "earlier":
        _move(table[row : row + 1], -draw(st.sampled_from([0.25, 1, 2, 5])))
    elif kind == "repeat":
        table[row]["time"] = table[max(0, row - 1)]["time"]
    elif kind == "no time":
        table[row]["time"] = draw(st.sampled_from(["", "soon"]))
    elif kind == "moves":
        for line in table[row:]:
            line["lat"] = "53.7"
    else:
        table[row][kind] = draw(st.sampled_from(["", "1", "x", '"b"', "abba"]))


def _move(rows: list[dict[str, str]], seconds: float) -> None:
    for line in rows:
        if line["time"].startswith("2"):
            line["time"] = (dt.datetime.fromisoformat(line["time"]) + dt.timedelta(seconds=seconds)).isoformat()


def found(
    data: bytes, given: Rules, block_bytes: int, sinks: dict[str, KeptFlags] | None = None
) -> list[dict[str, Any]]:
    """Returns all results as items. With `sinks`, every row is looked at, and its flags are in there by check."""

    def make_sink(check: Check) -> KeptFlags | None:
        return None if sinks is None else sinks.setdefault(f"{check.field}#{check.test}", KeptFlags())

    reports = check_stream(
        lambda: io.BytesIO(data), Format("csv", ""), given, block_bytes=block_bytes, make_sink=make_sink
    )
    return [result.item() for report in reports.values() for result in report.results]


def test_parameters_cover_every_test() -> None:
    assert PARAMETERS.keys() == TESTS.keys()


@pytest.mark.slow
@examples(120)
@given(data=table(), given=rules(), block_bytes=st.sampled_from([1, 60, 300, 1000, 1 << 20]))
def test_proved_blocks_give_what_their_rows_give(data: bytes, given: Rules, block_bytes: int) -> None:
    sinks: dict[str, KeptFlags] = {}
    every_row = found(data, given, 1 << 20, sinks)
    assert found(data, given, block_bytes) == every_row
    for item in every_row:
        sink = sinks.get(item["Check"].split("#", 1)[1])
        if sink and not item["Message"].startswith("not evaluated"):
            counts = Counter(sink.flags)
            assert [item[name] for name in ("Good", "NotEvaluated", "Suspect", "Fail", "Missing")] == [
                counts[flag] for flag in (1, 2, 3, 4, 9)
            ]


@pytest.mark.slow
@examples(100)
@given(data=table(), given=rules(), block_bytes=st.sampled_from([1, 60, 300]))
def test_flags_do_not_depend_on_block_size(data: bytes, given: Rules, block_bytes: int) -> None:
    whole: dict[str, KeptFlags] = {}
    cut: dict[str, KeptFlags] = {}
    found(data, given, 1 << 20, whole)
    found(data, given, block_bytes, cut)
    assert {name: sink.flags for name, sink in cut.items()} == {name: sink.flags for name, sink in whole.items()}


def test_rows_of_a_clean_block_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    of_rows = [name for name in PARAMETERS if name not in {"syntax_test", *WITHOUT_PROOF}]
    tests = {name: PARAMETERS[name][0] for name in of_rows}
    tests["attenuated_signal_test"] = {**tests["attenuated_signal_test"], "min_obs": 8}
    tests["impossible_date_test"] = {}
    tests["data_reception_test"] = {"fail_span": 1000, "from_time": "2020-01-02"}
    fields: list[dict[str, Any]] = [{"name": name, "type": "number"} for name in NUMBERS]
    fields.append({"name": "time", "type": "datetime", "constraints": {"unique": True}})
    axes = {axis: axis for axis in ("time", "z", "lat", "lon")}
    given = load(json.dumps({"schema": {"fields": fields}, **axes, "streams": {"v": by_module(tests)}}))
    rows = [f"{(START + dt.timedelta(seconds=row)).isoformat()},{row % 2 * 2},1,2,3\n" for row in range(400)]
    looked: Counter[str] = Counter()
    add = Tally._add

    def counted(tally: Tally, flags: Flags) -> None:
        looked[tally.check.test] += 1
        add(tally, flags)

    monkeypatch.setattr(Tally, "_add", counted)
    items = found(("time,v,z,lat,lon\n" + "".join(rows)).encode(), given, 2000)
    assert not [item for item in items if item["Fail"] or item["Suspect"]]
    # The first block of a series has no rows above, and the last row of spike_test is judged when the series has ended.
    assert looked == {"attenuated_signal_test": 1, "flat_line_test": 1, "spike_test": 1}
