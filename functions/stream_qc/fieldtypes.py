"""Parses cells into Table Schema's field types (https://specs.frictionlessdata.io/table-schema/#types-and-formats).

There is one function per type. Each takes a text Series and returns a typed Series of the same length, with null for text
that is not of the type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import polars as pl

from stream_qc import fieldtexts, fieldtimes
from stream_qc.schema import Field

# As Table Schema writes them. polars also reads inf, Infinity, nan and, as infinite, 1e400.
NOT_FINITE = ["NaN", "INF", "-INF"]


LISTS = (pl.List, pl.Array)
NESTED = {
    "array": LISTS,
    "list": LISTS,
    "geopoint": (*LISTS, pl.Struct),
    "object": (pl.Struct,),
    "geojson": (pl.Struct,),
}  # columns of Parquet; fmt: skip


def parse(cells: pl.Series, field: Field) -> pl.Series:
    """Returns the cells in the field's type, with null for missing cells and cells that are not of the type.

    Columns that are already typed (Parquet) are kept if their type is compatible with the field's.
    """
    if cells.dtype == pl.Null:
        return cells.cast(POLARS[field.type])
    if isinstance(cells.dtype, NESTED.get(field.type, ())):
        return PARSERS[field.type](fieldtexts.of_nested(cells, field), field)
    if cells.dtype != pl.String:
        return _native(cells, field)
    return PARSERS[field.type](cells, field)


def text(cells: pl.Series) -> pl.Series:
    """Returns any column as text, for people to read."""
    kind = cells.dtype
    if kind == pl.String:
        return cells
    if kind in (pl.Date, pl.Datetime):  # polars panics when it formats a time outside the calendar
        outside = fieldtimes.within_calendar(cells).is_null() & cells.is_not_null()
        if outside.any():
            return cells.set(outside, None).cast(pl.String).zip_with(~outside, cells.to_physical().cast(pl.String))
    if kind.is_nested() or kind in (pl.Binary, pl.Object, pl.Duration):  # polars cannot cast these to text
        return pl.Series(cells.name, [None if value is None else str(value) for value in cells], dtype=pl.String)
    return cells.cast(pl.String, strict=False)


def _native(cells: pl.Series, field: Field) -> pl.Series:
    wanted = POLARS[field.type]
    kind = cells.dtype
    if field.type in ("integer", "number") and kind == wanted:
        return cells
    if field.type == "any":
        return text(cells)
    if field.type == "datetime" and field.format in fieldtimes.EPOCHS and kind.is_numeric():
        return fieldtimes.within_calendar(fieldtimes.since_epoch(cells.cast(pl.Float64), field.format))
    if field.type == "datetime":
        fits = kind in (pl.Datetime, pl.Date)
    elif field.type in ("integer", "year"):
        fits = kind.is_integer()
    elif field.type == "number":
        fits = kind.is_numeric()
    else:
        fits = kind == wanted
    if not fits:
        return pl.Series(cells.name, [None], dtype=wanted).new_from_index(0, cells.len())
    if kind == pl.Datetime and kind.time_zone is not None:  # type: ignore[attr-defined]  # polars types are compared, not narrowed
        cells = cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if field.type == "year":
        cells = cells.cast(pl.Int64, strict=False)
        cells = cells.set(~cells.is_between(0, 9999), None)
    return fieldtimes.within_calendar(fieldtimes.within_calendar(cells).cast(wanted, strict=False))


def _any(cells: pl.Series, _: Field) -> pl.Series:
    return cells


def _number(cells: pl.Series, field: Field) -> pl.Series:
    return _cast(_plain(cells, field), pl.Float64())


def _integer(cells: pl.Series, field: Field) -> pl.Series:
    return _cast(_plain(cells, field), pl.Int64())


def _plain(cells: pl.Series, field: Field) -> pl.Series:
    """Returns numbers as they are written without a decimalChar, a groupChar or other text around them."""
    if not field.bare_number:
        point = re.escape(field.decimal_char)
        cells = cells.str.replace(rf"^[^-+\d]*?([-+]?{point}?\d)", "${1}").str.replace(r"[^\d]*$", "")
    if field.group_char:
        cells = cells.str.replace_all(field.group_char, "", literal=True)
    if field.decimal_char != ".":
        points = cells.str.contains(".", literal=True).fill_null(value=False)
        cells = cells.str.replace_all(field.decimal_char, ".", literal=True)
        cells = cells.set(points, "no number") if points.any() else cells
    return cells


def _cast(cells: pl.Series, kind: pl.DataType) -> pl.Series:
    """Returns the cells as numbers. Spaces around a number are allowed (whiteSpace in XML Schema, which Table Schema follows)."""
    found = cells.cast(kind, strict=False)
    if found.null_count() != cells.null_count():
        refused = (found.is_null() & cells.is_not_null()).arg_true()
        found = found.scatter(refused, cells.gather(refused).str.strip_chars().cast(kind, strict=False))
    if kind != pl.Float64() or math.isfinite(found.sum()):  # one call, because there may be thousands of columns
        return found
    odd = (~found.is_finite()).fill_null(value=False).arg_true()
    written = cells.gather(odd).str.strip_chars().is_in(NOT_FINITE)
    return found.scatter(odd.filter(~written), None)


def _boolean(cells: pl.Series, field: Field) -> pl.Series:
    true, false = field.true_values, field.false_values
    values = dict.fromkeys(true, True) | dict.fromkeys(false, False)
    return cells.replace_strict([*values], [*values.values()], default=None, return_dtype=pl.Boolean)


def _list(cells: pl.Series, field: Field) -> pl.Series:
    """Returns lists whose items are all of their type."""
    if field.item_type == "string" or cells.null_count() == cells.len():
        return cells
    lists = cells.drop_nulls().unique()
    items = lists.str.split(field.delimiter)
    parsed = parse(items.explode().str.strip_chars(), Field(field.name, field.item_type))
    rows = pl.int_range(lists.len(), eager=True).to_frame("list").with_columns(items.list.len().alias("n"))
    of_item = rows.select(pl.col("list").repeat_by("n").explode()).to_series()
    wrong = lists.gather(of_item.filter(parsed.is_null()).unique())
    return cells.set(cells.is_in(wrong.implode()), None) if wrong.len() else cells


def _yearmonth(cells: pl.Series, _: Field) -> pl.Series:
    """Returns the first day of each month."""
    found = (cells + "-01").str.to_date("%Y-%m-%d", strict=False)
    return fieldtimes.within_calendar(found.set(~cells.str.contains(r"^\d{4}-\d{2}$"), None))


def _year(cells: pl.Series, _: Field) -> pl.Series:
    return cells.set(~cells.str.contains(r"^\d{4}$"), None).cast(pl.Int64, strict=False)


PARSERS: dict[str, Callable[[pl.Series, Field], pl.Series]] = {
    "any": _any,
    "array": fieldtexts.array,
    "boolean": _boolean,
    "date": fieldtimes.date,
    "datetime": fieldtimes.datetime,
    "duration": fieldtexts.duration,
    "geojson": fieldtexts.geojson,
    "geopoint": fieldtexts.geopoint,
    "integer": _integer,
    "list": _list,
    "number": _number,
    "object": fieldtexts.object_,
    "string": fieldtexts.string,
    "time": fieldtimes.time,
    "year": _year,
    "yearmonth": _yearmonth,
}
# Times are UTC without a zone: a time that has no zone is taken as UTC, one that has a zone is converted.
POLARS: dict[str, pl.DataType] = {
    "any": pl.String(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "time": pl.Time(),
    "year": pl.Int64(),
    "yearmonth": pl.Date(),
    **dict.fromkeys(("array", "duration", "geojson", "geopoint", "list", "object", "string"), pl.String()),
}
