"""A file that is checked in parts has the report of one pass, to the last byte."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import io
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks.recent_keys import Rising
from stream_qc.engine import check_stream
from stream_qc.formats import Format, format_of
from stream_qc.parts import checking, cutting
from stream_qc.parts.footer import RowGroup, UnknownFooterError, row_groups
from stream_qc.parts.row_groups import footer_of, row_group_parts
from stream_qc.parts.state import UnknownStateError, decode, encode
from stream_qc.reporting.drawer import Drawer
from stream_qc.reporting.record import Drawing, Part
from stream_qc.results import Example, Report
from stream_qc.rules import Rules, load
from stream_qc.vocabulary import PROCESSES
from tests.amount import examples
from tests.engine.streams import KEYS, Stream, rules_text, streams
from tests.engine.test_proofs import rules, table

FORMS = {"csv": Format("csv", ""), "ndjson": Format("ndjson", "")}
PARQUET = Format("parquet", "")
MINIMUM = "schema: {fields: [{name: n, type: integer, constraints: {minimum: 0}}]}"


@dataclass
class Cutting:
    """How a file is cut: bytes a part, above a part and in a block; order: sorts the parts as they are checked."""

    part_bytes: int = 200
    above_bytes: int = 100
    block_bytes: int = 100
    order: Callable[[int], int] = lambda number: -number


def text_of(report: Report) -> list[str]:
    """Returns the whole report, a text for each line of it."""
    head = json.dumps([report.process, report.rows, report.message, report.passed, report.unread, report.header])
    return [head, *(json.dumps(result.item()) for result in report.results)]


def in_one(content: bytes, form: Format, asked: Rules) -> dict[int, list[str]]:
    return {process: text_of(one) for process, one in check_stream(lambda: io.BytesIO(content), form, asked).items()}


def parts_of(content: bytes, form: Format, how: Cutting) -> tuple[list[cutting.Part], str]:
    def read(start: int, end: int) -> io.BytesIO:
        return io.BytesIO(content[start:end])

    if form == PARQUET:
        return row_group_parts(read, len(content), how.part_bytes)
    cuts = cutting.cut(len(content), how.part_bytes)
    counted = [cutting.count(read, len(content), cut, form, above_bytes=how.above_bytes) for cut in cuts]
    return cutting.number(sorted(counted, key=lambda one: how.order(one.number)))


def in_parts(content: bytes, form: Format, asked: Rules, how: Cutting) -> tuple[dict[int, list[str]], str]:
    """Returns the reports of a file that was checked in parts, or why it cannot be."""
    parts, why = parts_of(content, form, how)
    if why:
        return {}, why
    file = checking.File(
        lambda start, end: io.BytesIO(content[start:end]), len(content), form, block_bytes=how.block_bytes
    )
    reports = {}
    for process in PROCESSES:
        found = {
            part.number: checking.check_part(file, part, asked, process)
            for part in sorted(parts, key=lambda part: how.order(part.number))
        }
        whole = checking.check_whole(file, asked, process) if checking.not_in_parts(asked, process) else None
        states = (found[part.number] for part in parts)
        reports[process] = text_of(checking.merge(file, parts, states, whole, asked, process))
    return reports, ""


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


def as_parquet(content: bytes, rows: int, **how: Any) -> bytes:
    """The rows of a CSV file. rows: of a row group."""
    out = io.BytesIO()
    pl.read_csv(content, infer_schema_length=None).write_parquet(out, row_group_size=rows, **how)
    return out.getvalue()


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


def test_a_file_that_only_its_parts_cannot_be_read_from_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("value", [pl.col("v"), json.dumps, Rules])
def test_a_state_holds_no_code(value: Any) -> None:
    with pytest.raises(UnknownStateError, match="a state has no"):
        encode({"tallies": [value]})


@pytest.mark.parametrize("plain", [{"Rules": []}, {"type": ["x"]}, {"list": [{"Example": []}]}, ["x"]])
def test_a_state_names_only_what_states_consist_of(plain: Any) -> None:
    with pytest.raises(UnknownStateError):
        decode(gzip.compress(msgspec.msgpack.encode(plain)))


def test_what_a_state_says_of_files_is_not_believed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.parquet"
    pl.DataFrame({"h": [1]}).write_parquet(secret)
    for name in ("Counts", "Hashes"):
        made = {name: [["_files", [str(secret)]], ["_parts", []], ["_runs", []]]}
        found = decode(gzip.compress(msgspec.msgpack.encode({"dict": [["tallies", made]]})))["tallies"]
        assert found._files == []


def test_a_state_is_read_as_it_was_written() -> None:
    shared, utc = Example(1, "x", "why"), dt.UTC
    times = [dt.datetime(2026, 1, 2, 3, tzinfo=utc), dt.date(2026, 1, 2), dt.time(1, 2, 3), dt.timedelta(-1, 2, 3)]
    values = [None, True, 2**70, -(2**63), 0.1, "é", b"\xff", (1, (2,)), {3}, {(4, "x"): [5]}, *times]
    table = pl.DataFrame({"n": [1, None], "s": ["x", ""], "t": [times[0], None]})
    state = {
        "values": values,
        "odd": [float("inf"), -0.0],
        "queue": deque([Rising(3, pl.Series("k", [1]))]),
        "counter": Counter("aab"),
        "objects": [shared, shared],
        "table": table,
        "nothing": pl.DataFrame(),
    }
    found = decode(encode(state))
    assert [(type(one), one) for one in found["values"]] == [(type(one), one) for one in values]
    assert [str(one) for one in found["odd"]] == ["inf", "-0.0"]
    assert (found["queue"][0].first, found["queue"][0].greatest.to_list()) == (3, [1])
    assert type(found["counter"]) is Counter
    assert found["counter"] == Counter("aab")
    assert found["objects"][0] is found["objects"][1]
    assert found["objects"][0] == shared
    assert found["table"].equals(table)
    assert found["table"].schema == table.schema
    assert found["nothing"].shape == (0, 0)


def table_of(rows: int) -> bytes:
    return ("n,s\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(rows))).encode()


def footer_in(content: bytes) -> bytes:
    return content[-int.from_bytes(content[-8:-4], "little") - 8 :]


FOOTER = footer_in(as_parquet(table_of(60), 7))


@pytest.mark.parametrize("how", [{}, {"compression": "snappy"}, {"statistics": False}, {"compression": "uncompressed"}])
def test_row_groups_are_found_where_they_are(how: dict[str, Any]) -> None:
    content = as_parquet(table_of(1000), 70, **how)
    read = io.BytesIO(content).getbuffer()
    groups = row_groups(footer_of(lambda start, end: io.BytesIO(read[start:end]), len(content)))
    assert [group.rows for group in groups] == [70] * 14 + [20]
    assert groups[0].start == 4
    assert all(one.end <= other.start for one, other in pairwise(groups))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda content: content[:-1] + b"X", "it does not end as a Parquet file does"),
        (lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1", "its footer would have 2,147,483,655 bytes"),
        (lambda content: content[:-40] + b"\xff" * 32 + content[-8:], ""),
        (lambda content: content[:3], "it does not end as a Parquet file does"),
    ],
)
def test_a_footer_that_is_damaged_is_left_to_one_pass(damage: Callable[[bytes], bytes], why: str) -> None:
    content = damage(as_parquet(table_of(1000), 70))
    parts, found = parts_of(content, PARQUET, Cutting(part_bytes=100))
    assert found.startswith(why)
    assert bool(parts) != bool(found)


@examples(200)
@given(st.binary(max_size=200))
def test_any_footer_is_read_or_refused(footer: bytes) -> None:
    with contextlib.suppress(UnknownFooterError):
        row_groups(footer)


@examples(300)
@given(at=st.integers(0, len(FOOTER) - 1), byte=st.integers(0, 255))
def test_a_footer_with_a_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    footer = bytearray(FOOTER)
    footer[at] = byte
    with contextlib.suppress(UnknownFooterError):
        row_groups(bytes(footer))


@pytest.mark.parametrize("value", [10, {}, [{}]])
def test_a_footer_whose_columns_are_no_structs_is_refused(value: Any) -> None:
    for groups in ([{1: [{3: value}], 3: 10}], [{1: [value], 3: 10}], [{1: value, 3: 10}], [value], value):
        with pytest.raises(UnknownFooterError):
            row_groups(_thrift({3: 10, 4: groups}))


def test_a_part_of_a_parquet_file_that_is_damaged_makes_the_file_unreadable() -> None:
    content = bytearray(as_parquet(table_of(1000), 70))
    content[len(content) // 3 : len(content) // 3 + 30] = b"\xff" * 30
    asked = load("schema: {fields: [{name: n, type: integer}]}")
    found, why = in_parts(bytes(content), PARQUET, asked, Cutting(part_bytes=100))
    assert not why
    for process in PROCESSES:
        (report,) = check_stream(lambda: io.BytesIO(content), PARQUET, asked, [process]).values()
        assert found[process] == text_of(report)
        assert "damaged" in str(found[process])


def _thrift(value: Any) -> bytes:
    """A number as zigzag, or a struct, a list of structs or of texts, in Thrift's compact protocol; enough for a footer."""
    if isinstance(value, int):
        number, found = (value << 1) ^ (value >> 63), b""
        while number > 127:
            found, number = found + bytes([number & 127 | 128]), number >> 7
        return found + bytes([number])
    if isinstance(value, list):
        kind = 8 if isinstance(value[0], bytes) else 12
        return bytes([len(value) << 4 | kind]) + b"".join(
            bytes([len(one)]) + one if kind == 8 else _thrift(one) for one in value
        )
    kinds = {int: 6, list: 9, dict: 12}
    found, last = b"", 0
    for field, one in sorted(value.items()):
        found += bytes([(field - last) << 4 | kinds[type(one)]]) + _thrift(one)
        last = field
    return found + b"\0"


def footer(rows: int = 10, *, whole: int = 10, values: int = 10, data: int = 50, dictionary: int | None = 4) -> bytes:
    at = {} if dictionary is None else {11: dictionary}
    column = {3: {3: [b"v"], 5: values, 7: 80, 9: data, **at}}
    return _thrift({3: whole, 4: [{1: [column], 3: rows}]})


def test_a_row_group_begins_where_polars_reads_it() -> None:
    assert row_groups(footer()) == [RowGroup(4, 84, 10)]
    assert row_groups(footer(dictionary=None)) == [RowGroup(50, 130, 10)]


@pytest.mark.parametrize(
    "lie",
    [
        {"whole": 11}, {"rows": 9}, {"rows": 9, "whole": 9}, {"rows": 0, "whole": 0, "values": 0}, {"dictionary": 60}, {"dictionary": 0},
        {"dictionary": -4}, {"data": -100}, {"rows": 2**40, "whole": 2**40, "values": 2**40},
    ],
)  # fmt: skip
def test_a_footer_that_contradicts_itself_is_left_to_one_pass(lie: dict[str, int]) -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(footer(**lie))


def test_a_footer_of_too_many_parts_is_refused() -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(b"\xf9\xfc\x80\xdb\x80\x01" + bytes(2_110_000))  # a list of 2,108,800 empty structs


def test_a_number_without_an_end_is_refused_at_once() -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(b"\x16" + b"\xff" * 5_000_000)
