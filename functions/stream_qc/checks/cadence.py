"""Computes the median interval between the times of a stream, without keeping all intervals in memory.

Two tests of ioos_qc convert seconds to a number of rows by the median interval, so they would need the end of the stream to
flag its first row. Here they start with the median of the first block and compare it with the median of the whole stream
at the end. If both give the same number of rows, as in a regular stream, one pass is enough. If not, the check requests a
second pass.
"""

from __future__ import annotations

import polars as pl


class Intervals:
    """Counts the intervals by whole second, with the shortest and the longest of each. This gives the median in seconds.

    If both middle intervals fall into the same second, so does their mean. If not, they are the longest interval of the
    lower second and the shortest of the upper one.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, tuple[int, int, int]] = {}  # second -> count, least, most, in microseconds
        self._last: pl.Series | None = None

    def add(self, times: pl.Series) -> None:
        """Adds the times of the next rows, Datetime in microseconds. Intervals to or from a missing time are left out."""
        known = times if self._last is None else pl.concat([self._last, times])
        if times.len():
            self._last = times.tail(1)
        intervals = known.to_physical().diff().drop_nulls().to_frame("us")
        if known.len():
            counted = intervals.group_by(pl.col("us") // 1_000_000).agg(
                pl.len().alias("n"), pl.col("us").min().alias("least"), pl.col("us").max().alias("most")
            )
            for second, count, least, most in counted.iter_rows():
                before = self._seconds.get(second, (0, least, most))
                self._seconds[second] = (before[0] + count, min(before[1], least), max(before[2], most))

    def median_seconds(self) -> int | None:
        """Returns the median interval in whole seconds, rounded down, or None if there is no interval."""
        total = sum(count for count, _, _ in self._seconds.values())
        if not total:
            return None
        lower, upper = self._at((total - 1) // 2), self._at(total // 2)
        if lower == upper:
            return lower
        return (self._seconds[lower][2] + self._seconds[upper][1]) // 2 // 1_000_000

    def _at(self, rank: int) -> int:
        for second in sorted(self._seconds):
            rank -= self._seconds[second][0]
            if rank < 0:
                return second
        raise IndexError(rank)
