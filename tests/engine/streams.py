"""Random streams with every kind of check: the rules, and the table as CSV, NDJSON and Parquet.

Most columns of a stream are clean, because clean data and faulty data may take different paths through the engine.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from stream_qc.checks import TESTS
from tests.engine.checking import header_of

START = dt.datetime(2020, 1, 1)
STEPS = (0.1, 0.5, 0.999, 1.0, 60.0, 60.0, 3600.0, 0.0, -0.5, -60.0)
NUMBERS = ("v", "w", "n", "lat", "lon", "z")

FIELDS: dict[str, dict[str, Any]] = {
    "time": {"type": "datetime", "constraints": {"required": True, "minimum": "2020-01-01T00:00:01"}},
    "station": {"type": "string", "constraints": {"enum": ["A", "B", "C"], "maxLength": 1}},
    "v": {"type": "number", "constraints": {"required": True, "minimum": 0, "maximum": 7, "unique": True}},
    "w": {"type": "number", "constraints": {"enum": [0, 0.5, 1, 1.5], "exclusiveMinimum": 0, "exclusiveMaximum": 1.5}},
    "n": {"type": "integer", "constraints": {"unique": True, "minimum": 1, "maximum": 90, "enum": [*range(60)]}},
    "lat": {"type": "number"},
    "lon": {"type": "number"},
    "z": {"type": "number"},
    "s": {"type": "string", "constraints": {"pattern": "[a-z ]*", "minLength": 2, "maxLength": 4, "unique": True}},
    "code": {"constraints": {"minLength": 4, "pattern": "[0-9A-F]+"}},
    "day": {"type": "date", "constraints": {"maximum": "2020-01-05", "required": True}},
    "clock": {"type": "time", "constraints": {"minimum": "06:00:00"}},
    "year": {"type": "year", "constraints": {"enum": [2019, 2020]}},
    "on": {"type": "boolean", "constraints": {"enum": [True]}},
}
SEASONS = [
    {"tspan": [1, 1], "period": "month", "vspan": [0, 1], "fspan": [-1, 2]},
    {"tspan": [0, 0], "period": "hour", "vspan": [0.5, 1], "zspan": [0, 10]},
    {"tspan": ["2020-01-01T00:00:00.5", "2020-01-01T00:02:00"], "vspan": [0, 1.5]},
]
WEAK = {"suspect_threshold": 1, "fail_threshold": 0.5}
# A test can be asked for once a field; its other variants are asked for other fields.
STREAMS: dict[str, dict[str, Any]] = {
    "v": {
        "gross_range_test": {"fail_span": [0, 7], "suspect_span": [0, 1]},
        "spike_test": {"suspect_threshold": 0.5, "fail_threshold": 1, "method": "average"},
        "rate_of_change_test": {"threshold": 0.5, "fail_threshold": 5},
        "flat_line_test": {"suspect_threshold": 1, "fail_threshold": 3, "tolerance": 0.75},
        "attenuated_signal_test": {**WEAK, "check_type": "std"},
        "climatology_test": {"config": SEASONS},
        "location_test": {"range_max": 2000, "range_method": "haversine"},
        "density_inversion_test": {"suspect_threshold": 0, "fail_threshold": -0.5},
        "percentile_range_test": {"low_percentile": 10, "hi_percentile": 90, "pad": 0.25},
        "valid_range_test": {"valid_span": [0, 7], "start_inclusive": False, "end_inclusive": True},
    },
    "w": {
        "gross_range_test": {"fail_span": [0, 1]},
        "spike_test": {"suspect_threshold": 0.25, "fail_threshold": 0.5, "method": "differential"},
        "rate_of_change_test": {"threshold": 0},
        "flat_line_test": {"suspect_threshold": 60, "fail_threshold": 240, "tolerance": 1.5},
        "attenuated_signal_test": {**WEAK, "check_type": "range", "test_period": 120, "min_obs": 2},
        "location_test": {"range_max": 2000, "range_method": "wgs84"},
        "valid_range_test": {"valid_span": [None, 1.5]},
        "density_inversion_test": {"fail_threshold": 0},
    },
    "z": {
        "spike_test": {"suspect_threshold": 3},
        "pressure_increasing_test": {},
        "attenuated_signal_test": {**WEAK, "check_type": "std", "test_period": 1, "min_period": 1},
    },
    "lat": {
        "attenuated_signal_test": {**WEAK, "check_type": "range"},
        "location_test": {},
        "location_bounds_test": {"shape": [[7, 45], [7.005, 47], [8, 45.5]], "flag_area": "inside"},
    },
    "lon": {
        "attenuated_signal_test": {**WEAK, "check_type": "std", "test_period": 3600},
        "location_bounds_test": {"shape": [7, 45, 8, 46], "flag_area": "outside"},
    },
    "time": {
        "time_gap_test": {"fail_span": 0.25},
        "impossible_date_test": {"fail_span": ["2020-01-01T00:00:00.5", "2020-01-01T12:00"]},
        "data_reception_test": {"fail_span": 1, "from_time": "2020-01-01T01:00:30"},
        "duplicate_timestamp_test": {},
        "speed_test": {"suspect_threshold": 1, "fail_threshold": 20},
    },
    "s": {"syntax_test": {"nchar": 2, "lentype": "char"}},
    "code": {"syntax_test": {"nchar": 2, "lentype": "byte"}},
    "station": {"syntax_test": {"nchar": 1, "delimiter": "B"}},
}
KEYS: dict[str, list[str]] = {"rows": ["n"], "stations": ["time", "station"]}


def by_module(tests: dict[str, Any]) -> dict[str, Any]:
    """Returns the tests of a field under their modules."""
    found: dict[str, Any] = {}
    for name, parameters in tests.items():
        found.setdefault(TESTS[name].module, {})[name] = parameters
    return found


def rules_text(key: list[str], share: float = 0.0) -> str:
    """Returns the rules. With a key of the time and the station, rows may share a time."""
    fields = [{"name": name, **field} for name, field in FIELDS.items()]
    schema = {"fields": fields, "primaryKey": key, "missingValues": ["", "NA", "-999"]}
    streams = {field: by_module(tests) for field, tests in STREAMS.items()}
    axes = {axis: axis for axis in ("time", "z", "lat", "lon")}
    return json.dumps({"schema": schema, **axes, "streams": streams, "limits": {"max_fail_share": share}})


CELLS: dict[str, list[str]] = {
    "v": ["0", "0.5", "1", "1.5", "7"],
    "w": ["0", "0.5", "0.5", "1"],
    "lat": ["45.5", "45.51", "46"],
    "lon": ["7", "7.01"],
    "z": ["0.5", "4", "4.25"],
    "s": ["ab", "abc", "a b"],
    "code": ["0AFF", "1B2C"],
    "day": ["2020-01-01", "2020-01-05"],
    "clock": ["06:00:00", "23:59:59.5"],
    "year": ["2019", "2020"],
    "on": ["true", "1"],
}
ODD = ["", "NA", "-999", "-999.0", " ", "\t", "x", "1 ", " 1", "NaN", "inf", "-1", "99", "1e999", "1_0", "-0", "1,5",
       'a"b', "a\nb", "é", "a\x00b", "a\rb", "2020-01-01", "2020-01-02 00:00", "2019-12-31T23:59:59.25Z", "2020-01-01T12:34:60",
       "2020-13-01T00:00:00", "99999999999999999999", "false", "2020-01-01T02:00:00+02:00"]  # fmt: skip
LINES = {
    "csv": [b"", b"x", b",,", b'"', b'"a', b'a"b,c', b"\xff", b"," * 20, b'""', b" ", b"\r"],
    "ndjson": [b"", b"x", b"{", b"[1]", b"null", b"{}", b'{"v": 1, "v": 2}', b"\xff", b'{"v": "\\u12"}', b'{"s": {"a": 1}}', b" "],
}  # fmt: skip


@dataclass(frozen=True)
class Stream:
    """A table as text, with what is wrong with its lines. faults: lines to insert, by the row that they precede."""

    rows: list[dict[str, str]]
    faults: dict[str, list[tuple[int, bytes]]]
    newline: bytes = b"\n"
    ended: bool = True

    def content(self, kind: str) -> bytes:
        """Returns the stream as csv or ndjson."""
        lines = [_csv_line(row.values()) if kind == "csv" else _json_line(row) for row in self.rows]
        for place, line in sorted(self.faults[kind], reverse=True):
            lines.insert(place, line)
        head = header_of(list(FIELDS), self.newline.decode()).encode() if kind == "csv" else b""
        return head + self.newline.join(lines) + (self.newline if self.ended else b"")


def _csv_line(cells: Any) -> bytes:
    quoted = ('"' + cell.replace('"', '""') + '"' if {*cell} & {*',"\n\r'} else cell for cell in cells)
    return ",".join([*quoted, ""]).encode()


def _json_line(row: dict[str, str]) -> bytes:
    return ("{" + ", ".join(f'"{name}": {_json_value(name, cell)}' for name, cell in row.items()) + "}").encode()


def _json_value(name: str, cell: str) -> str:
    """Returns a cell as JSON: bare if it is a JSON value of its field's type, otherwise as a string."""
    bare = (int, float) if name in (*NUMBERS, "year") else (bool,) if name == "on" else ()
    try:
        if isinstance(json.loads(cell), bare) and cell not in ("NaN", "1e999"):
            return cell
    except ValueError:
        pass
    return "null" if not cell else json.dumps(cell, ensure_ascii=False)


@st.composite
def streams(draw: st.DrawFn, most: int = 9) -> Stream:
    """Draws a stream: a cadence, alternating stations, cells of the right type, and up to four odd cells or lines."""
    count = draw(st.integers(0, most))
    kinds = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3))
    stations = draw(st.integers(1, 3))
    columns = {
        name: draw(st.just([cells[0]] * count) | st.lists(st.sampled_from(cells), min_size=count, max_size=count))
        for name, cells in CELLS.items()
    }
    rows, now = [], START
    for row in range(count):
        if row and row % stations == 0:
            now += dt.timedelta(seconds=draw(st.sampled_from(kinds)))
        cells = {name: column[row] for name, column in columns.items()}
        cells |= {"time": now.isoformat(), "station": "ABC"[row % stations], "n": str(row + 1)}
        rows.append({name: cells[name] for name in FIELDS})
    if count:
        places = st.tuples(st.integers(0, count - 1), st.sampled_from(list(FIELDS)), st.sampled_from(ODD))
        for row, name, cell in draw(st.lists(places, max_size=4)):
            rows[row][name] = cell
    faults = {
        kind: draw(st.just([]) | st.lists(st.tuples(st.integers(0, count), st.sampled_from(lines)), max_size=2))
        for kind, lines in LINES.items()
    }
    return Stream(rows, faults, draw(st.sampled_from([b"\n", b"\n", b"\r\n"])), draw(st.booleans()))
