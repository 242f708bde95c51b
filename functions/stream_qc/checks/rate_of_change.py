"""rate_of_change_test: finds values that change too fast (QARTOD Test 7, Rate of Change Test)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import Clean, Flagging, Flags, Test, finite, largest, time_of
from stream_qc.checks.measures import Found, is_finite, longest_step, shortest_interval, total
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

SECOND = 1_000_000  # microseconds


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
    unjudged = ""
    collected = ()

    def __init__(self, field: str, time: str, limits: RateOfChangeTest) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self.measures = (total(field), longest_step(field), shortest_interval(time))
        self._before = pl.DataFrame(schema={"v": pl.Float64, "t": pl.Datetime("us")})  # the last row above

    @property
    def carried(self) -> object:
        return self._before.rows()

    def prove(self, block: Block, found: Found) -> Clean | None:
        if not block.height or not is_finite(found, self.field):
            return None
        shortest = found[shortest_interval(self.time)] or 0
        highest = (found[longest_step(self.field)] or 0) / max(1, shortest // SECOND)
        edge = self._rates(pl.concat([self._before, self._rows(block, 0, 1)]))["rate"]
        limit = min(limit for limit in (self.limits.threshold, self.limits.fail_threshold) if limit is not None)
        if not max(highest, largest(edge)) <= limit:
            return None
        self._before = self._rows(block, block.height - 1, 1)
        missing = block.typed(self.field).null_count()
        return Clean(block.height - missing, missing)

    def update(self, block: Block) -> Flags:
        raw = block.cells(self.field)
        known = pl.concat([self._before, self._rows(block, 0, block.height)])
        judged = self._rates(known)[self._before.height :]
        self._before = known.tail(1)
        value, rate = pl.col("v"), pl.col("rate")
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

    def _rows(self, block: Block, start: int, count: int) -> pl.DataFrame:
        values, times = block.number(self.field).slice(start, count), time_of(block, self.time).slice(start, count)
        return pl.DataFrame({"v": finite(values), "t": times})

    def _rates(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows with the rate of change since the row above."""
        step = pl.col("v").diff().abs()
        seconds = (pl.col("t").diff().dt.total_microseconds() // SECOND).abs()
        return rows.with_columns(pl.when(seconds == 0).then(step).otherwise(step / seconds).alias("rate"))
