"""Parquet: types, missing values and damaged files."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

import polars as pl
import pytest

from tests.engine.checking import NUMBERS, failing, reasons, results, schema_of
from tests.engine.running import stream_qc


def test_parquet_is_read_in_blocks_with_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_qc.reading.parquet.BLOCK_ROWS", 3)
    frame = pl.DataFrame(
        {"time": [f"2020-01-0{day}T00:00:00" for day in range(1, 8)], "v": [1.0, 2, None, 4, 5, float("nan"), 99]}
    )
    file = io.BytesIO()
    frame.with_columns(pl.col("time").str.to_datetime()).write_parquet(file)
    rules = NUMBERS + "streams: {v: {qartod: {gross_range_test: {fail_span: [0, 10]}}}}"
    found = results(file.getvalue(), rules, "x.parquet")
    gross = found["2#v#gross_range_test"]
    assert (gross.good, gross.missing, gross.fail) == (4, 2, 1)
    assert reasons(gross) == [(7, "99.0", "v 99 is above 10 (gross_range_test fail_span)")]


@pytest.mark.parametrize(
    "asked", ["rows: {minimum: 1}", "schema: {fields: [{name: a}]}", "schema: {fields: [{name: a, type: integer}]}"]
)
@pytest.mark.parametrize("damaged", ["a", "b"])
def test_damaged_parquet_column_is_found_even_if_no_check_reads_it(asked: str, damaged: str) -> None:
    file = io.BytesIO()
    pl.DataFrame({"a": range(1000), "b": range(1000)}).write_parquet(file, compression="zstd")
    whole = file.getvalue()
    assert failing(whole, asked, "x.parquet") == set()
    pages = [match.start() for match in re.finditer(re.escape(b"\x28\xb5\x2f\xfd"), whole)]  # a Zstandard frame each
    page = {"a": pages[0], "b": pages[-1]}[damaged]
    broken = whole[:page] + bytes(4) + whole[page + 4 :]
    assert pl.read_parquet_schema(io.BytesIO(broken)) == pl.read_parquet_schema(io.BytesIO(whole))
    found = results(broken, asked, "x.parquet")
    assert {name for name, result in found.items() if not result.passed} == {"1#*#readable"}
    place = found["1#*#readable"].message.removeprefix("the Parquet file is damaged in ").partition(":")[0]
    assert damaged in place.split(" or ")


def test_parquet_missing_values_match_csv() -> None:
    rules = """
    schema:
      fields: [{name: a, type: string, constraints: {required: true}}, {name: n, type: integer, constraints: {required: true}},
               {name: f, type: number, constraints: {minimum: 0}}]
      missingValues: ["", "NA", "-999"]
    """
    frame = pl.DataFrame({"a": ["x", "NA", ""], "n": [1, -999, 2], "f": [5, -999, None]})
    file = io.BytesIO()
    frame.with_columns(pl.col("a").cast(pl.Categorical), pl.col("f").cast(pl.Float64)).write_parquet(file)
    in_csv, in_parquet = results(frame.write_csv(), rules), results(file.getvalue(), rules, "x.parquet")
    failing_checks = {name for name, result in in_csv.items() if not result.passed}
    assert failing_checks == {"1#a#required", "1#n#required"}
    assert {name for name, result in in_parquet.items() if not result.passed} == failing_checks
    assert in_parquet["2#f#minimum"].missing == in_csv["2#f#minimum"].missing == 2


@pytest.mark.parametrize("kind", ["any", "boolean", "date", "datetime", "integer", "number", "string", "time", "year"])
def test_parquet_date_outside_calendar_fails_type(kind: str) -> None:
    file = io.BytesIO()
    pl.DataFrame({"a": pl.Series([2**31 - 1, -(2**31), 0], dtype=pl.Int32).cast(pl.Date)}).write_parquet(file)
    rules = f"schema: {{fields: [{{name: a, type: {kind}, constraints: {{unique: true}}}}]}}"
    found = results(file.getvalue(), rules, "x.parquet")
    if kind in ("date", "datetime"):
        assert [(one.row, one.value) for one in found["1#a#type"].examples] == [(1, "2147483647"), (2, "-2147483648")]
    assert found["1#a#unique"].fail == 0


def test_parquet_column_of_another_type_fails_type() -> None:
    file = io.BytesIO()
    pl.DataFrame({"time": [1, 2], "v": [True, False]}).write_parquet(file)
    # Times that are not valid cannot be in order either.
    assert failing(file.getvalue(), NUMBERS, "x.parquet") == {
        "1#time#type", "1#v#type", "3#time#time_order", "3#time#duplicate_time",
    }  # fmt: skip


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("v", [dt.timedelta(1), dt.timedelta(2)]),
        pl.Series("v", [2**62, 5]).cast(pl.Datetime("ms")),
        pl.Series("v", [[1], [2]]),
        pl.Series("v", ["a", "b"], dtype=pl.Categorical),
        pl.Series("v", [b"a", None]),
        pl.Series("v", [99999, 5]),
    ],
    ids=["duration", "time out of range", "list", "categorical", "binary", "integer"],
)
@pytest.mark.parametrize("kind", ["number", "any", "datetime", "string", "year"])
def test_parquet_column_of_any_type_gives_result(column: pl.Series, kind: str, tmp_path: Path) -> None:
    path, rules = tmp_path / "x.parquet", tmp_path / "r.yaml"
    column.to_frame().write_parquet(path)
    rules.write_text(schema_of({"name": "v", "type": kind, "constraints": {"required": True}}))
    assert stream_qc("check", str(path), "--rules", str(rules)).returncode in (0, 1)
    assert stream_qc("infer", str(path)).returncode in (0, 2)


def test_parquet_with_a_repeated_name_is_not_called_damaged() -> None:
    file = io.BytesIO()
    pl.DataFrame({"alpha": [1], "omega": [2]}).write_parquet(file)
    whole = file.getvalue()
    repeated = whole[:4] + whole[4:].replace(b"omega", b"alpha")
    message = results(repeated, "schema: {fields: [{name: alpha}]}", "x.parquet")["1#*#readable"].message
    assert "damaged" not in message
    assert "alpha" in message
    assert any(word in message for word in ("twice", "2 times", "repeated", "more than one"))


def test_encrypted_parquet_is_called_encrypted() -> None:
    """With an encrypted footer, the file starts and ends with PARE instead of PAR1 (parquet-format, Encryption.md)."""
    file = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(file)
    encrypted = b"PARE" + file.getvalue()[4:-4] + b"PARE"
    message = results(encrypted, "schema: {fields: [{name: a}]}", "x.parquet")["1#*#readable"].message
    assert "encrypted" in message
    assert "damaged" not in message


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt8, pl.Int16, pl.UInt64])
def test_year_may_be_a_small_integer(kind: pl.DataType) -> None:
    file = io.BytesIO()
    pl.DataFrame({"y": pl.Series([1, 99], dtype=kind)}).write_parquet(file)
    found = results(file.getvalue(), "schema: {fields: [{name: y, type: year}]}", "x.parquet")
    assert found["1#y#type"].good == 2
