"""attenuated_signal_test: finds signals that vary too little (QARTOD Test 10, Attenuated Signal Test)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import polars as pl

from stream_qc.checks.attenuated_in_series import RollingInSeries, WholeSeriesInSeries, below
from stream_qc.checks.base import Again, Clean, Flags, Late, Test, finite, largest, seconds, spell, time_of
from stream_qc.checks.cadence import SECOND, Intervals
from stream_qc.checks.measures import Found, even, is_finite, longest_interval, missing, shortest_interval, total
from stream_qc.checks.series import Series
from stream_qc.checks.spread import SHOWN, Deviation, Seen
from stream_qc.checks.windows import least_variation, variations
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

SHORTEST_PERIOD = 1e-6  # seconds
MOST_OBSERVATIONS = 2**31


class AttenuatedSignalTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: in the field's units; a smaller variation is flagged. check_type: `std`, the
    standard deviation of the population, or `range`. test_period: the seconds that end with each row; without it, the whole
    series is one period. min_obs, min_period: how many rows, or how many seconds of rows, a period needs to be evaluated.
    """

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    units: ClassVar = {"test_period": "s", "min_period": "s", "min_obs": "rows"}
    suspect_threshold: float
    fail_threshold: float
    test_period: float | None = None
    min_obs: int | None = None
    min_period: float | None = None
    check_type: Literal["std", "range"] = "std"

    def mistakes(self) -> list[str]:
        found = seconds("test_period", self.test_period) + seconds("min_period", self.min_period)
        if self.test_period and self.test_period < SHORTEST_PERIOD:
            found.append(f"test_period: {self.test_period} s is below the resolution of times, a microsecond")
        if self.min_obs is not None and not 0 <= self.min_obs < MOST_OBSERVATIONS:
            found.append(f"min_obs: {self.min_obs} is out of range; it must be from 0 to {MOST_OBSERVATIONS - 1:,}")
        if self.min_obs is not None and self.min_period is not None:
            found.append("min_obs and min_period cannot be combined; give one of them")
        return found

    def check(self, field: str, axes: Axes) -> WholeSeriesCheck | RollingCheck:
        return (RollingCheck if self.test_period else WholeSeriesCheck)(field, axes["time"], self)

    def check_in_series(self, field: str, axes: Axes, series: Series) -> WholeSeriesInSeries | RollingInSeries:
        return (RollingInSeries if self.test_period else WholeSeriesInSeries)(field, axes["time"], self, series)

    def fewest(self, interval: int | None) -> int:
        """Returns how many rows a period needs to be evaluated. interval: the median in microseconds."""
        if self.min_obs is not None:
            return self.min_obs
        if self.min_period is not None:
            return int(self.min_period * SECOND / interval) if interval and interval > 0 else 1
        return 1

    def flag(self, variation: float) -> int:
        """Returns the flag of a variation in the field's units. NaN is UNKNOWN."""
        if math.isnan(variation):
            return UNKNOWN
        return FAIL if variation < self.fail_threshold else SUSPECT if variation < self.suspect_threshold else GOOD

    def why(self, field: str, variation: float, flag: int, over: str) -> str:
        """Returns the reason for a flag. over: the period, in words."""
        name, limit = ("fail", self.fail_threshold) if flag == FAIL else ("suspect", self.suspect_threshold)
        kind = "standard deviation" if self.check_type == "std" else "range"
        return (
            f"{field} has a {kind} of {variation:.6g} {over}, below {limit:g} (attenuated_signal_test {name}_threshold)"
        )


class WholeSeriesCheck:
    """Gives the whole series one flag, at its end.

    A range can be put together from those of stretches. A standard deviation cannot, to the last digit; so each stretch carries
    it on from the one above.
    """

    test = "attenuated_signal_test"
    unjudged = ""

    def __init__(self, field: str, time: str, limits: AttenuatedSignalTest) -> None:
        self.field, self.limits = field, limits
        self.needs = (field, time)
        self.measures = ()
        self._seen = Seen()
        self._deviation = Deviation() if limits.check_type == "std" else None
        self.collected = (self._seen,)

    @property
    def carried(self) -> object:
        return None if self._deviation is None else object()  # equal to nothing

    def prove(self, block: Block, _: Found) -> Clean | None:
        if len(self._seen.shown) < SHOWN:
            return None
        there = finite(block.number(self.field)).drop_nulls()
        self._add(there)
        return Clean(0, block.height - there.len(), there.len())

    def update(self, block: Block) -> Flags:
        values = finite(block.number(self.field))
        raw = block.cells(self.field)
        self._add(values.drop_nulls())
        shown = self._seen.shown
        shown += [
            (block.first + index, raw[index]) for index in values.is_not_null().arg_true().head(SHOWN - len(shown))
        ]
        flags = pl.select(pl.when(values.is_null()).then(MISSING).otherwise(UNKNOWN).cast(pl.UInt8).alias("f"))["f"]
        return Flags(block.first, flags, raw, lambda _: "")

    def finish(self) -> Iterable[Late]:
        seen = self._seen
        if not seen.count:
            return
        spread = seen.most - seen.least if self._deviation is None else self._deviation.value()
        flag = self.limits.flag(spread)
        reason = self.limits.why(self.field, spread, flag, "over the whole series")
        shown = [(row, raw, reason) for row, raw in seen.shown] if flag in (SUSPECT, FAIL) else []
        yield Late(UNKNOWN, flag, seen.count, None, shown)

    def _add(self, there: pl.Series) -> None:
        self._seen.add(there)
        if self._deviation is not None:
            self._deviation.add(there)


class RollingCheck:
    """Flags the variation over the test_period that ends with each row. Keeps the rows of one period.

    A row that is out of time order or has no time is UNKNOWN.
    """

    test = "attenuated_signal_test"

    def __init__(self, field: str, time: str, limits: AttenuatedSignalTest, interval: int | None = None) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self.measures = (total(field), shortest_interval(time), longest_interval(time), missing(time))
        self.unjudged = (
            f"no period of {limits.test_period:g} s has enough values in time order; "
            "check the times, test_period, min_obs and min_period"
        )
        self._period = round((limits.test_period or 0) * SECOND)  # microseconds
        self._intervals = Intervals()
        self._interval = interval
        self._assumed: set[int] = set()
        # The rows of the last period, in time order.
        self._above = pl.DataFrame(schema={"v": pl.Float64, "t": pl.Datetime("us")})
        self.collected = (self._intervals,)

    @property
    def carried(self) -> object:
        return self._interval is None, self.limits.fewest(self._interval), {*self._assumed}, self._above.rows()

    def prove(self, block: Block, found: Found) -> Clean | None:
        shortest = found[shortest_interval(self.time)]
        times, values = time_of(block, self.time), block.number(self.field)
        if shortest is None or shortest <= 0 or times.null_count() or not is_finite(found, self.field):
            return None
        if not self._above.height or times[0] <= self._above["t"][-1]:
            return None
        known = pl.concat([self._above, pl.DataFrame({"v": values, "t": times})])
        fewest = self.limits.fewest(self._interval)
        steps = known["t"].head(self._above.height + 1).cast(pl.Int64).diff()  # up to the first row of the block
        longest = max(int(largest(steps)), found[longest_interval(self.time)])
        if self._least(known, fewest, longest) is None:
            return None
        self._assumed.add(fewest)
        self._intervals.add(times, even(found, self.time))
        self._keep(known)
        without = values.null_count()
        return Clean(block.height - without, without)

    def update(self, block: Block) -> Flags:
        times = time_of(block, self.time)
        self._intervals.add(times)
        if self._interval is None:
            self._interval = self._intervals.median()
        fewest = self.limits.fewest(self._interval)
        self._assumed.add(fewest)
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "t": times})
        found = self._spread(rows, fewest)
        size = pl.col("size")
        flag = pl.when(pl.col("v").is_null()).then(MISSING).when(size.is_null() | size.is_nan()).then(UNKNOWN)
        flags = rows.with_columns(found.alias("size")).select(below(flag, size, self.limits).alias("f"))["f"]
        over = f"over {spell(dt.timedelta(seconds=self.limits.test_period or 0))}"
        return Flags(
            block.first,
            flags,
            block.cells(self.field),
            lambda index: self.limits.why(self.field, found[index], flags[index], over),
        )

    def _spread(self, rows: pl.DataFrame, fewest: int) -> pl.Series:
        """Returns the variation of the period that ends with each row; null for a row that is out of order or has no time."""
        times = pl.concat([self._above["t"].tail(1), rows["t"]])
        if times.is_sorted() and not times.null_count():
            return self._variations(rows, fewest)
        latest = times.cum_max().tail(rows.height)
        in_order = (rows["t"] >= latest).fill_null(value=False)
        found = self._variations(rows.filter(in_order), fewest)
        return pl.repeat(None, rows.height, dtype=pl.Float64, eager=True).scatter(in_order.arg_true(), found)

    def _variations(self, rows: pl.DataFrame, fewest: int) -> pl.Series:
        """Returns the variation of the period that ends with each of these rows, which are in order; or a lower bound of it
        that is above the thresholds.
        """
        known = pl.concat([self._above, rows])
        found = self._least(known, fewest)
        if found is None:
            limits = (self.limits.suspect_threshold, self.limits.fail_threshold)
            found = variations(known, self._period, fewest, self.limits.check_type, limits)[self._above.height :]
        self._keep(known)
        return found

    def _least(self, known: pl.DataFrame, fewest: int, longest: int | None = None) -> pl.Series | None:
        """Returns a lower bound of the variation for each row after those above, or None if it is below a threshold."""
        above, limits = self._above.height, self.limits
        least = least_variation(known, above, self._period, fewest, limits.check_type, longest)
        if least < max(0, limits.suspect_threshold, limits.fail_threshold):
            return None
        return pl.repeat(least, known.height - above, dtype=pl.Float64, eager=True)

    def finish(self) -> Iterable[Again]:
        exact = self._intervals.median()
        if exact is not None and self._assumed - {self.limits.fewest(exact)}:
            yield Again(RollingCheck(self.field, self.time, self.limits, exact))

    def _keep(self, known: pl.DataFrame) -> None:
        if known.height:
            us = known["t"].cast(pl.Int64)
            self._above = known.slice(us.search_sorted(us[-1] - self._period, side="right"))
