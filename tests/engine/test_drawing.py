"""The pictures of a report: no spike disappears, every flagged point is where it is, and the memory does not grow."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import re
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.engine import check_stream
from stream_qc.flags import FAIL, SUSPECT
from stream_qc.formats import format_of
from stream_qc.reporting.drawer import Drawer
from stream_qc.reporting.marks import MOST_POINTS
from stream_qc.reporting.page import Heading, render
from stream_qc.reporting.pictures import pictures_of
from stream_qc.reporting.record import Part
from stream_qc.reporting.trace import BUCKETS, Trace
from stream_qc.rules import load
from tests.amount import examples

START = dt.datetime(2024, 1, 1)
RULES = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: v, type: number, constraints: {maximum: 100}}
time: time
streams:
  v: {qartod: {gross_range_test: {suspect_span: [-5, 5], fail_span: [-10, 10]},
               flat_line_test: {suspect_threshold: 300, fail_threshold: 600, tolerance: 0.1}}}
  time: {qartod: {time_gap_test: {fail_span: 2}}}
"""
HEADING = Heading("FAIL", "g/s", [("File", "s.csv")])


def parts_of(text: str, rules: str = RULES, block_bytes: int = 4096) -> list[Part]:
    loaded = load(rules.encode())
    drawer, form = Drawer(loaded), format_of("s.csv")
    assert form is not None
    reports = check_stream(lambda: io.BytesIO(text.encode()), form, loaded, drawer=drawer, block_bytes=block_bytes)
    return [Part.decode(drawer.part(report).encode()) for report in reports.values()]


def csv(values: list[float | None], step: int = 60) -> str:
    times = (START + dt.timedelta(seconds=step * row) for row in range(len(values)))
    lines = [f"{time.isoformat()},{'' if value is None else value}" for time, value in zip(times, values, strict=True)]
    return "\n".join(["time,v", *lines, ""])


@examples(200)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=300),
    st.integers(1, 200),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_trace_keeps_the_extremes_of_every_stretch(values: list[float | None], repeat: int, cuts: list[int]) -> None:
    numbers = pl.Series("y", values * repeat, dtype=pl.Float64)
    trace, first, turn = Trace(), 0, 0
    while first < numbers.len():
        some = numbers.slice(first, cuts[turn % len(cuts)] * 40)
        row = pl.int_range(first, first + some.len(), eager=True)
        trace.add(pl.DataFrame([row.alias("row"), (row * 1000).alias("x"), some]))
        first, turn = first + some.len(), turn + 1
    points = trace.points()
    assert points.height <= 3 * BUCKETS
    assert points["row"].is_sorted()
    assert points["row"].is_unique().all()
    assert points["y"].equals(numbers.gather(points["row"]))  # every point is one of the file
    assert points["x"].equals((points["row"] * 1000).alias("x"))
    for start in range(0, numbers.len(), trace.width):
        bucket = numbers.slice(start, trace.width)
        drawn = points.filter(pl.col("row").is_between(start, start + trace.width - 1))["y"]
        assert (drawn.min(), drawn.max()) == (bucket.min(), bucket.max())
        assert drawn.len()


@pytest.mark.parametrize("block_bytes", [64, 4096, 1_000_000])
def test_flagged_points_are_where_they_are(block_bytes: int) -> None:
    values: list[float | None] = [math.sin(row) for row in range(400)]
    values[7], values[300], values[399] = 50.0, -7.0, 200.0
    (drawing,) = parts_of(csv(values), block_bytes=block_bytes)[1].drawings
    found = {(one.test, one.flag): (one.points.row, one.points.y, one.count) for one in drawing.flagged}
    assert found == {
        ("maximum", FAIL): ([399], [200.0], 1),
        ("gross_range_test", FAIL): ([7, 399], [50.0, 200.0], 2),
        ("gross_range_test", SUSPECT): ([300], [-7.0], 1),
    }
    assert drawing.points.x[7] == (START - dt.datetime(1970, 1, 1)).total_seconds() * 1000 + 7 * 60_000
    assert {(limit.name, limit.value, limit.flag) for limit in drawing.limits} == {
        ("maximum", 100, FAIL),
        *(("gross_range_test fail_span", value, FAIL) for value in (-10, 10)),
        *(("gross_range_test suspect_span", value, SUSPECT) for value in (-5, 5)),
    }


@pytest.mark.parametrize("block_bytes", [64, 4096, 1_000_000])
def test_gaps_and_flat_stretches_are_spans(block_bytes: int) -> None:
    moving, still = [float(row % 3) for row in range(100)], [1.5] * 30
    values: list[float | None] = [*moving, *still, *moving[:50]]
    text = csv(values)
    later = (START + dt.timedelta(days=2)).isoformat()
    part = parts_of(f"{text}{later},1\n", block_bytes=block_bytes)[2]
    (gap,) = part.gaps
    last = START + dt.timedelta(minutes=179)
    assert (gap.flag, gap.start, gap.end) == (FAIL, milliseconds(last), milliseconds(START + dt.timedelta(days=2)))
    spans = {one.flag: (one.start, one.end) for one in part.drawings[0].spans}
    begun = milliseconds(START + dt.timedelta(minutes=100))  # not only from where the test noticed
    assert spans[FAIL] == (begun, milliseconds(START + dt.timedelta(minutes=129)))
    assert spans[SUSPECT] == (begun, milliseconds(START + dt.timedelta(minutes=109)))


def milliseconds(time: dt.datetime) -> int:
    return int((time - dt.datetime(1970, 1, 1)).total_seconds() * 1000)


def test_very_many_flagged_points_are_thinned_and_counted() -> None:
    values: list[float | None] = [20.0 + row % 7 for row in range(20_000)]
    values[10_001] = 5000.0
    part = parts_of(csv(values))[1]
    flagged = next(one for one in part.drawings[0].flagged if one.test == "gross_range_test")
    assert flagged.count == 20_000
    assert MOST_POINTS / 2 <= len(flagged.points.row) <= 2 * MOST_POINTS
    assert max(y for y in flagged.points.y if y is not None) == 5000.0
    assert f"{len(flagged.points.row):,} of 20,000 FAIL rows are marked" in re.sub(r"\s+", " ", render(HEADING, [part]))


def test_no_part_of_a_stream_has_more_marks_than_another() -> None:
    values: list[float | None] = [20.0 + row % 7 for row in range(100_000)]
    part = parts_of(csv(values), block_bytes=100_000)[1]
    flagged = next(one for one in part.drawings[0].flagged if one.test == "gross_range_test")
    tenths = Counter(row // 10_000 for row in flagged.points.row)
    assert len(tenths) == 10
    assert max(tenths.values()) <= 2 * min(tenths.values())


def test_test_that_flags_a_whole_series_shades_it() -> None:
    test = "attenuated_signal_test: {suspect_threshold: 5, fail_threshold: 4, check_type: range}"
    rules = RULES.replace("v: {qartod: {", f"v: {{qartod: {{{test}, ")
    part = parts_of(csv([float(row % 2) for row in range(50)]), rules)[2]
    assert [span.flag for span in part.drawings[0].spans if span.test == "attenuated_signal_test"] == [FAIL]
    assert "the whole series has this flag" in render(HEADING, [part])


def test_missing_and_unreadable_cells_stand_at_the_edge() -> None:
    rules = RULES.replace("constraints: {maximum: 100}", "constraints: {maximum: 100, required: true}")
    lines = csv([1.0, None, 3.0, 4.0, 5.0]).replace(",4.0", ",dry")
    (picture,) = pictures_of(parts_of(lines, rules), 1000)[0]
    assert [(point.row, point.y, point.test) for point in picture.points if point.flag] == [
        (1, None, "required"),
        (3, None, "type"),
    ]


def test_times_out_of_order_stand_in_every_picture() -> None:
    text = csv([1.0, 2.0, 3.0])
    text += text.splitlines()[1] + "\n"
    (picture,) = pictures_of(parts_of(text), 1000)[0]
    assert {(point.row, point.y) for point in picture.points if point.flag == FAIL} >= {(3, 1.0)}


def test_fields_that_fail_have_a_picture_before_others() -> None:
    names = [f"f{number}" for number in range(90)]
    fields = "".join(f"\n    - {{name: {name}, type: number, constraints: {{maximum: 1}}}}" for name in names)
    rules = "schema:\n  fields:\n    - {name: time, type: datetime}" + fields + "\ntime: time\n"
    lines = [
        f"{(START + dt.timedelta(minutes=row)).isoformat()}," + ",".join(["0.5"] * 89 + ["2"]) for row in range(900)
    ]
    shown, left_out = pictures_of(parts_of("\n".join([f"time,{','.join(names)}", *lines, ""]), rules, 500_000), 24_000)
    assert (shown[0].field, len(shown), left_out) == ("f89", 40, 50)
    assert sum(len(picture.points) for picture in shown) < 40_000
    assert shown[0].reduced


def test_page_that_lacks_a_part_says_so() -> None:
    found = parts_of(csv([1.0, 2.0]))
    page = render(Heading("PASS", "g/s", [], unrecorded=[(2, True)]), [found[0], found[2]])
    assert "What process 2 (values) found could not be kept for this page; its verdict is PASS." in page
    assert "Every check passes" in " ".join(render(Heading("PASS", "g/s", [], unrecorded=[(1, True)]), []).split())
    assert "The data failed its checks." in render(Heading("FAIL", "g/s", []), [found[0]])


def test_page_does_not_grow_with_the_file() -> None:
    sizes = []
    for rows in (5_000, 50_000):
        values: list[float | None] = [30 * math.sin(row) for row in range(rows)]
        sizes.append(len(render(HEADING, parts_of(csv(values), block_bytes=200_000)).encode()))
    assert max(sizes) < 500_000
    assert sizes[1] < 1.6 * sizes[0]


def test_page_of_very_many_fields_and_checks_is_below_a_megabyte() -> None:
    names = [f"field {number}" for number in range(200)]
    fields = "".join(f"\n    - {{name: {name}, type: number, constraints: {{maximum: 1}}}}" for name in names)
    rules = "schema:\n  fields:\n    - {name: time, type: datetime}" + fields + "\ntime: time\n"
    lines = [f"{(START + dt.timedelta(minutes=row)).isoformat()}," + ",".join(["2.5"] * 200) for row in range(1500)]
    page = render(HEADING, parts_of("\n".join([f"time,{','.join(names)}", *lines, ""]), rules, 500_000))
    assert len(page.encode()) < 1_000_000
    assert "have no room on this page" in page


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\u2028\u202e\x07",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_are_text(text: str) -> None:
    rules = "schema: {fields: [{name: a, type: number}, {name: b, type: string, constraints: {maxLength: 1}}]}"
    cell = '"' + text.replace('"', '""') + '"'
    heading = Heading("FAIL", text, [("File", text)], [(1, text)], rerun=text)
    page = render(heading, parts_of(f"a,b\n{cell},{cell}\n", rules))
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "<svg onload" not in page
    assert "\u202e" not in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert text[:5] in str(json.loads(data[1])["rows"][0][6])


def test_values_that_json_lacks_are_left_out() -> None:
    part = parts_of(csv([1.0, math.inf, -math.inf, 2.0]).replace("inf", "INF"))[1]
    assert [y for y in part.drawings[0].points.y if y is not None] == [1.0, 2.0]
    assert render(HEADING, [part])


def test_file_without_a_time_is_drawn_by_row() -> None:
    rules = "schema: {fields: [{name: v, type: number, constraints: {maximum: 5}}]}"
    part = parts_of("v\n1\n9\n3\n", rules)[1]
    assert (part.by_time, part.drawings[0].points.x) == (False, [1, 2, 3])


def test_series_of_a_file_are_points_without_a_line() -> None:
    rules = RULES.replace("schema:", "series: s\nschema:", 1).replace("- {name: v,", "- {name: s}\n    - {name: v,", 1)
    lines = ["time,s,v"]
    for row in range(20):
        lines += [f"{(START + dt.timedelta(minutes=row)).isoformat()},{station},{row}" for station in "ab"]
    parts = parts_of("\n".join([*lines, ""]), rules)
    assert not any(part.joined for part in parts)
    assert parts[2].gaps == []


def test_file_that_cannot_be_read_has_a_page_of_its_own() -> None:
    page = render(HEADING, parts_of(""))
    assert "the file is empty" in page or "no header" in page or "cannot be read" in page
    assert "data-picture" not in page.partition("<script>")[0]
