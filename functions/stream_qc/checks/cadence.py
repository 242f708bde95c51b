"""Computes the median interval between the times of a stream, without keeping all intervals in memory.

Two tests of ioos_qc convert seconds to a number of rows by the median interval, so they would need the end of the stream to
flag its first row. Here they start with the median of the first block and compare it with the median of the whole stream
at the end. If both give the same number of rows, as in a regular stream, one pass is enough. If not, the check requests a
second pass.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import polars as pl

from stream_qc.checks.counts import Counts

MICROSECOND = dt.timedelta(microseconds=1)
SECOND = 1_000_000  # microseconds
MOST_COUNTS, MOST_EVEN = 200_000, 100  # in memory
BINS = 50_000
COUNTS = {"start": pl.Int64, "n": pl.Int64, "least": pl.Int64, "most": pl.Int64}


class Intervals:
    """Counts the intervals by whole second, or by microsecond below one second, with the shortest and longest of each count.

    This gives the median: if both middle intervals fall into the same count, so does their mean. If not, they are the longest
    interval of the lower count and the shortest of the upper one. Few streams have more than MOST_COUNTS different intervals;
    the counts of those go to temporary files.
    """

    def __init__(self) -> None:
        self._counts = Counts(["start"], MOST_COUNTS, smallest="least", largest="most")
        # The intervals of blocks in which all are the same. They are in no other count.
        self._even: Counter[int] = Counter()
        self._last: pl.Series | None = None

    def forget(self) -> None:
        """Discards the intervals, but not the last time: the interval to the next row counts."""
        self._counts.forget()
        self._even = Counter()

    def include(self, earlier: Intervals) -> None:
        """Adds the intervals of the rows above."""
        self._counts.include(earlier._counts)
        self._even += earlier._even

    def add(self, times: pl.Series, every: int | None = None) -> None:
        """Adds the times of the next rows, Datetime in microseconds. Intervals to or from a missing time are left out.

        every: the interval between all of these times, in microseconds, if it is the same and none is missing.
        """
        if every is not None:
            self._add_even(times, every)
            return
        known = times if self._last is None else pl.concat([self._last, times])
        if times.len():
            self._last = times.tail(1)
        intervals = known.to_physical().diff().slice(1).drop_nulls().alias("us")
        if not intervals.len():
            return
        usual = int(intervals[0])  # most streams have nearly no others
        others = intervals.filter(intervals != usual)
        counted = _counted(usual, intervals.len() - others.len())
        if others.len():
            us = pl.col("us")
            grouped = others.to_frame().group_by(start_of(us).alias("start"))
            counts = grouped.agg(pl.len().cast(pl.Int64).alias("n"), us.min().alias("least"), us.max().alias("most"))
            counted = pl.concat([counted, counts])
        self._counts.add(counted)

    def _add_even(self, times: pl.Series, every: int) -> None:
        before = None if self._last is None else self._last[0]
        if before is not None:
            self._even[(times[0] - before) // MICROSECOND] += 1
        self._even[every] += times.len() - 1
        self._last = times.tail(1)
        if len(self._even) > MOST_EVEN:
            self._counts.add(pl.concat(_counted(us, count) for us, count in self._even.items()))
            self._even.clear()

    def median(self) -> int | None:
        """Returns the median interval in microseconds, or None if there is no interval.

        From one second on it is rounded down to whole seconds, as in ioos_qc. Below, where ioos_qc cannot work, it is exact.
        """
        self._counts.merge()
        total = sum(int(part["n"].sum()) for part in self._parts())
        if not total:
            return None
        lower, upper = self._at((total - 1) // 2), self._at(total // 2)
        return _start(lower[0] if lower[0] == upper[0] else (lower[2] + upper[1]) // 2)

    def _at(self, rank: int) -> tuple[int, int, int]:
        """Returns the count of the interval with this rank in ascending order: its start, shortest and longest interval."""
        ends = [(int(part["start"].min()), int(part["start"].max())) for part in self._parts()]  # type: ignore[arg-type]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
        while low < high:  # narrows down the starts, with memory for BINS of them
            width = (high - low) // BINS + 1
            bins = pl.concat(
                part.filter(pl.col("start").is_between(low, high))
                .group_by(((pl.col("start") - low) // width).alias("bin"))
                .agg(pl.col("n").sum())
                for part in self._parts()
            )
            bins = (
                bins.group_by("bin").agg(pl.col("n").sum()).sort("bin").with_columns(pl.col("n").cum_sum().alias("end"))
            )
            number, count, end = bins.row(int((bins["end"] <= rank).sum()))
            rank -= end - count
            low, high = low + number * width, min(high, low + (number + 1) * width - 1)
        of_start = pl.concat(part.filter(pl.col("start") == low) for part in self._parts())
        return low, int(of_start["least"].min()), int(of_start["most"].max())  # type: ignore[arg-type]

    def _parts(self) -> Iterator[pl.DataFrame]:
        yield from self._counts.parts()
        yield from (_counted(us, count) for us, count in self._even.items())


def _counted(us: int, count: int) -> pl.DataFrame:
    """Returns the count of an interval as a row of COUNTS."""
    return pl.DataFrame([[_start(us)], [count], [us], [us]], schema=COUNTS)


def _start(interval: int) -> int:
    """Returns the interval as it is counted: in whole seconds, or in microseconds below one second."""
    return interval if 0 <= interval < SECOND else interval // SECOND * SECOND


def start_of(us: pl.Expr) -> pl.Expr:
    """Returns the intervals as they are counted: in whole seconds, or in microseconds below one second."""
    return pl.when(us.is_between(0, SECOND, closed="left")).then(us).otherwise(us // SECOND * SECOND)


def rows_in(seconds: float, interval: int) -> int:
    """Returns how many intervals fit into these seconds. interval: the median in microseconds, above 0.

    From an interval of one second on, fractions of a second do not count, as in ioos_qc.
    """
    return (int(seconds) * SECOND if interval >= SECOND else round(seconds * SECOND)) // interval
