"""A file with several series is judged as each of its series is by itself."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import Check
from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import format_of
from stream_qc.rules import Rules, load
from tests.amount import examples
from tests.engine.checking import KeptFlags, failing, reasons, results
from tests.engine.streams import NUMBERS, ODD, Stream, rules_text, streams

NEIGHBOURS = (
    "time_order", "duplicate_time", "time_gap_test", "spike_test", "rate_of_change_test", "flat_line_test",
    "attenuated_signal_test", "location_test",
)  # fmt: skip
APART = json.loads(rules_text(["n"]))
TOGETHER = load(json.dumps({**APART, "series": "station"}))
ALONE = load(json.dumps(APART))
CUTS = [1, 300, 16 << 20]
STATIONS = "ABC"
MALFORMED = {*"\r\x00"}  # a row with one of those is malformed, so it has no station


def flags(content: bytes, rules: Rules, cut: int = CUTS[-1]) -> dict[str, list[int]]:
    """Returns the flags of each test that compares neighbouring rows."""
    kept: dict[str, KeptFlags] = {}
    form = format_of("x.csv")
    assert form is not None

    def sink(check: Check) -> KeptFlags | None:
        return kept.setdefault(f"{check.field}#{check.test}", KeptFlags()) if check.test in NEIGHBOURS else None

    check_stream(lambda: io.BytesIO(content), form, rules, (2, 3), block_bytes=cut, make_sink=sink)
    return {name: one.flags for name, one in kept.items()}


@st.composite
def mixed(draw: st.DrawFn) -> Stream:
    """Draws rows of up to three stations, in any order, and cells that are missing or odd."""
    stream = draw(streams(most=25))
    stations = draw(st.lists(st.sampled_from(STATIONS), min_size=len(stream.rows), max_size=len(stream.rows)))
    for row, station in zip(stream.rows, stations, strict=True):
        row["station"] = station
    if draw(st.booleans()):
        stream.rows.sort(key=lambda row: row["station"])
    if stream.rows:
        places = st.tuples(
            st.integers(0, len(stream.rows) - 1), st.sampled_from([*NUMBERS, "time"]), st.sampled_from(ODD)
        )
        for place, name, cell in draw(st.lists(places, max_size=4)):
            stream.rows[place][name] = cell
    for row in stream.rows:
        row.update({name: "" for name, cell in row.items() if {*cell} & MALFORMED})
    return Stream(stream.rows, {"csv": [], "ndjson": []})


@pytest.mark.slow
@examples(200)
@given(stream=mixed(), cut=st.sampled_from(CUTS))
def test_flags_are_those_of_each_series_alone(stream: Stream, cut: int) -> None:
    found = flags(stream.content("csv"), TOGETHER, cut)
    for station in STATIONS:
        rows = [row for row, cells in enumerate(stream.rows) if cells["station"] == station]
        alone = flags(Stream([stream.rows[row] for row in rows], stream.faults).content("csv"), ALONE)
        assert {name: [one[row] for row in rows] for name, one in found.items()} == alone


@pytest.mark.slow
@examples(60)
@given(stream=streams(most=20), cut=st.sampled_from(CUTS[:-1]))
def test_report_of_series_does_not_depend_on_blocks(stream: Stream, cut: int) -> None:
    content = stream.content("csv")
    assert items(content, cut) == items(content, CUTS[-1])


def items(content: bytes, cut: int) -> list[dict[str, Any]]:
    return [result.item() for result in results(content, TOGETHER, block_bytes=cut).values()]


RULES = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: station, type: string}
    - {name: v, type: number}
time: time
series: station
streams: {v: {qartod: {spike_test: {fail_threshold: 5}, rate_of_change_test: {threshold: 10}}}}
"""
TABLE = """time,station,v
2020-01-01T00:00Z,EWR,1
2020-01-01T00:00Z,JFK,50
2020-01-01T01:00Z,EWR,1
2020-01-01T01:00Z,JFK,80
2020-01-01T02:00Z,EWR,1
2020-01-01T02:00Z,JFK,50
2020-01-01T02:00Z,,50
"""


@pytest.mark.parametrize("cut", [1, 1 << 20])
def test_reason_names_the_series(cut: int) -> None:
    found = results(TABLE, RULES, block_bytes=cut)["3#v#spike_test"]
    assert reasons(found) == [
        (
            4,
            "80",
            "station JFK: v 80 differs from its neighbours by 30, more than 5 (spike_test fail_threshold)",
        )
    ]
    assert (found.good, found.not_evaluated, found.fail) == (1, 5, 1)


def test_row_without_series_is_not_evaluated() -> None:
    found = results(TABLE, RULES)
    assert found["3#v#rate_of_change_test"].not_evaluated == 1
    assert found["3#time#duplicate_time"].not_evaluated == 1


def test_repeated_time_of_another_series_is_no_duplicate() -> None:
    assert failing(TABLE, RULES) == {"3#v#spike_test"}
    assert "3#time#duplicate_time" in failing(TABLE + "2020-01-01T02:00Z,EWR,1\n", RULES)


def test_file_sorted_by_series_is_in_order() -> None:
    head, *rows = TABLE.strip().splitlines()
    ordered = sorted(rows, key=lambda row: row.split(",")[1])
    assert "3#time#time_order" not in failing("\n".join([head, *ordered]), RULES)


def test_series_may_be_told_apart_by_several_fields() -> None:
    rules = RULES.replace("series: station", "series: [station, v]")
    found = results(TABLE, rules)["3#v#spike_test"]
    assert (found.good, found.not_evaluated) == (1, 6)  # only EWR, 1 has three rows


def test_too_many_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_qc.checks.series.MOST_SERIES", 1)
    with pytest.raises(InvalidRules, match="series: the file has more than 1 different values of station"):
        results(TABLE, RULES)


@pytest.mark.parametrize(
    ("series", "mistake"),
    [
        ("site", "series: the schema has no field site; its fields are: time, station, v"),
        ("[station, time]", "series: time is the time; name the fields that identify a station, sensor or patient"),
        ("{a: 1}", "series: "),
    ],
)
def test_mistaken_series_is_refused(series: str, mistake: str) -> None:
    with pytest.raises(InvalidRules, match=mistake):
        load(RULES.replace("series: station", f"series: {series}"))
