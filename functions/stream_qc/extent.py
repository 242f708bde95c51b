"""Where in a stream the failing rows are: from when to when."""

from __future__ import annotations

import datetime as dt

import polars as pl

from stream_qc.checks.base import Late, show_time, when_of
from stream_qc.reading.block import Block

KEPT_ROWS = 4  # flat_line_test flags its first rows when there are three


class Times:
    """The times of the block that is checked, and of the KEPT_ROWS above it, which some checks flag with it."""

    def __init__(self) -> None:
        self._block: Block | None = None
        self._above = pl.Series(dtype=pl.Datetime("us"))
        self._first = 0  # the row of the first one above

    def begin(self, block: Block) -> None:
        self._block = block

    def end(self) -> None:
        """Lets the block go, but for its last rows."""
        if self._block is not None and self._block.schema.axes.time is not None:
            tail = self._block.tail(KEPT_ROWS)
            known = pl.concat([self._above, when_of(tail)]).tail(KEPT_ROWS)
            self._above = pl.Series(known.to_list(), dtype=pl.Datetime("us"))
            self._first = tail.first + tail.height - self._above.len()
        self._block = None

    def of(self, first: int, places: pl.Series) -> pl.Series | None:
        """Returns the times of rows, null for one without; None if they are not kept.

        places: those of the rows, counted from the row `first`.
        """
        if self._block is not None and self._block.first <= first:
            return when_of(self._block).gather(places + (first - self._block.first))
        if first < self._first:
            return None
        known = self._above if self._block is None else pl.concat([self._above, when_of(self._block)])
        there = places + (first - self._first)
        return known.gather(there) if there.len() and int(there.max()) < known.len() else None  # type: ignore[arg-type]


class Extent:
    """The times of the first and the last failing row."""

    def __init__(self) -> None:
        self._times: tuple[dt.datetime, dt.datetime] | None = None
        self._known = True  # whether every failing row was added

    def add(self, times: pl.Series | None) -> None:
        """Adds failing rows. times: None if they are not known."""
        first, last = (None, None) if times is None else (times.min(), times.max())
        if isinstance(first, dt.datetime) and isinstance(last, dt.datetime):
            self._include(first, last)
        elif times is None:
            self._known = False

    def add_late(self, late: Late) -> None:
        """Adds rows that change to FAIL."""
        self.add(late.times)

    def include(self, later: Extent) -> None:
        """Adds the failing rows of the next stretch."""
        self._known = self._known and later._known
        if later._times is not None:
            self._include(*later._times)

    def _include(self, first: dt.datetime, last: dt.datetime) -> None:
        known = self._times or (first, last)
        self._times = min(first, known[0]), max(last, known[1])

    @property
    def words(self) -> list[str]:
        """Returns the extent in words, such as `from 2013-01-04 to 2013-07-02`; nothing if it is not known."""
        if not self._known:
            return []
        return [f"from {show_time(self._times[0])} to {show_time(self._times[1])}"] if self._times else []
