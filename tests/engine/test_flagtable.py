"""The table of flags: what the checks found, and nothing else; its rows are those of the file, clean or not."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc import flagtable
from stream_qc.engine import check_stream
from stream_qc.flagfile import FlagFile
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.flagtable import FlagParts
from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.results import Report
from stream_qc.rules import load
from stream_qc.vocabulary import PROCESSES
from tests.amount import examples

RULES = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: v, type: number, constraints: {required: true, maximum: 9}}
    - {name: n, type: integer}
time: time
streams:
  v: {qartod: {gross_range_test: {suspect_span: [-5, 5], fail_span: [-10, 10]}, spike_test: {suspect_threshold: 3, fail_threshold: 6}}}
"""
cells = st.sampled_from(["1", "2.5", "7", "50", "-7", "", "dry", "x,y", 'a "b"'])
rows = st.tuples(st.integers(0, 200), cells, st.sampled_from(["1", "", "1.5", "é"]), st.sampled_from(["good", "a"]))


def tables(
    folder: Path, text: str, rules: str = RULES, name: str = "s.csv", block_bytes: int = 200
) -> dict[str, pl.DataFrame]:
    """Returns the table, the clean rows and the others, as one process and as three do it, and the CSV of the flags."""
    loaded, form = load(rules.encode()), format_of(name)
    assert form is not None
    content = text.encode()

    def check(processes: list[int], flags: FlagFile) -> Report:
        reports = check_stream(
            lambda: io.BytesIO(content), form, loaded, processes, make_sink=flags.column, block_bytes=block_bytes
        )
        return reports[processes[0]]

    with FlagFile(loaded.schema) as flags:
        report = check([*PROCESSES], flags)
        header = [name for name in report.header if name]
        malformed = any(one.test == "well_formed" and one.fail for one in report.results)

        def blocks(schema: object) -> object:
            return open_reader(io.BytesIO(content), form, schema, block_bytes, header)  # type: ignore[arg-type]

        schema, one = loaded.schema, folder / "one.parquet"
        flagtable.write(one, header, schema, flags, blocks, malformed=malformed)  # type: ignore[arg-type]
        reader = open_reader(io.BytesIO(content), form, loaded.schema, block_bytes, flags.beside)
        flags.write(folder / "flags.csv", report.rows, reader)
    parts = []
    for process in PROCESSES:
        with FlagFile(loaded.schema) as own:
            flagtable.write_flags(folder / f"{process}.parquet", own, check([process], own).rows)
            parts.append(folder / f"{process}.parquet")
    three, joined = folder / "three.parquet", FlagParts(parts)
    flagtable.write(three, header, schema, joined, blocks, malformed=malformed)  # type: ignore[arg-type]
    flagtable.split(one, folder / "clean.parquet", folder / "quarantine.parquet")
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("one", "three", "clean", "quarantine")}


@examples(100)
@given(st.lists(rows, min_size=1, max_size=40), st.sampled_from([60, 200, 100_000]))
def test_table_holds_the_flags_that_the_checks_computed(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[int, str, str, str]], block_bytes: int
) -> None:
    folder, out = tmp_path_factory.mktemp("tables"), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", "v", "n", "more"])
    for minute, *others in given_rows:
        writer.writerow([f"2024-01-01T{minute // 60:02}:{minute % 60:02}:00", *others])
    text = out.getvalue() + "2024-01-02T00:00:00,1\n"  # malformed: a row too short
    found = tables(folder, text, block_bytes=block_bytes)
    table = found["one"]
    assert table.equals(found["three"])
    assert table.height == len(given_rows) + 1 == found["clean"].height + found["quarantine"].height
    with (folder / "flags.csv").open(newline="") as file:
        for line, row in zip(csv.DictReader(file), table.iter_rows(named=True), strict=True):
            flags = {name: row[name] for name in line if "." in name}
            assert {name: int(line[name]) for name in flags} == flags
            order = [FAIL, SUSPECT, GOOD, UNKNOWN, MISSING]
            assert row["qc_flag"] in (min(flags.values(), key=order.index), FAIL)
    assert table["more"].to_list() == [row[3] for row in given_rows] + [None]
    for (_, v, n, _), row in zip(given_rows, table.iter_rows(named=True), strict=False):
        kept = {name: row[name] if row[name] is not None else row.get(f"{name}.as_written") for name in ("v", "n")}
        for name, cell in (("v", v), ("n", n)):
            assert kept[name] == (None if cell == "" else cell if row[f"{name}.type"] == FAIL else float(cell))
    assert found["quarantine"]["qc_reasons"].to_list()[-1] == "*.well_formed"
    assert all(found["quarantine"]["qc_reasons"])
    assert found["quarantine"]["qc_as_written"].to_list()[-1] == "2024-01-02T00:00:00,1"


def test_names_like_patterns_are_names(tmp_path: Path) -> None:
    rules = 'schema: {fields: [{name: "^a$", type: number, constraints: {maximum: 1}}, {name: "*", type: string}]}'
    found = tables(tmp_path, "^a$,*\n5,x\n1,y\n", rules)
    assert found["clean"].rows() == [(1.0, "y")]
    assert found["quarantine"].rows() == [(5.0, "x", "^a$.maximum")]


def test_file_without_rules_has_a_table_without_tests(tmp_path: Path) -> None:
    found = tables(tmp_path, "a,b\n1,x\n", "rows: {minimum: 1}")
    assert found["one"].rows() == [("1", "x", UNKNOWN)]  # not evaluated is not good
    assert (found["clean"].height, found["quarantine"].height) == (1, 0)


def test_table_of_ndjson_has_the_fields_of_the_schema(tmp_path: Path) -> None:
    lines = '{"v": 1, "more": "x"}\n{"v": 20, "n": 3}\n'
    found = tables(tmp_path, lines, RULES.replace("time: time\n", ""), "s.ndjson")
    assert {"v", "n"} < {*found["one"].columns}
    assert found["one"]["n"].to_list() == [None, 3]
    assert found["quarantine"]["v"].to_list() == [20.0]


def test_columns_of_the_file_keep_their_names(tmp_path: Path) -> None:
    rules = "schema: {fields: [{name: qc_flag, type: number, constraints: {maximum: 1}}, {name: =x, type: integer}]}"
    found = tables(tmp_path, "qc_flag,=x,qc_flag.type,,qc_reasons\n5,big,a,b,c\n1,2,a,b,c\n", rules)
    table = found["one"]
    assert table.columns[:4] == ["qc_flag", "=x", "qc_flag.type", "qc_reasons"]
    assert table.columns[-1] == "qc_flag_"
    assert table["qc_flag.type_"].to_list() == [GOOD, GOOD]
    assert table["=x.as_written"].to_list() == ["big", None]
    (reasons,) = found["quarantine"]["qc_reasons_"].to_list()
    assert sorted(reasons.split("; ")) == ["=x.type", "qc_flag.maximum"]


def test_cells_are_kept_where_no_process_judges_their_type(tmp_path: Path) -> None:
    loaded, form = load(RULES.encode()), format_of("s.csv")
    assert form is not None
    content = b"time,v,n\n2024-01-01T00:00:00,dry,1\n"
    with FlagFile(loaded.schema) as flags:
        check_stream(lambda: io.BytesIO(content), form, loaded, [2], make_sink=flags.column)
        header = ["time", "v", "n"]
        flagtable.write(
            tmp_path / "t.parquet",
            header,
            loaded.schema,
            flags,
            lambda schema: open_reader(io.BytesIO(content), form, schema, wanted=header),
            malformed=False,
        )
    assert pl.read_parquet(tmp_path / "t.parquet")["v.as_written"].to_list() == ["dry"]
