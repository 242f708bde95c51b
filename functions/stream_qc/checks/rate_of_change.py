"""rate_of_change_test: finds values that change too fast (QARTOD Test 7, Rate of Change Test)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import Flagging, Flags, Test, finite, time_of
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class RateOfChangeTest(Test, frozen=True):
    """threshold: a faster change is SUSPECT; fail_threshold: a faster change is FAIL. Both in the field's units per second."""

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    threshold: float
    fail_threshold: float | None = None

    def check(self, field: str, axes: Axes) -> RateOfChangeCheck:
        return RateOfChangeCheck(field, axes["time"], self)


class RateOfChangeCheck:
    """Divides the step from the row above by the seconds between them, rounded down. Within one second, the step is the rate.

    The first row, and a row after a missing value, are GOOD. Both are as in ioos_qc.
    """

    test = "rate_of_change_test"

    def __init__(self, field: str, time: str, limits: RateOfChangeTest) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self._before: pl.DataFrame | None = None

    def update(self, block: Block) -> Flags:
        raw = block.cells(self.field)
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})
        skip = 0 if self._before is None else 1
        known = rows if self._before is None else pl.concat([self._before, rows])
        if rows.height:
            self._before = rows.tail(1)
        value, rate = pl.col("v"), pl.col("rate")
        step, seconds = value.diff().abs(), (pl.col("t").diff().dt.total_microseconds() // 1_000_000).abs()
        judged = known.select("v", pl.when(seconds == 0).then(step).otherwise(step / seconds).alias("rate"))[skip:]
        flag: Flagging = pl.when(value.is_null()).then(MISSING)
        flag = flag.when(rate.is_null() | rate.is_nan()).then(GOOD)
        if self.limits.fail_threshold is not None:
            flag = flag.when(rate > self.limits.fail_threshold).then(FAIL)
        flags = judged.select(
            flag.when(rate > self.limits.threshold).then(SUSPECT).otherwise(GOOD).cast(pl.UInt8).alias("f")
        )["f"]

        def why(index: int) -> str:
            failed = flags[index] == FAIL
            name, limit = (
                ("fail_threshold", self.limits.fail_threshold) if failed else ("threshold", self.limits.threshold)
            )
            return (
                f"{self.field} changes to {raw[index]} by {judged['rate'][index]:.6g} a second, "
                f"more than {limit:g} (rate_of_change_test {name})"
            )

        return Flags(block.first, flags, raw, why)

    def finish(self) -> Iterable[Flags]:
        return ()
