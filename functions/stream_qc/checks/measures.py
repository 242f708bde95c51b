"""Measures: aggregates of a block that prove, for many checks at once, that it has no row to flag.

A check names the measures that its proof needs. The engine computes those of all checks in one query for each block. Equal
names are the same measure and are computed once.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl

MARK = "."
once = functools.lru_cache(maxsize=10_000)  # expressions are slow to make


class Measure(NamedTuple):
    """One value for a block. expr: aggregates columns of the block, each given by `column`."""

    name: str
    expr: pl.Expr


class Found:
    """The measures of one block."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, measure: Measure) -> bool:
        return measure.name in self._values

    def __getitem__(self, measure: Measure) -> Any:
        """Returns the value of the measure, or None if it has none: a smallest value of no values, for example."""
        return self._values[measure.name]


def measured(measures: Iterable[Measure], typed: Callable[[str], pl.Series]) -> Found:
    """Returns the values of the measures. typed: returns the typed column of a field."""
    exprs = {measure.name: measure.expr for measure in measures}
    names = {name for expr in exprs.values() for name in expr.meta.root_names()}
    frame = pl.DataFrame([typed(name.removeprefix(MARK)).alias(name) for name in names])
    values = frame.select(expr.alias(name) for name, expr in exprs.items())
    return Found(values.row(0, named=True) if exprs else {})


def column(field: str) -> pl.Expr:
    """Returns the typed column of a field. The mark keeps polars from taking a name such as `*` for a pattern."""
    return pl.col(f"{MARK}{field}")


def computed(expr: pl.Expr, field: str, values: pl.Series) -> pl.Series:
    """Returns the expression of a field's column for these values."""
    return values.alias(f"{MARK}{field}").to_frame().select(expr.alias("computed")).to_series()


def number(field: str) -> pl.Expr:
    """Returns the column as 64-bit floats, as every test of numbers computes."""
    return column(field).cast(pl.Float64)


def time(field: str) -> pl.Expr:
    """Returns the column as times in microseconds, in UTC without a zone."""
    return column(field).cast(pl.Datetime("us"))


@once
def least(field: str) -> Measure:
    return Measure(f"least {field}", column(field).min())


@once
def most(field: str) -> Measure:
    return Measure(f"most {field}", column(field).max())


@once
def earliest(field: str) -> Measure:
    return Measure(f"earliest {field}", time(field).min())


@once
def latest(field: str) -> Measure:
    return Measure(f"latest {field}", time(field).max())


@once
def total(field: str) -> Measure:
    """The sum of a number field. It is finite only if no value is NaN or infinite."""
    return Measure(f"total {field}", number(field).sum())


@once
def longest_step(field: str) -> Measure:
    """The largest difference between two neighbours."""
    return Measure(f"longest step {field}", number(field).diff().abs().max())


@once
def missing(field: str) -> Measure:
    """How many cells have no value of the field's type."""
    return Measure(f"missing {field}", column(field).null_count())


@once
def ascends(field: str) -> Measure:
    """Whether every value is greater than the one above."""
    return Measure(f"ascends {field}", (column(field) > column(field).shift(1)).all())


@once
def shortest_interval(field: str) -> Measure:
    """The smallest time from one row to the next, in microseconds; negative if a row is earlier than the one above."""
    return Measure(f"shortest interval {field}", _intervals(field).min())


@once
def longest_interval(field: str) -> Measure:
    """The largest time from one row to the next, in microseconds."""
    return Measure(f"longest interval {field}", _intervals(field).max())


def _intervals(field: str) -> pl.Expr:
    return time(field).to_physical().diff()


def is_finite(found: Found, field: str) -> bool:
    """Returns whether every value of the number field is finite. `total` must be among the measures."""
    return math.isfinite(found[total(field)])


def even(found: Found, field: str) -> int | None:
    """Returns the interval between all times in microseconds, or None if it is not the same or a time is missing.

    `shortest_interval`, `longest_interval` and `missing` must be among the measures.
    """
    shortest = found[shortest_interval(field)]
    same = shortest == found[longest_interval(field)] and not found[missing(field)]
    return int(shortest) if same and shortest is not None else None


def within(found: Found, field: str, low: float, high: float) -> bool:
    """Returns whether every number is from low to high. `least` and `most` must be among the measures."""
    smallest, largest = found[least(field)], found[most(field)]
    return smallest is None or bool(low <= smallest and largest <= high)


def is_between(found: Found, field: str, first: dt.datetime | None, last: dt.datetime | None) -> bool:
    """Returns whether every time is from first to last. `earliest` and `latest` must be among the measures."""
    start, end = found[earliest(field)], found[latest(field)]
    return start is None or ((first is None or first <= start) and (last is None or end <= last))
