"""Where in a stream the failing rows are: from when to when, and whether all have the same value."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence

import polars as pl

from stream_qc.checks.base import show_time
from stream_qc.reading.block import Block
from stream_qc.results import shorten

FEW = 10  # values that are compared before all of them are
KEPT_BLOCKS = 4  # flat_line_test flags rows when there are three
SHOWN_CHARACTERS = 40


class Times:
    """The times of the last rows."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, pl.Series]] = deque(maxlen=KEPT_BLOCKS)  # each with its first row

    def add(self, block: Block) -> None:
        time = block.schema.axes.time
        if time is not None:
            self._blocks.append((block.first, block.typed(time).cast(pl.Datetime("us"))))

    def of(self, first: int, places: pl.Series) -> pl.Series | None:
        """Returns the times of rows, null for one without; None if they are not kept. places: those of the rows, counted from the
        row `first`.
        """
        if not self._blocks:  # there is no time axis
            return pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, places.len())
        above = [start for start, _ in self._blocks if start <= first]
        if not above:
            return None
        times = [times for start, times in self._blocks if start >= above[-1]]
        return pl.concat(times).gather(places + (first - above[-1]))


class Extent:
    """The times of the first and the last failing row, and the value that all of them have."""

    def __init__(self) -> None:
        self._times: tuple[dt.datetime, dt.datetime] | None = None
        self._values: set[str | None] = set()  # at most two
        self._known = True  # whether every failing row was added

    def lose(self) -> None:
        """Says that there are failing rows of which nothing is known."""
        self._known = False

    def add(
        self, times: pl.Series | None, places: pl.Series, cells: Callable[[pl.Series], Sequence[str | None]]
    ) -> None:
        """Adds failing rows. times: None if they are not known. cells: returns the texts of cells, given their places."""
        for some in (places.head(FEW), places):
            if len(self._values) < 2:
                self._values = {*[*self._values, *dict.fromkeys(cells(some))][:2]}
        first, last = (None, None) if times is None else (times.min(), times.max())
        if isinstance(first, dt.datetime) and isinstance(last, dt.datetime):
            self._include(first, last)
        elif times is None:
            self._known = False

    def include(self, later: Extent) -> None:
        """Adds the failing rows of the next stretch."""
        self._values = {*sorted(self._values | later._values, key=str)[:2]}
        self._known = self._known and later._known
        if later._times is not None:
            self._include(*later._times)

    def _include(self, first: dt.datetime, last: dt.datetime) -> None:
        known = self._times or (first, last)
        self._times = min(first, known[0]), max(last, known[1])

    @property
    def words(self) -> list[str]:
        """Returns the extent in words, such as `from 2013-01-04 to 2013-07-02` and `all -9999`; nothing if it is not known."""
        if not self._known:
            return []
        found = [f"from {show_time(self._times[0])} to {show_time(self._times[1])}"] if self._times else []
        (value, *others) = self._values or {None}
        return found if others or not value else [*found, f"all {shorten(value, SHOWN_CHARACTERS)}"]
