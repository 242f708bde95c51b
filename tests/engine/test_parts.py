"""A file that is checked in parts has the report of one pass, to the last byte."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.parts import checking, cutting
from stream_qc.parts.state import decode, encode
from stream_qc.reporting.drawer import Drawer
from stream_qc.reporting.record import Drawing, Part
from stream_qc.rules import Rules, load
from stream_qc.vocabulary import PROCESSES
from tests.amount import examples
from tests.engine.in_parts import FORMS, PARQUET, Cutting, as_parquet, in_one, in_parts, parts_of
from tests.engine.streams import KEYS, Stream, rules_text, streams
from tests.engine.test_proofs import rules, table

MINIMUM = "schema: {fields: [{name: n, type: integer, constraints: {minimum: 0}}]}"


def drawn(content: bytes, asked: Rules, how: Cutting | None) -> list[Part]:
    """Returns what each process leaves for the page: of one pass, or of a file that was cut."""
    form, found = FORMS["csv"], []
    for process in PROCESSES if how is None else ():
        drawer = Drawer(asked)
        reports = check_stream(lambda: io.BytesIO(content), form, asked, [process], drawer=drawer, block_bytes=100)
        found.append(drawer.part(reports[process]))
    if how is None:
        return found
    file = checking.File(lambda start, end: io.BytesIO(content[start:end]), len(content), form, block_bytes=100)
    parts, _ = parts_of(content, form, how)
    for process in PROCESSES:
        states = [checking.check_part(file, part, asked, process, drawn=True) for part in parts]
        whole = (
            checking.check_whole(file, asked, process, drawn=True) if checking.not_in_parts(asked, process) else None
        )
        drawer = Drawer(asked)
        found.append(drawer.part(checking.merge(file, parts, states, whole, asked, process, drawer)))
    return found


def by_field(part: Part) -> list[Drawing]:
    return sorted(part.drawings, key=lambda one: one.field)


cuttings = st.builds(
    Cutting,
    part_bytes=st.sampled_from([1, 60, 200, 700, 3000]),
    above_bytes=st.sampled_from([1, 150, 1000]),
    block_bytes=st.sampled_from([1, 100, 400]),
    order=st.sampled_from([lambda number: number, lambda number: -number, lambda number: number * 7919 % 101]),
)


@pytest.mark.slow
@examples(160)
@given(stream=streams(most=12), key=st.sampled_from(list(KEYS)), kind=st.sampled_from(list(FORMS)), how=cuttings)
def test_a_file_in_parts_has_the_report_of_one_pass(stream: Stream, key: str, kind: str, how: Cutting) -> None:
    asked, content = load(rules_text(KEYS[key])), stream.content(kind)
    found, why = in_parts(content, FORMS[kind], asked, how)
    if not why:
        assert found == in_one(content, FORMS[kind], asked)


@pytest.mark.slow
@examples(100)
@given(content=table(), asked=rules(), how=cuttings)
def test_a_clean_file_in_parts_has_the_report_of_one_pass(content: bytes, asked: Rules, how: Cutting) -> None:
    found, why = in_parts(content, FORMS["csv"], asked, how)
    assert not why
    assert found == in_one(content, FORMS["csv"], asked)


@pytest.mark.slow
@examples(100)
@given(content=table(), asked=rules(), how=cuttings, rows=st.sampled_from([1, 3, 10, 50]))
def test_a_parquet_file_in_parts_has_the_report_of_one_pass(
    content: bytes, asked: Rules, how: Cutting, rows: int
) -> None:
    content = as_parquet(content, rows)
    found, why = in_parts(content, PARQUET, asked, how)
    if why:
        assert why in ("it has one row group", "it has no rows")
    else:
        assert found == in_one(content, PARQUET, asked)


@pytest.mark.slow
@examples(100)
@given(content=table(), asked=rules(), how=cuttings)
def test_a_file_in_parts_is_drawn_as_in_one_pass(content: bytes, asked: Rules, how: Cutting) -> None:
    for one, other in zip(drawn(content, asked, how), drawn(content, asked, None), strict=True):
        assert not one.undrawn
        for its, those in zip(by_field(one), by_field(other), strict=True):
            assert (its.field, its.points, its.limits) == (those.field, those.points, those.limits)
            flagged = [{(each.test, each.flag): each for each in drawing.flagged} for drawing in (its, those)]
            assert flagged[0].keys() == flagged[1].keys()
            for name, points in flagged[0].items():
                assert points.count == flagged[1][name].count
                # A row that is flagged late may lie in a part above, which is drawn already.
                assert {*points.points.row} <= {*flagged[1][name].points.row}


IN_SERIES = """
schema: {fields: [{name: time, type: datetime}, {name: station}, {name: v, type: number}]}
time: time
series: station
streams:
  v:
    qartod:
      spike_test: {suspect_threshold: 1, fail_threshold: 2}
      rate_of_change_test: {threshold: 0.01}
      flat_line_test: {suspect_threshold: 120, fail_threshold: 240, tolerance: 0.5}
      attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 0.5}
  time: {qartod: {time_gap_test: {fail_span: 0.02}}}
"""


@pytest.mark.parametrize("grouped", [True, False])
def test_series_in_parts_have_the_report_of_one_pass(grouped: bool) -> None:
    rows = [(minute, station) for minute in range(30) for station in "ABC"]
    rows = sorted(rows, key=lambda row: row[1]) if grouped else rows
    lines = [
        f"2020-01-01T00:{minute:02}:00,{station},{minute * 7 % 5 + (station == 'B')}\n" for minute, station in rows
    ]
    content, asked = ("time,station,v\n" + "".join(lines)).encode(), load(IN_SERIES)
    found, why = in_parts(content, FORMS["csv"], asked, Cutting())
    assert not why
    assert found == in_one(content, FORMS["csv"], asked)
    assert any('"Fail": ' in line and '"Fail": 0' not in line for line in found[3])


def test_a_row_that_is_flagged_late_is_among_the_first_that_are_shown() -> None:
    """The second row of A waits for its neighbour, which is in a later part than 20 failing rows of B."""
    rows = [(0, "A", 0), (0, "A", 99), *((minute, "B", minute % 2 * 50) for minute in range(60)), (100, "A", 0)]
    rows += [(minute, "B", 0) for minute in range(100, 140)]
    lines = [f"2020-01-01T{minute // 60:02}:{minute % 60:02}:00,{name},{v}\n" for minute, name, v in rows]
    content, asked = ("time,station,v\n" + "".join(lines)).encode(), load(IN_SERIES)
    for part_bytes, above_bytes in ((1500, 10_000), (700, 300)):
        found, why = in_parts(content, FORMS["csv"], asked, Cutting(part_bytes=part_bytes, above_bytes=above_bytes))
        assert not why
        assert found == in_one(content, FORMS["csv"], asked)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'a,b\n1,"x\ny"\n' * 9, "a line break may be quoted in bytes"),
        (b"a,b\n1,2\n\n3,4\n" * 9, "there is a blank line in bytes"),
        (b"a,b\n", "it has no rows"),
        (b"a,b\n" + b"1" * 2**20 + b",2\n", "a line is longer than 1,048,576 bytes"),
    ],
)
def test_a_file_whose_lines_may_be_no_rows_is_not_cut(content: bytes, why: str) -> None:
    how = Cutting(part_bytes=max(200, len(content) // 5), above_bytes=max(100, len(content) // 9))
    assert parts_of(content, FORMS["csv"], how)[1].startswith(why)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", b"a\tb\n1\t2\n\t\n3\t4\n" * 9),
        ("csv", "a\né\nü\n".encode() * 30),
        ("csv", b"a\n1\n  \n2\n" * 30 + b"\n\n"),
        ("ndjson", b'{"a": 1}\n' * 30 + b"\n"),
        ("ndjson", (b'{"a": 1}\n' * 9 + b"BZh\nPK\x03\x04\n%PDF-\na\x00b\n" * 3) * 9),
        ("ndjson", b'{"b": 1}\n{"a": 2}\n{"c": 3, "a": 1}\n' * 30),
    ],
)
@pytest.mark.parametrize("text", ["rows: {minimum: 1}", "fields: [{name: a}]"])
def test_odd_lines_have_the_report_of_one_pass(form: str, content: bytes, text: str) -> None:
    for part_bytes in (30, 41, 97):
        found, why = in_parts(content, FORMS[form], load(text), Cutting(part_bytes=part_bytes))
        assert not why
        assert found == in_one(content, FORMS[form], load(text))


@pytest.mark.parametrize("end", [b"  ", b"  \n", b"\t\r\n", b"\n \n"])
def test_blanks_at_the_end_of_json_lines_are_no_rows(end: bytes) -> None:
    content, asked = b'{"a": 1}\n' * 30 + end, load("rows: {minimum: 1}")
    found, why = in_parts(content, FORMS["ndjson"], asked, Cutting(part_bytes=1000))
    assert why.startswith("there is a blank line") or found == in_one(content, FORMS["ndjson"], asked)


@pytest.mark.parametrize("blank", [b"\x0b", b"\x0c", b" ", b"\t"])
def test_a_line_that_looks_like_an_array_hides_no_rows(blank: bytes) -> None:
    """Whichever part begins with it, the rows below it count: the last hundred fail."""
    lines = [b'{"a": 1}\n'] * 400
    lines[20], lines[300:] = blank + b"[1]\n", [b'{"a": -1}\n'] * 100
    content = b"".join(lines)
    asked = load(
        "schema: {fields: [{name: a, type: integer, constraints: {minimum: 0}}]}\nlimits: {max_fail_share: 0.05}"
    )
    for part_bytes in (182, 190):
        found, why = in_parts(content, FORMS["ndjson"], asked, Cutting(part_bytes=part_bytes, block_bytes=4000))
        assert why.startswith("it may be a JSON array") or found == in_one(content, FORMS["ndjson"], asked)
        assert why or '"400 rows' not in found[2][0]


def test_a_file_with_an_unreadable_part_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    content, asked = b"n\n" + b"1\n" * 200 + b"-1\n" * 200, load(MINIMUM)
    expected = in_one(content, FORMS["csv"], asked)
    check = checking.check_part

    def broken(file: checking.File, part: cutting.Part, *args: Any) -> bytes:
        state = decode(check(file, part, *args))
        state["file"]["unreadable"] = "it cannot be read" if part.number == 1 else ""
        return encode(state)

    monkeypatch.setattr(checking, "check_part", broken)
    assert in_parts(content, FORMS["csv"], asked, Cutting())[0] == expected


@pytest.mark.parametrize("text", ["fields: [{name: a, type: integer}, {name: q}]", "rows: {minimum: 1}"])
@pytest.mark.parametrize("first", [b"{}\n", b"\n{}\nx\n{ }\n"])
def test_the_header_is_that_of_the_first_object_with_fields(text: str, first: bytes) -> None:
    content = first + b'{"a":1,"zzz":2}\n' * 3 + b'{"a":1,"yyy":2}\n' * 60
    asked = load(text)
    expected = in_one(content, FORMS["ndjson"], asked)
    names = ["a", "zzz"] if asked.schema.fields else ["a", "zzz", "yyy"]
    assert json.loads(expected[1][0])[5] == names
    for block_bytes in (1, 30, 100, 100_000):
        how = Cutting(part_bytes=300, block_bytes=block_bytes)
        found, why = in_parts(content, FORMS["ndjson"], asked, how)
        assert why.startswith("there is a blank line") or found == expected


def test_a_header_has_as_many_names_in_parts_as_in_one_pass() -> None:
    rows = [b",".join(b'"k%d_%d":1' % (row, name) for name in range(100)) for row in range(300)]
    content = b"".join(b"{" + row + b"}\n" for row in rows)
    asked = load("rows: {minimum: 1}")
    found, _ = in_parts(content, FORMS["ndjson"], asked, Cutting(part_bytes=len(content) // 4))
    assert found == in_one(content, FORMS["ndjson"], asked)
    assert len(json.loads(found[1][0])[5]) == 10_000


def test_a_json_array_is_not_cut() -> None:
    assert (
        parts_of(b'[{"a": 1},\n' + b'{"a": 2},\n' * 90 + b'{"a": 3}]\n', FORMS["ndjson"], Cutting())[1]
        == "it may be a JSON array"
    )


def test_quoted_cells_do_not_keep_a_file_from_being_cut() -> None:
    parts, why = parts_of(b"a,b\n" + b'"x, y","say ""hi"""\n' * 50, FORMS["csv"], Cutting())
    assert not why
    assert len(parts) > 4
    assert [part.first for part in parts[:2]] == [0, (parts[0].end - parts[0].start) // 20]


def test_there_are_never_more_than_a_thousand_parts() -> None:
    cuts = cutting.cut(5 * 2**40, 128 * 2**20)
    assert len(cuts) == 1000
    assert (cuts[0].start, cuts[-1].end) == (0, 5 * 2**40)
    assert all(one.end == other.start for one, other in pairwise(cuts))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", "", ""),
        ("a.ndjson", "", ""),
        ("a.tsv", "dialect: {delimiter: ';'}", ""),
        ("a.csv.gz", "", "a file of the format csv.gz cannot be cut"),
        ("a.parquet", "", ""),
        ("a.xlsx", "", "a file of the format xlsx cannot be cut"),
        ("a.csv", "dialect: {commentChar: '#'}", "its dialect can be read only from the start of the file"),
        ("a.csv", "flags: true", "the rules ask for the flags of every row"),
    ],
)
def test_what_cannot_be_cut_is_known_before_it_is_read(name: str, text: str, why: str) -> None:
    form = format_of(name)
    assert form is not None
    assert cutting.why_whole(form, load(text or "rows: {minimum: 1}")) == why
