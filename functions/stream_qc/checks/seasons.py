"""Which season of climatology_test applies to a row, in memory that grows in step with the seasons and the rows."""

from __future__ import annotations

import bisect
import datetime as dt
import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import polars as pl

from stream_qc.fieldtimes import utc

Span = tuple[float, float]
NONE = -1  # no season
EPOCH = utc("1970-01-01")
FIRST, LAST = -(2**62), 2**62


class Period(NamedTuple):
    """A unit of time. unit: returns its number for the times `t`. first, last: its numbers. hours: within fewer, it changes once
    at most.
    """

    unit: pl.Expr
    first: int
    last: int
    hours: int


TIME = pl.col("t")
YEAR = Period(TIME.dt.year(), 1, 9999, 365 * 24)
WEEK = Period(TIME.dt.week(), 1, 53, 7 * 24)
DAY_OF_YEAR = Period(TIME.dt.ordinal_day(), 1, 366, 24)
DAY_OF_WEEK = Period(TIME.dt.weekday() - 1, 0, 6, 24)
# The names are those of pandas, which ioos_qc uses. Weeks are ISO weeks; Monday is day 0.
PERIODS = {
    "year": YEAR,
    "quarter": Period(TIME.dt.quarter(), 1, 4, 90 * 24),
    "month": Period(TIME.dt.month(), 1, 12, 28 * 24),
    "week": WEEK,
    "weekofyear": WEEK,
    "day": Period(TIME.dt.day(), 1, 31, 24),
    "dayofyear": DAY_OF_YEAR,
    "day_of_year": DAY_OF_YEAR,
    "dayofweek": DAY_OF_WEEK,
    "day_of_week": DAY_OF_WEEK,
    "weekday": DAY_OF_WEEK,
    "hour": Period(TIME.dt.hour(), 0, 23, 1),
    "minute": Period(TIME.dt.minute(), 0, 59, 0),
    "second": Period(TIME.dt.second(), 0, 59, 0),
}


class Season(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """tspan: [from, to] in the unit of the period, or times if there is no period. vspan, fspan: in the field's units.
    zspan: in the units of the z axis. All bounds are inclusive and may be given in either order.
    """

    tspan: tuple[Any, Any]
    vspan: Span
    fspan: Span | None = None
    zspan: Span | None = None
    period: str | None = None


class Seasons:
    """Finds the season of each row: the number of the last one that applies, or NONE.

    Seasons of the same period and depths are cut into stretches of time in which one of them is the last. A row then needs
    one search for each such group.
    """

    def __init__(self, seasons: Sequence[Season]) -> None:
        groups: dict[tuple[str | None, Span | None], list[tuple[int, int, int]]] = {}
        for number, season in enumerate(seasons):
            start, end = _whole(season)
            zspan = season.zspan and (min(season.zspan), max(season.zspan))
            groups.setdefault((season.period, zspan), []).append((start, end, number))
        self._groups = [_Group(period, zspan, _stretches(spans)) for (period, zspan), spans in groups.items()]

    def of(self, times: pl.Series, depths: pl.Series) -> pl.Series:
        """Returns the season of each row. times: Datetime in microseconds. depths: Float64."""
        found = pl.Series([NONE], dtype=pl.Int64).new_from_index(0, times.len())
        for group in self._groups:
            here = group.seasons(times)
            if group.zspan is not None:
                here = here.zip_with(depths.is_between(*group.zspan).fill_null(value=False), pl.Series([NONE]))
            found = pl.select(pl.max_horizontal(found, here)).to_series()
        return found

    def between(self, first: dt.datetime, last: dt.datetime) -> set[int]:
        """Returns the seasons that may apply from first to last, at any depth; with NONE if perhaps none does."""
        possible = [group.between(first, last) | ({NONE} if group.zspan else set()) for group in self._groups]
        seasons = set[int]().union(*possible)
        return seasons if all(NONE in one for one in possible) else seasons - {NONE}


class _Group:
    """Seasons of one period and one span of depths. starts: where the stretches start. numbers: the season of each."""

    def __init__(self, period: str | None, zspan: Span | None, stretches: list[tuple[int, int]]) -> None:
        self.period, self.zspan = period, zspan
        self._starts, self._numbers = [start for start, _ in stretches], [number for _, number in stretches]
        self.starts, self.numbers = pl.Series(self._starts, dtype=pl.Int64), pl.Series(self._numbers, dtype=pl.Int64)

    def seasons(self, times: pl.Series) -> pl.Series:
        return self.numbers.gather(self.starts.search_sorted(self._units(times), side="right") - 1)

    def between(self, first: dt.datetime, last: dt.datetime) -> set[int]:
        start, end = self._units(pl.Series([first, last], dtype=pl.Datetime("us")))
        if self.period and (start > end or last - first >= dt.timedelta(hours=PERIODS[self.period].hours)):
            start, end = PERIODS[self.period].first, PERIODS[self.period].last
        return {*self._numbers[bisect.bisect_right(self._starts, start) - 1 : bisect.bisect_right(self._starts, end)]}

    def _units(self, times: pl.Series) -> pl.Series:
        """Returns the numbers by which stretches start. A missing time has that of the first one, which has no season."""
        unit = PERIODS[self.period].unit if self.period else TIME.to_physical()
        return times.to_frame("t").select(unit.cast(pl.Int64).fill_null(FIRST)).to_series()


def _whole(season: Season) -> tuple[int, int]:
    """Returns the first unit (or microsecond) of a season and the first one after it."""
    if season.period is None:
        start, end = sorted((utc(one) - EPOCH) // dt.timedelta(microseconds=1) for one in season.tspan)
        return start, end + 1
    low, high = sorted(max(-1e9, min(1e9, float(one))) for one in season.tspan)
    return math.ceil(low), math.floor(high) + 1


def _stretches(spans: Iterable[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Returns where each stretch starts and the last season in it. spans: the start, the end and the number of each season."""
    waiting = sorted(spans)
    edges = sorted({edge for start, end, _ in waiting for edge in (start, end) if start < end})
    active: list[tuple[int, int]] = []  # the negative number and the end of the seasons that have started
    found = [(FIRST, NONE)]
    place = 0
    for edge in edges:
        while place < len(waiting) and waiting[place][0] <= edge:
            _, end, number = waiting[place]
            heapq.heappush(active, (-number, end))
            place += 1
        while active and active[0][1] <= edge:
            heapq.heappop(active)
        found.append((edge, -active[0][0] if active else NONE))
    return found
