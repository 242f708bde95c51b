"""Where in a stream the failing rows are, and what they have in common: from when to when, and one number."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl

from stream_qc.checks.base import Late, show_time

FEW = 10  # numbers that are compared before all of them are


class Extent:
    """The times of the first and the last failing row, and the number that all of them have."""

    def __init__(self) -> None:
        self._times: tuple[dt.datetime, dt.datetime] | None = None
        self._known = True  # whether every failing row was added with its time
        self._number: float | None = None
        self._differ = False  # whether one has another number, or none

    def add(self, times: pl.Series, rows: pl.Series, numbers: pl.Series | None) -> None:
        """Adds failing rows. times: of each. numbers: of the block, in which `rows` are the places of the failing ones."""
        self._between(times)
        for some in (rows.head(FEW), rows):
            if not self._differ:
                self._compare(None if numbers is None else numbers.gather(some))

    def add_late(self, late: Late) -> None:
        """Adds rows that change to FAIL. They were compared with others, so their numbers are not what is wrong."""
        self._differ = True
        if late.times is None:
            self._known = False
        else:
            self._between(late.times)

    def include(self, later: Extent) -> None:
        """Adds the failing rows of the next stretch."""
        self._known = self._known and later._known
        if later._times is not None:
            self._widen(*later._times)
        self._differ = self._differ or later._differ
        if later._number is not None:
            self._compare(pl.Series([later._number]))

    def words(self, *, times: bool, number: bool) -> list[str]:
        """Returns what is known and may be shown, such as `from 2013-01-04 to 2013-07-02` and `all -9999`."""
        found = (
            [f"from {show_time(self._times[0])} to {show_time(self._times[1])}"]
            if times and self._known and self._times
            else []
        )
        return found if not number or self._differ or self._number is None else [*found, f"all {_spell(self._number)}"]

    def _between(self, times: pl.Series) -> None:
        first, last = times.min(), times.max()
        if isinstance(first, dt.datetime) and isinstance(last, dt.datetime):
            self._widen(first, last)

    def _widen(self, first: dt.datetime, last: dt.datetime) -> None:
        known = self._times or (first, last)
        self._times = min(first, known[0]), max(last, known[1])

    def _compare(self, numbers: pl.Series | None) -> None:
        if numbers is None or numbers.null_count():
            self._differ = True
            return
        least, most = numbers.min(), numbers.max()
        self._differ = self._differ or least != most or self._number not in (None, least)
        self._number = least  # type: ignore[assignment]  # a number, as all of them are


def _spell(number: float) -> str:
    """Returns a number as every format of file spells it: without a point if it is whole."""
    whole = isinstance(number, int) or (math.isfinite(number) and number == int(number) and abs(number) < 2**53)
    return str(int(number)) if whole else str(number)
