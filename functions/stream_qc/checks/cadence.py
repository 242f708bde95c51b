"""The median interval between a stream's times, exact in memory that does not grow with the stream.

Two tests of ioos_qc count rows by it and so need the end of the stream before they can flag its first row. Here they
start with the median of the first block and at the end compare it with the median of all: as long as both stand for the
same number of rows, which is what a stream with a cadence does, one pass is enough; if not, the check asks for another.
"""

from __future__ import annotations

import polars as pl


class Intervals:
    """The intervals by whole second: how many, the shortest and the longest. That is enough for the median's second.

    Where both middle intervals share a second, so does their mean; where they do not, they are the longest of the one
    and the shortest of the other.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, tuple[int, int, int]] = {}  # second -> count, least, most, in microseconds
        self._last: pl.Series | None = None

    def add(self, times: pl.Series) -> None:
        """Takes the times of the next rows, Datetime in microseconds; an interval beside a missing time does not count."""
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
        """The median interval, cut to whole seconds; None where there is no interval."""
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
