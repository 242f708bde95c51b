"""Where in a stream the failing rows are: from when to when."""

from __future__ import annotations

import datetime as dt

import polars as pl

from stream_qc.checks.base import show_time


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
