"""Entries of `streams` that are for some rows only: limits by the kind of sensor, in a file of many kinds."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import TESTS, Check
from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import Format
from stream_qc.rules import load
from tests.amount import examples
from tests.engine.checking import KeptFlags
from tests.engine.streams import by_module
from tests.engine.test_proofs import PARAMETERS

FIELDS = [
    {"name": "time", "type": "datetime"}, {"name": "sensor"}, {"name": "v", "type": "number"}, {"name": "z", "type": "number"},
    {"name": "lat", "type": "number"}, {"name": "lon", "type": "number"},
]  # fmt: skip
AXES = {axis: axis for axis in ("time", "z", "lat", "lon")}
LIMITS = [
    {"where": {"sensor": "t_air"}, "qartod": {"gross_range_test": {"fail_span": [-40, 40]}, "spike_test": {"fail_threshold": 5}}},
    {"where": {"sensor": ["rh", "rh2"]}, "qartod": {"gross_range_test": {"fail_span": [0, 100]}}},
]  # fmt: skip


def found(
    entries: Any, rows: list[tuple[Any, ...]], block_bytes: int = 1 << 20, **more: Any
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Returns the items of the results, and the flags, by check."""
    rules = load(json.dumps({"schema": {"fields": FIELDS}, **AXES, "streams": {"v": entries}, **more}))
    text = "time,sensor,v,z,lat,lon\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    kept: dict[str, KeptFlags] = {}

    def make_sink(check: Check) -> KeptFlags:
        return kept.setdefault(f"{check.field}#{check.test}", KeptFlags())

    reports = check_stream(
        lambda: io.BytesIO(text.encode()), Format("csv", ""), rules, block_bytes=block_bytes, make_sink=make_sink
    )
    items = {one.name: one.item() for report in reports.values() for one in report.results}
    return items, {name: one.flags for name, one in kept.items()}


def rows_of(*cells: tuple[str, Any]) -> list[tuple[Any, ...]]:
    return [(f"2020-01-01T00:00:{row:02}", sensor, value, 1, 50, 7) for row, (sensor, value) in enumerate(cells)]


def test_each_row_has_the_limits_of_its_entry() -> None:
    items, flags = found(LIMITS, rows_of(("t_air", 50), ("rh", 50), ("rh2", 101), ("wind", 5), ("t_air", 1), ("", 1)))
    assert flags["v#gross_range_test"] == [4, 1, 4, 2, 1, 2]
    item = items["2#v#gross_range_test"]
    assert [item[name] for name in ("Good", "NotEvaluated", "Fail", "Pass")] == [2, 2, 2, 0]
    assert [one["Reason"] for one in item["Examples"]] == [
        "v 50 is above 40 (gross_range_test fail_span)",
        "v 101 is above 100 (gross_range_test fail_span)",
    ]
    assert "2 not evaluated" in item["Message"]


def test_neighbours_are_those_of_the_same_entry() -> None:
    cells = [("t_air", 1), ("rh", 90), ("t_air", 2), ("rh", 91), ("t_air", 30), ("rh", 0), ("t_air", 2), ("t_air", 2)]
    for block_bytes in (1, 60, 1 << 20):
        items, flags = found(LIMITS, rows_of(*cells), block_bytes)
        assert flags["v#spike_test"] == [2, 2, 4, 2, 4, 2, 4, 2]
        assert items["3#v#spike_test"]["Fail"] == 3


def test_last_entry_may_be_for_all_other_rows() -> None:
    others = {"qartod": {"gross_range_test": {"fail_span": [0, 10]}}}
    _, flags = found([LIMITS[0], others], rows_of(("t_air", 11), ("wind", 11), ("", 5)))
    assert flags["v#gross_range_test"] == [1, 4, 1]


def test_rows_that_no_entry_matches_are_no_pass() -> None:
    items, _ = found(LIMITS[0], rows_of(("wind", 1), ("rain", 2)))
    assert items["2#v#gross_range_test"]["Pass"] == 0
    assert items["2#v#gross_range_test"]["Message"].startswith("not evaluated: ")
    assert "where" in items["2#v#gross_range_test"]["Message"]


@pytest.mark.parametrize(
    ("entries", "mistake"),
    [
        ([{"qartod": {}}, LIMITS[0]], "streams.v[0]: where is missing; only the last entry may be for all other rows"),
        ({"where": {"kind": "x"}}, "streams.v[0].where.kind: the schema has no field kind"),
        ({"where": {"z": "deep"}}, "streams.v[0].where.z: 'deep' is not a valid number"),
        ({"where": {"z": []}}, "streams.v[0].where.z: the list is empty"),
        ({"where": {"sensor": ""}}, "streams.v[0].where.sensor: '' is one of the missingValues"),
        ([LIMITS[0], LIMITS[0]], "streams.v[1].where: every such row is one of streams.v[0] already"),
        (
            [LIMITS[1], {**LIMITS[0], "where": {"sensor": "rh2", "z": 1}}],
            "streams.v[1].where: every such row is one of streams.v[0] already",
        ),
        ({"where": "x"}, "streams.v[0].where: expected a mapping of fields and their values, not text"),
        ([3], "streams.v[0]: expected a mapping of where and modules, not int"),
        ({"where": {"sensor": "a"}, "qartod": {"spike": {}}}, "streams.v[0].qartod.spike: unknown test"),
    ],
)
def test_mistake_in_where_has_its_place(entries: Any, mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        found(entries, [])
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes


sensors = st.sampled_from(["a", "b", "c", ""])
numbers = st.sampled_from(["", "3", "3", "6", "8", "30", "-40", "bad"])


@pytest.mark.slow
@examples(60)
@given(
    cells=st.lists(st.tuples(sensors, numbers, st.sampled_from([0, 1, 1, 2, -1])), min_size=1, max_size=25),
    choice=st.integers(0, 2), block_bytes=st.sampled_from([1, 60, 300, 1 << 20]), series=st.booleans(),
)  # fmt: skip
def test_flags_are_those_of_a_file_with_these_rows_alone(
    cells: list[tuple[str, str, int]], choice: int, block_bytes: int, series: bool
) -> None:
    tests = by_module(
        {name: chosen[choice % len(chosen)] for name, chosen in PARAMETERS.items() if name != "syntax_test"}
    )
    more: dict[str, Any] = {"series": "z"} if series else {}
    second = 0
    rows = []
    for place, (sensor, value, step) in enumerate(cells):
        second = max(0, second + step)
        rows.append((f"2020-01-01T00:00:{second:02}", sensor, value, place % 2 if series else 1, 50, 7))
    entries = [{"where": {"sensor": ["a", "b"]}, **tests}, {"where": {"sensor": "c"}, **tests}]
    _, flags = found(entries, rows, block_bytes, **more)
    for entry in (["a", "b"], ["c"]):
        places = [place for place, (sensor, *_) in enumerate(cells) if sensor in entry]
        _, alone = found(tests, [rows[place] for place in places], **more)
        for name in TESTS.keys() & PARAMETERS.keys() - {"syntax_test"}:
            if places:
                assert [flags[f"v#{name}"][place] for place in places] == alone[f"v#{name}"], name
    others = [place for place, (sensor, *_) in enumerate(cells) if not sensor]
    assert all(flags[f"v#{name}"][place] == 2 for place in others for name in PARAMETERS if name != "syntax_test")


@pytest.mark.parametrize("content", ['sensor,v\n"a",5\n"b",7\n', "v\n5\n"])
def test_quoted_and_missing_fields_are_no_crash(content: str) -> None:
    schema = {"fields": [{"name": "sensor"}, {"name": "v", "type": "number"}], "missingValues": ["", "NA"]}
    entry = {"where": {"sensor": "a"}, "qartod": {"gross_range_test": {"fail_span": [0, 1]}}}
    rules = load(json.dumps({"schema": schema, "streams": {"v": entry}}))
    reports = check_stream(lambda: io.BytesIO(content.encode()), Format("csv", ""), rules)
    assert not reports[2].passed


def test_single_entry_without_where_is_for_all_rows() -> None:
    _, flags = found([{"qartod": {"gross_range_test": {"fail_span": [0, 1]}}}], rows_of(("a", 0), ("b", 5), ("", 1)))
    assert flags["v#gross_range_test"] == [1, 4, 1]


def test_cells_are_those_of_the_test() -> None:
    entry = {"where": {"sensor": "a"}, "qartod": {"location_bounds_test": {"shape": [0, 0, 1, 1]}}}
    items, _ = found(entry, [("2020-01-01", "a", 7, 1, 50, 5), ("2020-01-02", "a", 7, 1, 51, 5)])
    item = items["2#v#location_bounds_test"]
    assert [one["Value"] for one in item["Examples"]] == ["50, 5", "51, 5"]
    assert "all 7" not in item["Message"]


@pytest.mark.parametrize(
    ("entries", "mistake"),
    [
        ([], "streams.v: the list is empty, so no test would run"),
        ([{"where": {"sensor": "a"}}], "streams.v[0]: it asks for no test"),
        ({"where": {"sensor": None}, "qartod": {}}, "streams.v[0].where.sensor: expected a value or a list of values"),
        (
            {"where": {"sensor": {"a": 1}}, "qartod": {}},
            "streams.v[0].where.sensor: expected a value or a list of values",
        ),
    ],
)
def test_entry_that_asks_nothing_is_refused(entries: Any, mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        found(entries, [])
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes
