"""Computes the median interval between the times of a stream, without keeping all intervals in memory.

Two tests of ioos_qc convert seconds to a number of rows by the median interval, so they would need the end of the stream to
flag its first row. Here they start with the median of the first block and compare it with the median of the whole stream
at the end. If both give the same number of rows, as in a regular stream, one pass is enough. If not, the check requests a
second pass.
"""

from __future__ import annotations

import polars as pl

SECOND = 1_000_000  # microseconds


class Intervals:
    """Counts the intervals by whole second, or by microsecond below one second, with the shortest and longest of each count.

    This gives the median: if both middle intervals fall into the same count, so does their mean. If not, they are the longest
    interval of the lower count and the shortest of the upper one.
    """

    def __init__(self) -> None:
        self._counts: dict[
            int, tuple[int, int, int]
        ] = {}  # start -> number, least, most; all but the number in microseconds
        self._last: pl.Series | None = None

    def add(self, times: pl.Series) -> None:
        """Adds the times of the next rows, Datetime in microseconds. Intervals to or from a missing time are left out."""
        known = times if self._last is None else pl.concat([self._last, times])
        if times.len():
            self._last = times.tail(1)
        intervals = known.to_physical().diff().drop_nulls()
        shortest, longest = intervals.min(), intervals.max()
        if not isinstance(shortest, int) or not isinstance(longest, int):
            return  # there is no interval
        if shortest == longest:
            self._count(_start(shortest), intervals.len(), shortest, longest)
            return
        us = pl.col("us")
        start = pl.when(us.is_between(0, SECOND, closed="left")).then(us).otherwise(us // SECOND * SECOND)
        counted = intervals.to_frame("us").group_by(start.alias("start"))
        for row in counted.agg(pl.len().alias("n"), us.min().alias("least"), us.max().alias("most")).iter_rows():
            self._count(*row)

    def _count(self, start: int, number: int, least: int, most: int) -> None:
        before = self._counts.get(start, (0, least, most))
        self._counts[start] = (before[0] + number, min(before[1], least), max(before[2], most))

    def median(self) -> int | None:
        """Returns the median interval in microseconds, or None if there is no interval.

        From one second on it is rounded down to whole seconds, as in ioos_qc. Below, where ioos_qc cannot work, it is exact.
        """
        total = sum(count for count, _, _ in self._counts.values())
        if not total:
            return None
        lower, upper = self._at((total - 1) // 2), self._at(total // 2)
        return _start(lower if lower == upper else (self._counts[lower][2] + self._counts[upper][1]) // 2)

    def _at(self, rank: int) -> int:
        for start in sorted(self._counts):
            rank -= self._counts[start][0]
            if rank < 0:
                return start
        raise IndexError(rank)


def _start(interval: int) -> int:
    """Returns the interval as it is counted: in whole seconds, or in microseconds below one second."""
    return interval if 0 <= interval < SECOND else interval // SECOND * SECOND


def rows_in(seconds: float, interval: int) -> int:
    """Returns how many intervals fit into these seconds. interval: the median in microseconds, above 0.

    From an interval of one second on, fractions of a second do not count, as in ioos_qc.
    """
    return (int(seconds) * SECOND if interval >= SECOND else round(seconds * SECOND)) // interval
