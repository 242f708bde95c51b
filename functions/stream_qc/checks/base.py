"""The interface of a check: it takes the blocks of a stream in order and returns a flag for every row.

Most blocks have nothing to flag, so a check first tries to prove that from a few measures of the block
(stream_qc.checks.measures). Only if it cannot does it look at the rows. Both give the same counts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec
import polars as pl
from polars.expr.whenthen import ChainedThen, Then

from stream_qc.cells import Raw
from stream_qc.checks.measures import Found, Measure
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

Flagging = Then | ChainedThen  # an unfinished when-then expression


@dataclass(frozen=True)
class Flags:
    """QARTOD flags for consecutive rows.

    first: the 0-based row of the first flag. flags: UInt8, one per row. raw: returns the cell as written in the file,
    given an index into `flags`. why: returns the reason for a flag, given the same index. Both are called only for rows
    that are shown. numbers: the numbers that were judged one by one, null where there is none.
    """

    first: int
    flags: pl.Series
    raw: Raw
    why: Callable[[int], str]
    numbers: pl.Series | None = None


@dataclass(frozen=True)
class Clean:
    """Rows of which none is FAIL or SUSPECT: how many are GOOD, MISSING and UNKNOWN."""

    good: int
    missing: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Late:
    """A correction of rows that are flagged already: they change from the flag `was` to the flag `flag`.

    count: how many rows change. rows: their 0-based numbers, or None for every row flagged `was`. shown: the first of
    them, in ascending order, as (row, value as written in the file, reason). times: of all of them, in the order of `rows`, if
    they are known.
    """

    was: int
    flag: int
    count: int
    rows: pl.Series | None
    shown: list[tuple[int, str | None, str]]
    times: pl.Series | None = None


@dataclass(frozen=True)
class Again:
    """A request for a second pass: the flags so far are discarded, and `check` computes them again."""

    check: Check


class Collected(Protocol):
    """What a check gathers row by row, to use when the stream has ended. The order of the rows does not matter."""

    def forget(self) -> None:
        """Discards what was gathered so far."""
        ...

    def include(self, earlier: Any) -> None:
        """Adds what was gathered, in an object of the same class, from the rows above."""
        ...


class Check(Protocol):
    """One test of one field. It keeps whatever state it needs between blocks: what it carries, and what it collects."""

    @property
    def field(self) -> str: ...

    @property
    def test(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Returns the fields that the check reads. It cannot run if the file lacks one of them."""
        ...

    @property
    def unjudged(self) -> str:
        """Returns why every row that has a value is UNKNOWN, and what to change; "" if that cannot be."""
        ...

    @property
    def measures(self) -> Sequence[Measure]:
        """Returns the measures that `prove` needs."""
        ...

    @property
    def carried(self) -> object:
        """Returns all that the flags of the next rows depend on. It stays as it is when the check sees more rows.

        Checks of the same test and field that carry equal things flag the next rows alike.
        """
        ...

    @property
    def collected(self) -> Sequence[Collected]: ...

    def prove(self, block: Block, found: Found) -> Clean | None:
        """Returns the counts of the rows that `update` would flag now, if it is certain that none is FAIL or SUSPECT.

        The block then counts as seen. If it returns None, the check has not changed, and `update` follows.
        """
        ...

    def update(self, block: Block) -> Flags | Sequence[Flags | Late] | None:
        """Returns the flags that can be decided now. Each row is flagged once, in order; a correction may follow later."""
        ...

    def finish(self) -> Iterable[Flags | Late | Again]:
        """Returns the remaining flags, corrections or a request for a second pass, at the end of the stream."""
        ...


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a test in the rules' `streams`. Names and types are those of ioos_qc.

    The class variables say what a test needs; the loader of the rules checks them, so that a test does not have to.
    """

    module: ClassVar[str] = "qartod"  # of ioos_qc, under which the rules ask for it
    process: ClassVar[int]  # the process that runs it: 1, 2 or 3
    needs_numbers: ClassVar[bool] = False  # its field must be a number or an integer
    needs_text: ClassVar[bool] = False  # its field must be a string, or have no type
    needs_axes: ClassVar[tuple[AxisName, ...]] = ()  # the rules must name these axes
    may_use_axes: ClassVar[tuple[AxisName, ...]] = ()  # used if the rules name them
    units: ClassVar[Mapping[str, str]] = {}  # of those parameters that are not in the field's units

    def check(self, field: str, axes: Axes) -> Check:
        """Returns the check of this field. `axes[name]` is the field of an axis that is listed in `needs_axes`."""
        raise NotImplementedError

    def check_in_series(self, field: str, axes: Axes, series: Series) -> Check:  # noqa: ARG002
        """Returns the check of this field in a file of several series. A test that compares rows has one of its own for it."""
        return self.check(field, axes)

    def mistakes(self) -> list[str]:
        """Returns what is wrong with the parameters, beyond their types and what the class variables say."""
        return []

    def parameter_axes(self) -> dict[str, AxisName]:
        """Returns the axes that are needed only because of a parameter, by the name of the parameter."""
        return {}

    @classmethod
    def number_fields(cls, field: str, axes: Axes) -> set[str]:
        """Returns the fields that must hold numbers for this test of this field. All axes but `time` must."""
        used = {axes.get(axis) for axis in (*cls.needs_axes, *cls.may_use_axes) if axis != "time"}
        return {name for name in used if name is not None} | ({field} if cls.needs_numbers else set())


@dataclass
class RowCheck:
    """A check that looks at one row at a time.

    judge: returns the flags of a block. explain: returns the reason for a flag, given the typed value. reads: the field
    that holds the values, if it is not the field that is tested. proves: returns whether no row is FAIL, SUSPECT or
    UNKNOWN, given the `measures`; a missing value is MISSING.
    """

    field: str
    test: str
    judge: Callable[[Block], pl.Series]
    explain: Callable[[Any], str]
    reads: str = ""
    also_needs: tuple[str, ...] = ()
    measures: Sequence[Measure] = ()
    unjudged: str = ""
    proves: Callable[[Block, Found], bool] = lambda _block, _found: False
    carried: ClassVar[None] = None
    collected: ClassVar[tuple[()]] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.reads or self.field, *self.also_needs)

    def prove(self, block: Block, found: Found) -> Clean | None:
        if not self.proves(block, found):
            return None
        missing = block.typed(self.reads or self.field).null_count()
        return Clean(block.height - missing, missing)

    def update(self, block: Block) -> Flags:
        name = self.reads or self.field
        raw = block.cells(name)

        def why(index: int) -> str:
            value = block.typed(name)[index]
            return self.explain(raw[index] if value is None else value)

        values = block.typed(name)
        return Flags(block.first, self.judge(block), raw, why, values if values.dtype.is_numeric() else None)

    def finish(self) -> Iterable[Flags]:
        return ()


def fail_where(bad: pl.Series) -> pl.Series:
    """Returns FAIL where `bad` is true, GOOD where it is false, MISSING where it is null, as UInt8."""
    name = pl.col(bad.name)
    expression = pl.when(name.is_null()).then(MISSING).when(name).then(FAIL).otherwise(GOOD).cast(pl.UInt8)
    return bad.to_frame().select(expression.alias("flag"))["flag"]


FINITE = pl.when(pl.col("v").is_finite()).then(pl.col("v"))  # expressions are slow to make


def finite(numbers: pl.Series) -> pl.Series:
    """Returns the numbers with infinite ones as null. Every test but gross_range_test treats those as missing."""
    if math.isfinite(numbers.sum()):
        return numbers
    return numbers.to_frame("v").select(FINITE)["v"]


def time_of(block: Block, field: str) -> pl.Series:
    """Returns the time axis as Datetime in microseconds, in UTC without a zone; null where the time is missing."""
    return block.typed(field).cast(pl.Datetime("us"))


def largest(numbers: pl.Series) -> float:
    """Returns the largest of the numbers, 0 if there is none."""
    return float(numbers.max() or 0)  # type: ignore[arg-type]  # not text


HOURS = 24 * 366 * 1000  # a thousand years: a longer span could leave the calendar


def hours(name: str, value: float) -> list[str]:
    """Returns a mistake if the parameter is not a usable number of hours."""
    return [] if 0 <= value <= HOURS else [f"{name}: {value} hours is out of range; it must be from 0 to {HOURS:,}"]


def seconds(name: str, value: float | None) -> list[str]:
    """Returns a mistake if the parameter is not a usable number of seconds."""
    most = 3600 * HOURS
    usable = value is None or 0 <= value <= most
    return [] if usable else [f"{name}: {value} seconds is out of range; it must be from 0 to {most:,}"]


def ordered_pair(name: str, span: tuple[float, float] | None) -> list[str]:
    """Returns a mistake if the first value of the span is above the second."""
    if span is None or span[0] <= span[1]:
        return []
    return [f"{name}: [{span[0]:g}, {span[1]:g}] must be [lowest, highest]"]


def show_time(time: dt.datetime) -> str:
    """Returns the time in ISO 8601; midnight as the date alone."""
    return time.isoformat().removesuffix("T00:00:00")


def spell(span: dt.timedelta) -> str:
    """Returns a span in words, such as `2 d 3 h` or `90 s`."""
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{seconds:g} s"
    parts = [
        (int(seconds // 86400), "d"),
        (int(seconds % 86400 // 3600), "h"),
        (int(seconds % 3600 // 60), "min"),
        (int(seconds % 60), "s"),
    ]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
