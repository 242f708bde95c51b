"""What a check is: it takes a stream's blocks in order and gives back a flag for every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec
import polars as pl
from polars.expr.whenthen import ChainedThen, Then

from stream_qc.flags import FAIL, GOOD, MISSING

if TYPE_CHECKING:
    from stream_qc.reading.block import Block
    from stream_qc.rules import Document, Field, Rules


Flagging = Then | ChainedThen  # an expression that is being chained: when, then, when, then …


class Raw(Protocol):
    def __getitem__(self, index: int, /) -> str | None: ...


@dataclass(frozen=True)
class Flags:
    """QARTOD flags for a run of rows.

    first: the 0-based row of the first flag. flags: UInt8, one a row. raw: from an index into `flags` to the value as it
    stood in the file. why: from the same to the reason. Both are asked only for the rows that are shown.
    """

    first: int
    flags: pl.Series
    raw: Raw
    why: Callable[[int], str]


@dataclass(frozen=True)
class Late:
    """Rows whose flag turns out at the end of the stream: from `was` to `flag`.

    count: how many. rows: all of them, 0-based; None for every row that was flagged so. shown: the first of them,
    ascending, as (row, value as it stood in the file, reason).
    """

    was: int
    flag: int
    count: int
    rows: pl.Series | None
    shown: list[tuple[int, str | None, str]]


@dataclass(frozen=True)
class Again:
    """What was assumed at the start of the stream was wrong: the flags so far do not count, and this check gives them anew."""

    check: Check


class Check(Protocol):
    """One test of one field, carrying what it needs from block to block."""

    @property
    def field(self) -> str: ...

    @property
    def test(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields that it reads; without one of them in the file it cannot run."""
        ...

    def update(self, block: Block) -> Flags | None:
        """The flags of the rows that can be judged now; each row once, in order."""
        ...

    def finish(self) -> Iterable[Flags | Late | Again]:
        """What is left to say at the end of the stream."""
        ...


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a test in the rules' `streams`, named and typed as ioos_qc has them."""

    process: ClassVar[int]
    of_numbers: ClassVar[bool] = False  # whether it takes its field for a number

    @classmethod
    def numeric(cls, document: Document, field: str) -> tuple[str | None, ...]:  # noqa: ARG003
        """The fields that the test takes for numbers; None where the rules name no such axis."""
        return (field,) if cls.of_numbers else ()

    def mistakes(self, document: Document, field: str, fields: dict[str, Field]) -> list[str]:  # noqa: ARG002
        """What is wrong with these parameters for this field, beyond their types and `numeric`."""
        return []

    def check(self, field: str, rules: Rules) -> Check:
        raise NotImplementedError


@dataclass
class RowCheck:
    """A check that looks at each row by itself.

    judge: from a block to its flags. explain: from a typed value to the reason why it was flagged. reads: the field
    whose values these are, where it is another than the one that the test was asked of.
    """

    field: str
    test: str
    judge: Callable[[Block], pl.Series]
    explain: Callable[[Any], str]
    reads: str = ""
    also_needs: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.reads or self.field, *self.also_needs)

    def update(self, block: Block) -> Flags:
        name = self.reads or self.field
        raw = block.cells(name)

        def why(index: int) -> str:
            value = block.typed(name)[index]
            return self.explain(raw[index] if value is None else value)

        return Flags(block.first, self.judge(block), raw, why)

    def finish(self) -> Iterable[Flags]:
        return ()


def fail_where(bad: pl.Series) -> pl.Series:
    """FAIL where true, GOOD where false, MISSING where null."""
    name = pl.col(bad.name)
    expression = pl.when(name.is_null()).then(MISSING).when(name).then(FAIL).otherwise(GOOD).cast(pl.UInt8)
    return bad.to_frame().select(expression.alias("flag"))["flag"]


def finite(numbers: pl.Series) -> pl.Series:
    """The numbers, null where infinite: but for gross_range_test, the tests take an infinite value as missing."""
    return numbers.to_frame("v").select(pl.when(pl.col("v").is_finite()).then(pl.col("v")))["v"]


def time_of(block: Block, field: str) -> pl.Series:
    """The time axis as Datetime in microseconds, UTC without a zone; null where missing."""
    return block.typed(field).cast(pl.Datetime("us"))


HOURS = 24 * 366 * 1000  # as many as a calendar of four figures holds


def hours(name: str, value: float) -> list[str]:
    """A mistake for a number of hours that is none, or that no calendar holds."""
    return [] if 0 <= value <= HOURS else [f"{name}: {value} is no number of hours"]


def seconds(name: str, value: float | None) -> list[str]:
    """A mistake for a number of seconds that is none, or that no calendar holds."""
    return [] if value is None or 0 <= value <= 3600 * HOURS else [f"{name}: {value} is no number of seconds"]


def ordered_pair(name: str, span: tuple[float, float] | None) -> list[str]:
    """A mistake for a span whose first value is above its second, or is no number."""
    if span is None or span[0] <= span[1]:
        return []
    return [f"{name}: [{span[0]:g}, {span[1]:g}] must go from the lower to the higher value"]


def needs_time(document: Document) -> list[str]:
    """A mistake where a test needs the time axis and the rules name none."""
    return (
        []
        if document.time is not None
        else ["needs the time axis: name its field at the top of the rules, as in `time: time`"]
    )


def show_time(time: dt.datetime) -> str:
    """A time in ISO 8601, and a day's first instant as the day."""
    return time.isoformat().removesuffix("T00:00:00")
