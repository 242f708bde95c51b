"""valid_range_test: finds values outside a span, of which each end may belong to it or not (ioos_qc, module axds)."""

from __future__ import annotations

import math
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import RowCheck, Test, fail_where, finite
from stream_qc.checks.measures import Found, is_finite, least, most, total
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class ValidRangeTest(Test, frozen=True):
    """valid_span: [lowest, highest] in the field's units; null for an end that is open. start_inclusive, end_inclusive: whether
    that end is valid itself.
    """

    module: ClassVar[str] = "axds"
    process: ClassVar[int] = 2
    needs_numbers: ClassVar[bool] = True
    valid_span: tuple[float | None, float | None]
    start_inclusive: bool = True
    end_inclusive: bool = False

    def mistakes(self) -> list[str]:
        low, high = self.valid_span
        if low in (None, -math.inf) and high in (None, math.inf):
            return ["valid_span: both ends are open, so no row would be flagged"]
        if low is not None and high is not None and low > high:
            return [f"valid_span: [{low:g}, {high:g}] must be [lowest, highest]"]
        return []

    def check(self, field: str, _: Axes) -> RowCheck:
        low, high = self.valid_span

        def above_start(value: float) -> bool:
            return low is None or value > low or (self.start_inclusive and value == low)

        def below_end(value: float) -> bool:
            return high is None or value < high or (self.end_inclusive and value == high)

        def judge(block: Block) -> pl.Series:
            value, bad = pl.col("v"), pl.lit(value=False)
            if low is not None:
                bad = value < low if self.start_inclusive else value <= low
            if high is not None:
                bad = bad | (value > high if self.end_inclusive else value >= high)
            values = finite(block.number(field)).to_frame("v")
            return fail_where(values.select(pl.when(value.is_not_null()).then(bad).alias("bad"))["bad"])

        def proves(_: Block, found: Found) -> bool:
            smallest, largest = found[least(field)], found[most(field)]
            inside = smallest is None or (above_start(smallest) and below_end(largest))
            return is_finite(found, field) and inside

        def explain(value: object) -> str:
            number = float(str(value))
            if not above_start(number):
                side, limit = ("below" if self.start_inclusive else "not above"), low
            else:
                side, limit = ("above" if self.end_inclusive else "not below"), high
            return f"{field} {number:g} is {side} {limit:g} (valid_range_test valid_span)"

        return RowCheck(
            field,
            "valid_range_test",
            judge,
            explain,
            measures=(least(field), most(field), total(field)),
            proves=proves,
        )
