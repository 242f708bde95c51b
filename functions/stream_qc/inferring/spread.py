"""Measures how the numbers of a field are spread and how they change from row to row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from stream_qc import fieldtypes
from stream_qc.inferring.axes import Blocks, Order
from stream_qc.inferring.fields import Seen
from stream_qc.measurements import NO_MEASUREMENT
from stream_qc.schema import Field

KEPT = 100_000  # numbers of a sample
LARGEST = 1e300  # a margin around a larger number could overflow
MICROSECONDS = 1e6  # in a second
TIMES = pl.Datetime("us")
VALUE, TIME, NEW, NEVER = pl.col("v"), pl.col("t"), pl.col("new"), pl.lit(None, TIMES)
# The last two rows of each series. since: when the value was first the same. new: false, unlike in the rows below them.
ABOVE: dict[str, Any] = {"v": pl.Float64, "t": TIMES, "s": pl.String, "since": TIMES, "new": pl.Boolean}


@dataclass
class Sample:
    """An evenly spaced sample of many numbers, with the minimum and maximum of all of them."""

    least: float = math.inf
    most: float = -math.inf
    count: int = 0
    _kept: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Float64))
    _every: int = 1

    def add(self, numbers: pl.Series) -> None:
        numbers = numbers.drop_nulls()
        if not numbers.len():
            return
        self.count += numbers.len()
        self.least = min(self.least, float(numbers.min()))  # type: ignore[arg-type]  # numbers
        self.most = max(self.most, float(numbers.max()))  # type: ignore[arg-type]  # numbers
        self._kept = pl.concat([self._kept, numbers.gather_every(self._every)])
        while self._kept.len() > KEPT:
            self._kept, self._every = self._kept.gather_every(2), 2 * self._every

    def below(self, share: float) -> float:
        """Returns the number that this share of the numbers is below. The sample must not be empty."""
        return float(self._kept.quantile(share, "linear") or 0)


@dataclass
class Trend:
    """Fits a straight line to values over time, by least squares. Times are in seconds since the first one read."""

    begin: float | None = None
    first: float = math.inf
    last: float = -math.inf
    _sums: list[float] = field(default_factory=lambda: [0.0] * 5)

    def add(self, seconds: pl.Series, values: pl.Series) -> None:
        there = pl.DataFrame({"t": seconds, "v": values}).drop_nulls()
        if not there.height:
            return
        if self.begin is None:
            self.begin = float(there["t"][0])
        time, value = there["t"] - self.begin, there["v"]
        self.first = min(self.first, float(time.min() or 0))  # type: ignore[arg-type]  # numbers
        self.last = max(self.last, float(time.max() or 0))  # type: ignore[arg-type]  # numbers
        new = (there.height, time.sum(), value.sum(), time.dot(value), time.dot(time))
        self._sums = [one + float(other or 0) for one, other in zip(self._sums, new, strict=True)]

    @property
    def rise(self) -> float:
        """Returns how much the line rises from the first time to the last; negative if it falls."""
        count, times, values, products, squares = self._sums
        width = count * squares - times**2
        slope = (count * products - times * values) / width if width > 0 else 0.0
        return slope * (self.last - self.first) if count and math.isfinite(slope) else 0.0


@dataclass
class Spread:
    """The values of a field, and how they change between neighbouring rows of a series.

    trend: of the values. seconds: the intervals between the rows. spikes: how far each value is from the mean of its neighbours.
    rates: the steps from the row above, a second. steps, still: how many steps there are, and how many of them are 0. smallest:
    the smallest other step. longest_still: the longest time without a change, in seconds.
    """

    values: Sample = field(default_factory=Sample)
    trend: Trend = field(default_factory=Trend)
    seconds: Sample = field(default_factory=Sample)
    spikes: Sample = field(default_factory=Sample)
    rates: Sample = field(default_factory=Sample)
    steps: int = 0
    still: int = 0
    smallest: float = math.inf
    longest_still: float = 0.0
    _above: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ABOVE))

    def begin_file(self) -> None:
        """Forgets the last rows: files may be given in any order."""
        self._above = self._above.clear()

    def add(self, rows: pl.DataFrame) -> None:
        """Adds rows with their value `v`, the time `t` (null if there is none) and their series `s`."""
        self.values.add(rows["v"])
        self.trend.add(rows["t"].cast(pl.Int64) / MICROSECONDS, rows["v"])
        changed = self._changed(rows)
        # The last row above has a row below it only now.
        self.spikes.add(changed.filter(NEW | NEW.shift(-1).over("s"))["spike"])
        fresh = changed.filter(NEW)
        later = fresh.filter(pl.col("seconds") > 0)
        self.seconds.add(later["seconds"])
        self.rates.add(later["step"] / later["seconds"])
        steps = fresh["step"].drop_nulls()
        moved = steps.filter(steps > 0)
        self.steps += steps.len()
        self.still += steps.len() - moved.len()
        self.smallest = min(self.smallest, float(moved.min() or math.inf))  # type: ignore[arg-type]  # numbers
        still = fresh.select((TIME - pl.col("since")).dt.total_microseconds().max()).item()
        self.longest_still = max(self.longest_still, (still or 0) / MICROSECONDS)
        above = changed.group_by("s", maintain_order=True).tail(2).with_columns(new=pl.lit(value=False))
        self._above = above.select(self._above.columns)

    def _changed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows below the last ones above, with their changes: `step`, `seconds` and `spike`."""
        known = pl.concat([self._above, rows.with_columns(since=NEVER, new=pl.lit(value=True))])
        step = (VALUE - VALUE.shift(1)).over("s").abs()
        since = pl.when(NEW & (step != 0).fill_null(value=True)).then(TIME).otherwise("since")
        return known.with_columns(
            step=step,
            seconds=(TIME - TIME.shift(1)).over("s").dt.total_microseconds() / MICROSECONDS,
            spike=(VALUE - (VALUE.shift(1) + VALUE.shift(-1)) / 2).over("s").abs(),
            since=since.forward_fill().over("s"),
        )


def may_be_measurement(one: Seen) -> bool:
    """Returns whether a field holds finite numbers, and no identifiers, parts of a date or positions."""
    numbers = one.found.type in ("integer", "number") and not one.infinite and one.least <= one.most
    return numbers and not NO_MEASUREMENT.match(one.name) and max(abs(one.least), abs(one.most)) <= LARGEST


def spreads(files: Sequence[Blocks], seen: list[Seen], order: Order, missing: list[str]) -> dict[str, Spread]:
    """Returns the spread of each field that may be a measurement, by name. missing: what is taken for missing values."""
    found = {one.name: Spread() for one in seen if may_be_measurement(one)}
    absent = pl.Series(missing, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls().to_list()
    for blocks in files if found else ():
        for spread in found.values():
            spread.begin_file()
        for block in blocks():
            axis, series = order.axis, order.series
            none = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, block.height)
            time = none if axis is None else fieldtypes.parse(block.given(axis.name), axis.kind).cast(pl.Datetime("us"))
            one = pl.repeat("", block.height, eager=True) if series is None else fieldtypes.text(block.given(series))
            for name, spread in found.items():
                values = fieldtypes.parse(block.given(name), Field(name, "number")).cast(pl.Float64)
                values = values.set(values.is_in(absent).fill_null(value=False), None).fill_nan(None)
                spread.add(pl.DataFrame({"v": values, "t": time, "s": one}))
    return found
