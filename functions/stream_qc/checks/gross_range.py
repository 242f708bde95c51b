"""gross_range_test: finds values outside the range of the sensor or the operator (QARTOD Test 4, Gross Range Test)."""

from __future__ import annotations

import math
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import RowCheck, Test, ordered_pair
from stream_qc.checks.measures import is_finite, least, most, total, within
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class GrossRangeTest(Test, frozen=True):
    """fail_span and suspect_span: [lowest, highest], both inclusive, in the field's units."""

    process: ClassVar[int] = 2
    needs_numbers: ClassVar[bool] = True
    fail_span: tuple[float, float]
    suspect_span: tuple[float, float] | None = None

    def mistakes(self) -> list[str]:
        found = ordered_pair("fail_span", self.fail_span) + ordered_pair("suspect_span", self.suspect_span)
        if all(span in (None, (-math.inf, math.inf)) for span in (self.fail_span, self.suspect_span)):
            found.append("fail_span: both ends are open, so no row would be flagged")
        if not found and self.suspect_span is not None:
            (low, high), (suspect_low, suspect_high) = self.fail_span, self.suspect_span
            if suspect_low < low or suspect_high > high:
                found.append(
                    f"suspect_span: [{suspect_low:g}, {suspect_high:g}] is not within the fail_span [{low:g}, {high:g}]"
                )
        return found

    def check(self, field: str, _: Axes) -> RowCheck:
        def judge(block: Block) -> pl.Series:
            return flag(block.number(field), self.fail_span, self.suspect_span)

        def explain(value: object) -> str:
            return f"{field} {reason(float(str(value)), self.fail_span, self.suspect_span)}"

        spans = [self.fail_span, *([self.suspect_span] if self.suspect_span else [])]
        return RowCheck(
            field,
            "gross_range_test",
            judge,
            explain,
            measures=(least(field), most(field), total(field)),
            proves=lambda _, found: is_finite(found, field) and all(within(found, field, *span) for span in spans),
        )


def flag(values: pl.Series, fail_span: tuple[float, float], suspect_span: tuple[float, float] | None) -> pl.Series:
    """Returns the flags of values: MISSING if null, FAIL outside fail_span, SUSPECT outside suspect_span, otherwise GOOD."""
    value = pl.col("v")
    expression = (
        pl.when(value.is_null()).then(MISSING).when(~value.is_between(*fail_span) | value.is_infinite()).then(FAIL)
    )
    if suspect_span is not None:
        expression = expression.when(~value.is_between(*suspect_span)).then(SUSPECT)
    return values.to_frame("v").select(expression.otherwise(GOOD).cast(pl.UInt8).alias("flag"))["flag"]


def reason(value: float, fail_span: tuple[float, float], suspect_span: tuple[float, float] | None) -> str:
    """Returns the reason for a flag, such as `71.3 is above 60 (gross_range_test fail_span)`."""
    name, (low, high) = "fail_span", fail_span
    if suspect_span is not None and low <= value <= high:
        name, (low, high) = "suspect_span", suspect_span
    side, limit = ("below", low) if value < low else ("above", high)
    return f"{value:g} is {side} {limit:g} (gross_range_test {name})"
