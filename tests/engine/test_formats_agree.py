"""The same table as CSV, NDJSON and Parquet gives the same results, whatever the missingValues.

A missing value is compared as a value of the field's type if it can be read as one, and as text if not.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.results import Result
from tests.amount import examples
from tests.engine.checking import results, without_lines

KINDS = ("csv", "ndjson", "parquet")
DAY, NOON = dt.date(2020, 1, 2), dt.time(12, 0)
COLUMNS: dict[str, tuple[pl.DataType, list[Any], dict[str, Any]]] = {
    "any": (pl.String(), ["a", "b", "-999", "-999.0", "true", "NA"], {"maxLength": 4}),
    "boolean": (pl.Boolean(), [True, False], {"enum": [True]}),
    "date": (pl.Date(), [DAY, dt.date(1900, 1, 1), dt.date(1999, 12, 31)], {"minimum": "1950-01-01"}),
    "datetime": (
        pl.Datetime("us"),
        [dt.datetime(2020, 1, 2, 3, 4, 5), dt.datetime(1900, 1, 1), dt.datetime(2020, 1, 2, 3, 4, 5, 250_000)],
        {"maximum": "2020-01-02T03:04:05"},
    ),
    "integer": (pl.Int64(), [1, 10, -999, 0, 2**53 + 1], {"minimum": 1, "enum": [1, 10]}),
    "number": (pl.Float64(), [1.0, 10.0, -999.0, 0.5, -0.25, 1e-9], {"minimum": 0, "maximum": 5}),
    "string": (pl.String(), ["a", "NA", "-999", "-999.0", "1900-01-01", "true", "1_0", "10"], {"pattern": "[a-z]+"}),
    "time": (pl.Time(), [NOON, dt.time(0, 0), dt.time(1, 2, 3, 500_000)], {"maximum": "12:00:00"}),
    "year": (pl.Int64(), [2020, 1900, 1999], {"minimum": 1950}),
}
MISSING = ["NA", "-999", "-999.0", "-1e1", "1900-01-01", "1900-01-01T00:00:00", "12:00:00", "true", "1", "1_0", "10", "1900",
           " 10", "0", "-0.0", "nan"]  # fmt: skip


def table(kind: str, values: list[Any]) -> pl.DataFrame:
    """Returns a table with the values, and a second column so that no line is blank."""
    return pl.DataFrame({"v": pl.Series(values, dtype=COLUMNS[kind][0]), "w": ["x"] * len(values)})


def written(frame: pl.DataFrame, kind: str) -> bytes:
    """Returns the table in a format. Texts are those that polars gives its values, so that shown values are the same."""
    file = io.BytesIO()
    if kind == "parquet":
        frame.write_parquet(file)
        return file.getvalue()
    texts = frame.cast(pl.String)
    if kind == "csv":
        texts.write_csv(file, quote_style="non_numeric")
        return file.getvalue()
    bare = frame["v"].dtype.is_numeric() or frame["v"].dtype == pl.Boolean
    lines = (f'{{"v": {text if bare and text is not None else json.dumps(text)}, "w": "x"}}\n' for text in texts["v"])
    return "".join(lines).encode()


def rules(kind: str, missing: list[str], constraints: dict[str, Any]) -> str:
    field = {"name": "v", "type": kind, "constraints": {"required": True, "unique": True, **constraints}}
    found: dict[str, Any] = {"schema": {"fields": [field, {"name": "w"}], "missingValues": missing}}
    if kind in ("integer", "number"):
        found["streams"] = {"v": {"qartod": {"gross_range_test": {"fail_span": [0, 10]}, "spike_test": {}}}}
    if kind in ("date", "datetime"):
        found["time"] = "v"
        found["streams"] = {"v": {"qartod": {"time_gap_test": {}}}}
    return json.dumps(found)


def checked(frame: pl.DataFrame, kind: str, asked: str) -> dict[str, Result]:
    return results(written(frame, kind), asked, f"x.{kind}")


def items(found: dict[str, Result]) -> list[str]:
    """Returns the results as they are stored. A cell without a value is shown as null in NDJSON and Parquet, empty in CSV."""
    return [json.dumps(without_lines(result)).replace('"Value": ""', '"Value": null') for result in found.values()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", COLUMNS)
@examples(300)
@given(data=st.data(), more=st.lists(st.sampled_from(MISSING), max_size=3, unique=True))
def test_formats_agree_on_every_type_and_missing_value(kind: str, data: st.DataObject, more: list[str]) -> None:
    values = data.draw(st.lists(st.none() | st.sampled_from(COLUMNS[kind][1]), min_size=1, max_size=12))
    frame, asked = table(kind, values), rules(kind, ["", *more], COLUMNS[kind][2])
    in_csv = items(checked(frame, "csv", asked))
    assert items(checked(frame, "ndjson", asked)) == in_csv
    assert items(checked(frame, "parquet", asked)) == in_csv


@pytest.mark.parametrize("format_name", KINDS)
@pytest.mark.parametrize(
    ("kind", "missing", "values", "absent"),
    [
        ("number", "-999", [-999.0, 1.0], 1),
        ("number", "-999.0", [-999.0, 1.0], 1),
        ("number", "1_0", [10.0, 1.0], 0),
        ("integer", "-999.0", [-999, 1], 0),
        ("integer", "1_0", [10, 1], 0),
        ("date", "1900-01-01", [dt.date(1900, 1, 1), DAY], 1),
        ("datetime", "1900-01-01T00:00:00", [dt.datetime(1900, 1, 1), dt.datetime(2020, 1, 1)], 1),
        ("time", "12:00:00", [NOON, dt.time(0, 0)], 1),
        ("boolean", "true", [True, False], 1),
        ("boolean", "1", [True, False], 1),
        ("year", "1900", [1900, 2020], 1),
        ("string", "-999", ["-999", "-999.0"], 1),
        ("any", "-999", ["-999", "-999.0"], 1),
        ("string", "NA", ["NA", "a"], 1),
    ],
)
def test_missing_value_is_compared_as_a_value_of_the_type(
    format_name: str, kind: str, missing: str, values: list[Any], absent: int
) -> None:
    found = checked(table(kind, values), format_name, rules(kind, ["", missing], {}))
    assert (found["1#v#required"].fail, found["1#v#required"].good) == (absent, len(values) - absent)
    assert found["1#v#unique"].missing == absent


@pytest.mark.parametrize("format_name", KINDS)
def test_missing_value_that_is_no_value_of_the_type_is_compared_as_text(format_name: str) -> None:
    text = pl.DataFrame({"v": ["n/a", "1"], "w": ["x", "x"]})
    found = checked(text, format_name, rules("string", ["n/a"], {}))
    assert (found["1#v#required"].fail, found["1#v#unique"].missing) == (1, 1)


@pytest.mark.parametrize("missing", ["-999", "-999.0", "-9.99e2", " -999"])
@pytest.mark.parametrize("cell", ["-999", "-999.0", "-999.00", "-9.99E+2", " -999 "])
def test_missing_number_in_text_is_compared_as_a_number(missing: str, cell: str) -> None:
    found = results(f"v,w\n{cell},x\n1,x\n", rules("number", ["", missing], {}))
    assert (found["1#v#type"].missing, found["1#v#required"].fail, found["1#v#type"].passed) == (1, 1, True)
