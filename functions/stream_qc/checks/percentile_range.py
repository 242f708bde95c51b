"""percentile_range_test: finds values far above or below most of the others (ioos_qc)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import Again, Clean, Flags, RowCheck, Test, finite
from stream_qc.checks.gross_range import flag
from stream_qc.checks.measures import Found, is_finite, least, most, total, within
from stream_qc.checks.percentiles import Values
from stream_qc.flags import MISSING, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class PercentileRangeTest(Test, frozen=True):
    """low_percentile, hi_percentile: from 0 to 100, of the values of the file. pad: in the field's units; a value that is further
    beyond one of them is SUSPECT.
    """

    process: ClassVar[int] = 2
    needs_numbers: ClassVar[bool] = True
    units: ClassVar = {"low_percentile": "%", "hi_percentile": "%"}
    low_percentile: float = 5
    hi_percentile: float = 95
    pad: float = 0.0

    def mistakes(self) -> list[str]:
        if not 0 <= self.low_percentile <= self.hi_percentile <= 100:
            return ["low_percentile and hi_percentile must be from 0 to 100, the low one first"]
        if (self.low_percentile, self.hi_percentile) == (0, 100) and self.pad >= 0:
            return ["low_percentile 0 and hi_percentile 100 take in every value, so no row would be flagged"]
        return []

    def check(self, field: str, _: Axes) -> Percentiles:
        return Percentiles(field, self)

    def within(self, field: str, low: float, high: float) -> RowCheck:
        """Returns the check of the second pass. low, high: the percentiles."""
        span = (low - self.pad, high + self.pad)

        def judge(block: Block) -> pl.Series:
            return flag(finite(block.number(field)), (-math.inf, math.inf), span)

        def explain(value: object) -> str:
            number = float(str(value))
            side, limit, share = (
                ("below", span[0], self.low_percentile) if number < span[0] else ("above", span[1], self.hi_percentile)
            )
            pad = f" with a pad of {self.pad:g}" if self.pad else ""
            return f"{field} {number:g} is {side} {limit:g}, percentile {share:g}{pad} (percentile_range_test)"

        return RowCheck(
            field,
            "percentile_range_test",
            judge,
            explain,
            measures=(least(field), most(field), total(field)),
            proves=lambda _, found: is_finite(found, field) and within(found, field, *span),
        )


class Percentiles:
    """Counts the values, in a first pass over the file; the second pass flags them."""

    test = "percentile_range_test"
    unjudged = ""
    measures = ()
    carried = None

    def __init__(self, field: str, limits: PercentileRangeTest) -> None:
        self.field, self.limits = field, limits
        self.needs = (field,)
        self._values = Values()
        self.collected = (self._values,)

    def prove(self, block: Block, _: Found) -> Clean | None:
        values = finite(block.number(self.field)).drop_nulls()
        self._values.add(values)
        return Clean(0, block.height - values.len(), values.len())

    def update(self, block: Block) -> Flags:
        values = finite(block.number(self.field))
        self._values.add(values.drop_nulls())
        flags = pl.select(pl.when(values.is_null()).then(MISSING).otherwise(UNKNOWN).cast(pl.UInt8).alias("f"))["f"]
        return Flags(block.first, flags, block.cells(self.field), lambda _: "")

    def finish(self) -> Iterable[Again]:
        if self._values.count:
            low, high = (
                self._values.percentile(one) for one in (self.limits.low_percentile, self.limits.hi_percentile)
            )
            yield Again(self.limits.within(self.field, low, high))
