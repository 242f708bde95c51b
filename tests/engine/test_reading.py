"""Valid, damaged and unusual files. Tests of NDJSON or Parquet alone are in test_ndjson and test_parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Collection

import pytest
from backports import zstd
from hypothesis import example, given
from hypothesis import strategies as st

from stream_qc.errors import UnreadableFile
from stream_qc.formats import format_of, without_ending
from stream_qc.reading import csv_records, open_reader
from stream_qc.reading.block import Block
from stream_qc.reading.csv_records import BLANKS, Piece, without_trailing_blanks
from stream_qc.reading.csv_text import ANOTHER_ENCODING
from stream_qc.reading.lines import MAX_RECORD_BYTES
from stream_qc.rules import load
from tests.amount import examples
from tests.engine.checking import NUMBERS, TEXT_RULES, read, reports, results, rows_and_malformed, schema_of


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.csv", "csv"), ("A.CSV.GZ", "csv.gz"), ("v1.2.csv", "csv"), ("x.jsonl", "ndjson"), ("x.ndjson.zst", "ndjson.zst"),
        ("x.parquet", "parquet"), ("x.parquet.gz", "None"), ("x.TXT", "csv"), ("x.dat.gz", "csv.gz"), ("x.tsv", "csv"), ("x.doc", "None"), ("csv", "None"), ("x.csv.bz2", "None"),
    ],
)  # fmt: skip
def test_format_of_recognises_extensions(name: str, said: str) -> None:
    assert str(format_of(name)) == said


def test_without_ending_removes_only_format_extensions() -> None:
    names = ["v1.2.csv", "a.CSV.gz", "a.csv.csv", "a.tar.gz", ".csv"]
    assert [without_ending(name) for name in names] == ["v1.2", "a", "a.csv", "a.tar.gz", ""]


@pytest.mark.parametrize(
    "data",
    [b"a,b\n1,2\n3,\n", b"\xef\xbb\xbfa,b\r\n1,2\r\n3,", b'"a","b"\n"1","2"\n"3",""\n', b"a,b\n1,2\n3,\n\n\r\n"],
    ids=["plain", "BOM, CRLF and no last line end", "quoted", "blank lines at the end"],
)
def test_csv_variants_give_same_rows(data: bytes) -> None:
    assert read(data) == ([("1", "2"), ("3", "")], [])


@pytest.mark.parametrize("block_bytes", [1, 3, 1 << 20])
def test_csv_blank_lines_are_rows_only_if_a_row_follows(block_bytes: int) -> None:
    blank = (None, None)
    assert read(b"a,b\n1,2\n\n\r\n\n3,4\n\n\r\n", block_bytes=block_bytes)[0] == [("1", "2"), *[blank] * 3, ("3", "4")]
    assert read(b'a,b\n1,2\n\n"3\n\n', block_bytes=block_bytes)[0] == [("1", "2"), blank, blank]
    _, malformed = read(b"a,b\n1,2\n\n\r\r\n\n", block_bytes=block_bytes)  # the last but one has a cell
    assert [reason for _, reason, _ in malformed] == ["the row is blank", "1 cell, but the header has 2"]


def test_blank_lines_are_not_kept() -> None:
    pieces = [Piece(b"1,2\n\n"), *[Piece(b"\n" * 1_000)] * 1_000, Piece(b"\n3,4\n"), Piece(b"\n" * 1_000)]
    found = [piece.data for piece in without_trailing_blanks(iter(pieces))]
    assert (found[0], found[-1]) == (b"1,2\n", b"\n3,4\n")
    assert max(map(len, found)) == BLANKS
    assert sum(map(len, found[1:-1])) == 1_000_001


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_csv_separator_is_found_from_header(separator: str) -> None:
    data = f"a{separator}b\n1,5{separator}2\n".encode()
    assert read(data) == ([("1,5", "2")], [])


def test_csv_delimiter_of_dialect_is_used() -> None:
    rules = "dialect: {delimiter: ';'}\nschema: {fields: [{name: 'a,b', type: string}, {name: c}]}"
    found = results('"a,b";c\n"1,2";3\n', rules)
    assert found["1#*#header"].passed
    assert results("a,b\n1,2\n", "dialect: {delimiter: ';'}")["1#*#rows"].passed
    assert not results("a,b\n1,2\n", "dialect: {delimiter: ';'}\nschema: {fields: [{name: a}]}")["1#*#header"].passed


def test_csv_quoted_cell_keeps_separators_quotes_and_line_ends() -> None:
    assert read(b'a,b\n"x, ""y""\nz",2\n3,4\n') == ([('x, "y"\nz', "2"), ("3", "4")], [])


@pytest.mark.parametrize("block_bytes", [1, 2, 7, 1 << 20])
def test_csv_malformed_rows_are_reported_and_the_rest_is_read(block_bytes: int) -> None:
    data = b'a,b\n1,2\n3\n4,5,6\n\n7,8" pipe\n"9,10\n\xff,11\n1\x002,12\n13,14\n'
    rows, malformed = read(data, block_bytes=block_bytes)
    assert rows == [("1", "2"), *[(None, None)] * 7, ("13", "14")]
    assert malformed == [
        (2, "1 cell, but the header has 2", "3"),
        (3, "3 cells, but the header has 2", "4,5,6"),
        (4, "the row is blank", ""),
        (5, "a quote inside an unquoted value; quote the whole value and double the quotes in it", '7,8" pipe'),
        (6, "a quote is opened and not closed", '"9,10'),
        (7, f"not UTF-8: byte 0xff at byte 1 of the row{ANOTHER_ENCODING}", "\ufffd,11"),
        (8, "the row contains a NUL byte", "1\x002,12"),
    ]


def test_csv_short_and_long_row_are_both_malformed() -> None:
    rows, malformed = read(b"a,b\n1\n2,3,\n4,5\n")
    assert rows == [(None, None), (None, None), ("4", "5")]
    assert [row for row, *_ in malformed] == [1, 2]


@pytest.mark.parametrize("block_bytes", [64 << 10, 4 << 20])
def test_csv_endless_record_is_cut_at_limit(block_bytes: int) -> None:
    endless = b"x" * (MAX_RECORD_BYTES + 10)
    rows, malformed = read(b"a,b\n1,2\n" + endless + b",3\n4,5\n", block_bytes=block_bytes)
    assert (rows, [reason for _, reason, _ in malformed]) == (
        [("1", "2"), (None, None), ("4", "5")],
        [f"longer than {MAX_RECORD_BYTES:,} bytes"],
    )
    quoted = b'"' + (b"x" * 999 + b"\n") * (MAX_RECORD_BYTES // 1000 + 10)
    rows, malformed = read(b"a,b\n1,2\n" + quoted + b"4,5\n", block_bytes=block_bytes)
    assert malformed[0] == (2, "a quote is opened and not closed", '"' + "x" * 199)
    assert rows[-1] == ("4", "5")


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=6)


@given(
    rows=st.lists(st.tuples(cell, cell), max_size=12),
    block_bytes=st.integers(1, 40),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(rows=[("", "")], block_bytes=1, quoting=csv.QUOTE_MINIMAL)
def test_csv_written_by_python_is_read_back(rows: list[tuple[str, str]], block_bytes: int, quoting: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("a", "b"), *rows])
    assert read(text.getvalue().encode(), block_bytes=block_bytes) == (rows, [])


@examples(2000)
@given(
    data=st.lists(
        st.sampled_from([b"1", b",", b'"', b"\n", b"\r\n", b"\r", b"\xff", b"\x00", b"xy", b'""', b"\xef\xbb\xbf"]),
        max_size=40,
    ),
    cut=st.integers(1, 30),
)
def test_csv_rows_do_not_depend_on_block_size(data: list[bytes], cut: int) -> None:
    content = b"a,b\n" + b"".join(data)
    assert read(content, block_bytes=cut) == read(content)
    found = rows_and_malformed(content, "x.csv", TEXT_RULES, ["a", "b"], 1 << 20)
    assert rows_and_malformed(content, "x.csv", TEXT_RULES, [], 1 << 20) == found
    assert rows_and_malformed(content, "x.csv", TEXT_RULES, ["b"], cut) == found


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_compressed_text_gives_same_rows(kind: str, ending: str, compress: Callable[[bytes], bytes]) -> None:
    plain = b"a,b\n1,2\n" if kind == "csv" else b'{"a": "1", "b": "2"}\n'
    assert read(compress(plain), f"x.{kind}{ending}") == ([("1", "2")], [])


def test_gzip_reads_every_member() -> None:
    assert read(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"), "x.csv.gz")[0] == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_truncated_file_is_checked_to_where_it_ends(ending: str, compress: Callable[[bytes], bytes]) -> None:
    days = range(1, 29)
    lines = [
        "time,v",
        *(f"2020-01-{d:02}T{h:02}:{m:02}:00,{d * h * m}" for d in days for h in range(24) for m in range(60)),
    ]
    lines[3] = "2020-01-01T00:02:00,high"
    whole = compress("\n".join(lines).encode())
    found = reports(whole[: len(whole) // 2], NUMBERS, f"x.csv{ending}")
    assert [report.passed for report in found.values()] == [False] * 3
    readable, *rest = found[1].results
    assert readable.message.startswith(
        f"the {'gzip' if ending == '.gz' else 'zstd'} data is truncated; upload the file again (after row "
    )
    assert [result.name for result in rest if not result.passed] == ["1#v#type"]
    assert found[2].message.startswith("not evaluated: the file cannot be read: ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"", "the file is empty"),
        ("x.ndjson", b"", "the file is empty"),
        ("x.parquet", b"", "the file is empty"),
        ("x.csv.gz", b"", "the file is empty"),
        ("x.csv", b"\n\n", "the file has no header: its first line is blank"),
        ("x.csv", gzip.compress(b"a,b\n", mtime=0), "the file name says csv, but the content is gzip"),
        ("x.csv", b"PAR1....", "the file name says csv, but the content is a Parquet file"),
        ("x.csv", b"PK\x03\x04", "the file name says csv, but the content is a ZIP archive or a spreadsheet"),
        ("x.csv", "a,b".encode("utf-16"), "the file name says csv, but the content is UTF-16 text; save it as UTF-8"),
        ("x.csv", b"a,\x00b\n", "the file name says csv, but the content is binary (a NUL byte in its first line)"),
        ("x.csv.gz", b"a,b\n1,2\n", "the file name says gzip, but the content is not gzip"),
        ("x.csv.zst", b"a,b\n1,2\n", "the zstd data is damaged: "),
        ("x.csv.gz", gzip.compress(b"PAR1", mtime=0), "the file name says csv.gz, but the content is a Parquet file"),
        ("x.parquet", b"a,b\n1,2\n", "the file name says parquet, but the content is not Parquet (it does not start with PAR1)"),
        ("x.parquet", b"PAR1 and nothing else PAR1", "the Parquet file is damaged: "),
        ("x.csv", b"\xff,b\n1,2\n", "the header is not UTF-8: byte 0xff at byte 1"),
        ("x.csv", b"x" * (MAX_RECORD_BYTES + 1), f"the header is longer than {MAX_RECORD_BYTES:,} bytes; this may not be a CSV file"),
    ],
)  # fmt: skip
def test_file_that_does_not_match_its_name_is_unreadable(name: str, content: bytes, said: str) -> None:
    found = reports(content, NUMBERS, name)
    assert [report.passed for report in found.values()] == [False] * 3
    assert [(result.name, result.passed) for result in found[1].results] == [("1#*#readable", False)]
    assert found[1].results[0].message.startswith(said)
    assert not found[2].results
    assert not found[3].results


@pytest.mark.slow
def test_truncated_file_counts_malformed_rows() -> None:
    whole = gzip.compress(b"time,v\n" + b"".join(b'a"x,%d\nb,2\n' % number for number in range(1200)))
    found = reports(whole[:-20], "rows: {minimum: 1}", "x.csv.gz")[1]
    readable, _, well_formed = found.results
    assert not readable.passed
    assert well_formed.rows > 1500
    assert well_formed.fail == well_formed.rows // 2


def test_header_message_is_limited() -> None:
    twice = ",".join(["x" * 300_000] * 2)
    many = ",".join(f"c{number % 60}" for number in range(120))
    for header in (twice, many):
        found = results(f"{header}\n{header}\n")["1#*#header"]
        assert not found.passed
        assert len(found.message) <= 2000
    assert found.message.endswith("the field c19 occurs 2 times; and 40 more")


def test_header_reports_missing_and_repeated_fields() -> None:
    found = results("v,other,v\n1,2,3\n")
    assert (
        found["1#*#header"].message
        == "the field time is missing; the fields of the file are: v, other, v; the field v occurs 2 times"
    )
    assert found["3#time#time_order"].message == "not evaluated: the file has no field time"
    assert not found["3#time#time_order"].passed


def test_stream_error_is_raised() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise ConnectionResetError("reset by peer")

    form = format_of("x.csv")
    assert form is not None
    with pytest.raises(ConnectionResetError):
        open_reader(io.BufferedReader(Broken()), form, TEXT_RULES.schema)
    with pytest.raises(UnreadableFile):
        open_reader(io.BytesIO(), form, TEXT_RULES.schema)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.csv", "x.ndjson"])
def test_blocks_are_cut_where_they_are_asked_to_be(name: str) -> None:
    data = b"a\n" + b"1\n" * 1000 if name == "x.csv" else b'{"a": 1}\n' * 1000
    form = format_of(name)
    assert form is not None
    for block_bytes, least in ((1, 1000), (100, 20)):
        blocks = list(open_reader(io.BytesIO(data), form, load(schema_of({"name": "a"})).schema, block_bytes))
        assert len(blocks) >= least
        assert sum(block.height for block in blocks) == 1000


def test_truncated_file_drops_provisional_flags() -> None:
    rules = (
        NUMBERS + "streams: {v: {qartod: {flat_line_test: {suspect_threshold: 3, fail_threshold: 7, tolerance: 99}}}}"
    )
    late = [f"2020-01-01T00:00:{second:02},1" for second in (0, 30, 10, 50, 20, 40)]
    content = "time,v\n" + "\n".join(late) + "\n"
    whole = results(content, rules)
    assert whole["3#time#time_order"].fail

    broken = gzip.compress(content.encode())[:-8]
    found = results(broken, rules, "x.csv.gz")
    assert not [one for one in found.values() if "no row has a time" in one.message]
    assert "3#time#duplicate_time" not in found


def test_stray_quote_in_header_is_reported_for_any_file_size() -> None:
    for rows in (1, 400_000):
        readable = results('a,b"c\n' + "1,2\n" * rows, schema_of())["1#*#readable"]
        assert readable.message.startswith("a stray quote in the header; quote the whole name")


@pytest.mark.slow
def test_malformed_rows_are_joined_into_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:

    made = 0
    type_all = Block.type_all

    def counted(self: Block, names: Collection[str]) -> None:
        nonlocal made
        made += 1
        type_all(self, names)

    monkeypatch.setattr(Block, "type_all", counted)
    found = results("a,b\n" + 'x"y,1\nx,1\n' * 1500, schema_of({"name": "a"}, {"name": "b", "type": "number"}))
    assert (found["1#*#well_formed"].fail, found["1#*#rows"].rows) == (1500, 3000)
    assert made < 10


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
@pytest.mark.parametrize("missing", [["NA"], []])
@pytest.mark.parametrize("kind", ["string", "number", "datetime"])
def test_short_row_is_malformed_whatever_is_missing(kind: str, missing: list[str], block_bytes: int) -> None:
    """If an empty cell is no missing value, polars reads a short row and a blank line as empty texts."""
    rules = schema_of({"name": "a", "type": "string"}, {"name": "b", "type": kind}, missingValues=missing)
    found = results("a,b\n1,2020-01-01T00:00\n3\n\n4,2020-01-01T00:00\n", rules, block_bytes=block_bytes)
    assert found["1#*#well_formed"].message == "2 of 4 rows are malformed"


def test_malformed_quotes_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To try the rest of a block again after every malformed record takes 25 s for 4 MB with 1 % of them."""
    tried = []
    monkeypatch.setattr(csv_records, "_rows", lambda *_: tried.append(1))
    assert len(read(b"a,b\n" + b'"x",1\na"b,2\n' * 500)[1]) == 500
    assert len(tried) <= 2


def test_truncated_ndjson_keeps_its_header() -> None:
    lines = b"".join(b'{"time": "2020-01-01T00:%02d:00", "v": %d}\n' % (number % 60, number) for number in range(3000))
    found = results(gzip.compress(lines)[:-900], name="x.ndjson.gz")
    assert found["1#*#header"].passed
    assert found.keys() == {"1#*#readable", "1#*#header", "3#time#time_order", "3#time#duplicate_time"}


@pytest.mark.parametrize("block_bytes", [1000, 4 << 20])
def test_truncated_file_has_a_second_pass(block_bytes: int) -> None:
    rules = (
        NUMBERS
        + """
streams: {v: {qartod: {flat_line_test: {suspect_threshold: 30, fail_threshold: 60, tolerance: 0.1}}}}
"""
    )
    seconds = [5 * row if row < 50 else 200 + row for row in range(3000)]
    values = [5 if row % 1000 >= 900 else row * 7919 % 101 for row in range(3000)]
    lines = [
        f"2020-01-01T{t // 3600:02}:{t // 60 % 60:02}:{t % 60:02},{v}" for t, v in zip(seconds, values, strict=True)
    ]
    content = gzip.compress("\n".join(["time,v", *lines, ""]).encode(), mtime=0)[:-900]
    assert results(content, rules, "x.csv.gz", block_bytes=block_bytes)["3#v#flat_line_test"].fail == 80


@pytest.mark.parametrize("block_bytes", [1, 60, 1 << 20])
def test_rows_have_the_lines_of_an_editor(block_bytes: int) -> None:
    """Cells may hold line ends, and the header may too; a blank line is a row."""
    content = '"a\n1",b\nx,1\n"two\nlines",x\n\n"three\n\nlines",y\r\nz,z\n'
    fields: list[dict[str, object]] = [{"name": "a\n1", "type": "string"}, {"name": "b", "type": "number"}]
    found = results(content, schema_of(*fields), block_bytes=block_bytes)
    assert [(one.row, one.line) for one in found["1#b#type"].examples] == [(2, 4), (4, 7), (5, 10)]
    assert [one.place for one in found["1#*#well_formed"].examples] == ["row 3 (line 6)"]


def test_lines_are_not_told_if_very_many_rows_have_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_qc.whole_file.MOST_PLACES", 2)
    rules = schema_of({"name": "a", "type": "string"}, {"name": "b", "type": "number"})
    for count, line in ((1, 6), (2, None)):
        found = results("a,b\n" + '"1\n2",1\nx,1\n' * count + "x,1\nx,x\n", rules)["1#b#type"]
        assert [one.line for one in found.examples] == [line]


@pytest.mark.parametrize("name", ["x.ndjson", "x.csv"])
def test_lines_are_told_only_where_they_are_known(name: str) -> None:
    content = '{"b": "x"}\n' if name == "x.ndjson" else "# sensor\nb\nx\n"
    rules = json.dumps({"dialect": {"commentChar": "#"}, "schema": {"fields": [{"name": "b", "type": "number"}]}})
    assert [one.place for one in results(content, rules, name)["1#b#type"].examples] == ["row 1"]


@pytest.mark.parametrize("block_bytes", [1000, 30_000, 4 << 20])
@pytest.mark.parametrize("kind", ["json", "quoted", "columns"])
def test_rows_above_damage_count_in_every_dialect(kind: str, block_bytes: int) -> None:
    """The rows that are read before a file breaks off do not depend on blocks, and it never passes."""
    rows = range(20_000)
    dialect: dict[str, object] = {}
    if kind == "json":
        text = "[" + ", ".join(f'{{"v": {row * row * 7919 % 1000003}}}' for row in rows) + "]"
    elif kind == "quoted":
        dialect, text = {"quoteChar": "'"}, "v\n" + "".join(f"'{row * row * 7919 % 1000003}'\n" for row in rows)
    else:
        dialect = {"delimiter": " ", "skipInitialSpace": True}
        text = "v  w\n" + "".join(f"{row * row * 7919 % 1000003}   1\n" for row in rows)
    packed = gzip.compress(text.encode(), mtime=0)
    content = packed[: len(packed) * 2 // 3]
    rules = json.dumps({"dialect": dialect, "schema": {"fields": [{"name": "v", "type": "number"}]}})
    found = results(content, rules, "x.json.gz" if kind == "json" else "x.csv.gz", block_bytes=block_bytes)[
        "1#*#readable"
    ]
    assert not found.passed
    assert found.message.startswith("the gzip data is truncated; upload the file again (after row ")
    counted = int(found.message.rpartition("row ")[2].rstrip(")").replace(",", ""))
    assert found.rows == counted == BEFORE_DAMAGE.setdefault(kind, counted)


BEFORE_DAMAGE: dict[str, int] = {}
