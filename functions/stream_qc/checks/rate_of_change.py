"""rate_of_change_test: finds values that change too fast (QARTOD Test 7, Rate of Change Test)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.checks.base import Clean, Flagging, Flags, Test, finite, time_of
from stream_qc.checks.in_series import InSeries, before
from stream_qc.checks.measures import Found, is_finite, longest_step, shortest_interval, total
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

SECOND = 1_000_000  # microseconds


class RateOfChangeTest(Test, frozen=True):
    """threshold: a faster change is SUSPECT; fail_threshold: a faster change is FAIL. Both in the field's units per second."""

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    units: ClassVar = {"threshold": "a second", "fail_threshold": "a second"}
    threshold: float
    fail_threshold: float | None = None

    def check(self, field: str, axes: Axes) -> RateOfChangeCheck:
        return RateOfChangeCheck(field, axes["time"], self)

    def check_in_series(self, field: str, axes: Axes, series: Series) -> RateOfChangeInSeries:
        return RateOfChangeInSeries(field, axes["time"], self, series)

    def rate(self, step: pl.Expr, interval: pl.Expr) -> pl.Expr:
        """Returns the rate of change. step: in the field's units. interval: a duration."""
        seconds = (interval.dt.total_microseconds() // SECOND).abs()
        return pl.when(seconds == 0).then(step.abs()).otherwise(step.abs() / seconds)

    def flag(self, value: pl.Expr, rate: pl.Expr) -> pl.Expr:
        flag: Flagging = pl.when(value.is_null()).then(MISSING)
        flag = flag.when(rate.is_null() | rate.is_nan()).then(GOOD)
        if self.fail_threshold is not None:
            flag = flag.when(rate > self.fail_threshold).then(FAIL)
        return flag.when(rate > self.threshold).then(SUSPECT).otherwise(GOOD).cast(pl.UInt8)

    def why(self, field: str, raw: str | None, rate: float, flag: int) -> str:
        failed = flag == FAIL
        name, limit = ("fail_threshold", self.fail_threshold) if failed else ("threshold", self.threshold)
        return f"{field} changes to {raw} by {rate:.6g} a second, more than {limit:g} (rate_of_change_test {name})"


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
        self._least = min(limit for limit in (limits.threshold, limits.fail_threshold) if limit is not None)
        self._is_large = pl.col("v").diff().abs() > self._least
        self._rate = limits.rate(pl.col("step"), pl.col("interval")).alias("rate")
        self._flag = limits.flag(pl.col("v"), pl.col("rate")).alias("flag")
        self._before = pl.DataFrame(schema={"v": pl.Float64, "t": pl.Datetime("us")})  # the last row above

    @property
    def carried(self) -> object:
        return self._before.rows()

    def prove(self, block: Block, found: Found) -> Clean | None:
        if not block.height or not is_finite(found, self.field):
            return None
        shortest = found[shortest_interval(self.time)] or 0
        highest = (found[longest_step(self.field)] or 0) / max(1, shortest // SECOND)
        if not max(highest, self._first_rate(block)) <= self._least:
            return None
        self._before = self._row(block, block.height - 1)
        missing = block.typed(self.field).null_count()
        return Clean(block.height - missing, missing)

    def update(self, block: Block) -> Flags:
        raw = block.cells(self.field)
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})
        known = pl.concat([self._before, rows])
        places, large = self._large(known)
        places -= self._before.height
        self._before = known.tail(1)
        flags = rows.select(pl.when(pl.col("v").is_null()).then(MISSING).otherwise(GOOD).cast(pl.UInt8)).to_series()
        flags = flags.scatter(places, large.select(self._flag).to_series())

        def why(index: int) -> str:
            (rate,) = large["rate"].filter(places == index)
            return self.limits.why(self.field, raw[index], rate, flags[index])

        return Flags(block.first, flags, raw, why)

    def finish(self) -> Iterable[Flags]:
        return ()

    def _first_rate(self, block: Block) -> float:
        """Returns the rate from the row above to the first row of a block; 0 if it is not known."""
        if not self._before.height:
            return 0.0
        (before, start), (value, end) = self._before.row(0), self._row(block, 0).row(0)
        if None in (before, start, value, end):
            return 0.0
        return float(abs(value - before) / max(1, abs((end - start) // dt.timedelta(seconds=1))))

    def _row(self, block: Block, index: int) -> pl.DataFrame:
        """Returns a row of a block in which every value is finite."""
        values, times = block.number(self.field), time_of(block, self.time)
        return pl.DataFrame({"v": values.slice(index, 1), "t": times.slice(index, 1)})

    def _large(self, rows: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
        """Returns where the steps are that may be too fast, and their values and rates. A rate is at most the step."""
        places = rows.select(self._is_large.arg_true()).to_series()
        here, above = rows.select(pl.all().gather(places)), rows.select(pl.all().gather(places - 1))
        large = pl.DataFrame({"v": here["v"], "step": here["v"] - above["v"], "interval": here["t"] - above["t"]})
        return places, large.with_columns(self._rate)


class RateOfChangeInSeries(InSeries):
    """As RateOfChangeCheck, within each series."""

    test = "rate_of_change_test"
    above: ClassVar = {"v": pl.Float64, "t": pl.Datetime("us")}

    def __init__(self, field: str, time: str, limits: RateOfChangeTest, series: Series) -> None:
        super().__init__(field, (field, time), series)
        self.time, self.limits = time, limits

    def values(self, block: Block) -> pl.DataFrame:
        return pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        value, time = pl.col("v"), pl.col("t")
        rates = known.with_columns(self.limits.rate(value - before(value), time - before(time)).alias("rate"))
        return rates.with_columns(self.limits.flag(value, pl.col("rate")).alias("flag"))

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        return self.limits.why(self.field, raw, row["rate"], row["flag"])
