"""attenuated_signal_test: finds signals that vary too little (QARTOD Test 10, Attenuated Signal Test)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import polars as pl

from stream_qc.checks.base import Again, Flags, Late, Test, finite, seconds, time_of
from stream_qc.checks.cadence import SECOND, Intervals
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

SHOWN = 20
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
        kind = RollingCheck if self.test_period else WholeSeriesCheck
        return kind(field, axes["time"], self)

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

    Combines the standard deviations of the blocks by the method of Chan, Golub and LeVeque (1979).
    """

    test = "attenuated_signal_test"

    def __init__(self, field: str, time: str, limits: AttenuatedSignalTest) -> None:
        self.field, self.limits = field, limits
        self.needs = (field, time)
        self._count, self._mean, self._squares = 0, 0.0, 0.0
        self._least, self._most = math.inf, -math.inf
        self._shown: list[tuple[int, str | None]] = []

    def update(self, block: Block) -> Flags:
        values = finite(block.number(self.field))
        raw = block.cells(self.field)
        there = values.drop_nulls()
        if there.len():
            self._merge(there)
            for index in values.is_not_null().arg_true().head(SHOWN - len(self._shown)):
                self._shown.append((block.first + index, raw[index]))
        flags = pl.select(pl.when(values.is_null()).then(MISSING).otherwise(UNKNOWN).cast(pl.UInt8).alias("f"))["f"]
        return Flags(block.first, flags, raw, lambda _: "")

    def finish(self) -> Iterable[Late]:
        if not self._count:
            return
        spread = math.sqrt(self._squares / self._count) if self.limits.check_type == "std" else self._most - self._least
        flag = self.limits.flag(spread)
        reason = self.limits.why(self.field, spread, flag, "over the whole series")
        shown = [(row, raw, reason) for row, raw in self._shown] if flag in (SUSPECT, FAIL) else []
        yield Late(UNKNOWN, flag, self._count, None, shown)

    def _merge(self, there: pl.Series) -> None:
        count, mean = there.len(), float(there.mean())  # type: ignore[arg-type]  # numbers
        squares = float(((there - mean) ** 2).sum())
        step, total = mean - self._mean, self._count + count
        self._squares += squares + step * step * self._count * count / total
        self._mean += step * count / total
        self._count = total
        self._least = min(self._least, float(there.min()))  # type: ignore[arg-type]
        self._most = max(self._most, float(there.max()))  # type: ignore[arg-type]


class RollingCheck:
    """Flags the variation over the test_period that ends with each row. Keeps the rows of one period.

    A row that is out of time order or has no time is UNKNOWN.
    """

    test = "attenuated_signal_test"

    def __init__(self, field: str, time: str, limits: AttenuatedSignalTest, interval: int | None = None) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self._period = dt.timedelta(seconds=limits.test_period or 0)
        self._intervals = Intervals()
        self._interval = interval
        self._assumed: set[int] = set()
        self._carried: pl.DataFrame | None = None
        self._latest: dt.datetime | None = None

    def update(self, block: Block) -> Flags:
        times = time_of(block, self.time)
        self._intervals.add(times)
        if self._interval is None:
            self._interval = self._intervals.median()
        latest = pl.lit(self._latest, dtype=pl.Datetime("us"))
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "t": times}).with_columns(
            (pl.col("t") >= pl.max_horizontal(pl.col("t").cum_max().forward_fill(), latest))
            .fill_null(value=False)
            .alias("ordered")
        )
        ordered = rows.filter("ordered")
        known = ordered if self._carried is None else pl.concat([self._carried, ordered])
        spread = self._spread(known)[known.height - ordered.height :]
        if ordered.height:
            self._latest = ordered["t"][-1]
            self._carried = known.filter(pl.col("t") > self._latest - self._period)
        variations = rows.with_row_index().join(
            ordered.select(rows["ordered"].arg_true().alias("index"), spread.alias("spread")),
            on="index",
            how="left",
            maintain_order="left",
        )["spread"]
        size = pl.col("size")
        flag = pl.when(pl.col("v").is_null()).then(MISSING).when(size.is_null() | size.is_nan()).then(UNKNOWN)
        flag = (
            flag.when(size < self.limits.fail_threshold)
            .then(FAIL)
            .when(size < self.limits.suspect_threshold)
            .then(SUSPECT)
        )
        flags = rows.with_columns(variations.alias("size")).select(flag.otherwise(GOOD).cast(pl.UInt8).alias("f"))["f"]
        over = f"over {self.limits.test_period:g} s"
        return Flags(
            block.first,
            flags,
            block.cells(self.field),
            lambda index: self.limits.why(self.field, variations[index], flags[index], over),
        )

    def finish(self) -> Iterable[Again]:
        exact = self._intervals.median()
        if exact is not None and self._assumed - {self._fewest(exact)}:
            yield Again(RollingCheck(self.field, self.time, self.limits, exact))

    def _fewest(self, interval: int | None) -> int:
        """Returns how many rows a period needs to be evaluated. interval: the median in microseconds."""
        if self.limits.min_obs is not None:
            return self.limits.min_obs
        if self.limits.min_period is not None:
            return int(self.limits.min_period * SECOND / interval) if interval and interval > 0 else 1
        return 1

    def _spread(self, known: pl.DataFrame) -> pl.Series:
        fewest = self._fewest(self._interval)
        self._assumed.add(fewest)
        value, window = pl.col("v"), {"window_size": self._period, "closed": "right", "min_samples": max(1, fewest)}
        if self.limits.check_type == "std":
            spread = value.rolling_std_by("t", **window, ddof=0)  # type: ignore[arg-type]
        else:
            gap = value.is_null().cast(pl.Int8).rolling_max_by("t", window_size=self._period, closed="right")
            spread = value.rolling_max_by("t", **window) - value.rolling_min_by("t", **window)  # type: ignore[arg-type]
            spread = pl.when(gap == 0).then(spread)  # a period with a missing value has no range
        return known.select(spread.alias("spread"))["spread"]
