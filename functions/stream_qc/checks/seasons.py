"""Which season of climatology_test applies to a row, in time and memory that grow with the seasons and not with their product."""

from __future__ import annotations

import datetime as dt
import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import polars as pl

from stream_qc.fieldtypes import utc

Span = tuple[float, float]
NONE = -1  # no season
EPOCH = utc("1970-01-01")
FIRST, LAST = -(2**62), 2**62


class Period(NamedTuple):
    """A unit of time. unit: returns its number for the times `t`. shortest: a span of time in which it changes at most once."""

    unit: pl.Expr
    shortest: dt.timedelta


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


TIME = pl.col("t")
# The names are those of pandas, which ioos_qc uses. Weeks are ISO weeks; Monday is day 0.
PERIODS = {
    "year": Period(TIME.dt.year(), _days(365)),
    "quarter": Period(TIME.dt.quarter(), _days(90)),
    "month": Period(TIME.dt.month(), _days(28)),
    "week": Period(TIME.dt.week(), _days(7)),
    "weekofyear": Period(TIME.dt.week(), _days(7)),
    "day": Period(TIME.dt.day(), _days(1)),
    "dayofyear": Period(TIME.dt.ordinal_day(), _days(1)),
    "day_of_year": Period(TIME.dt.ordinal_day(), _days(1)),
    "dayofweek": Period(TIME.dt.weekday() - 1, _days(1)),
    "day_of_week": Period(TIME.dt.weekday() - 1, _days(1)),
    "weekday": Period(TIME.dt.weekday() - 1, _days(1)),
    "hour": Period(TIME.dt.hour(), dt.timedelta(hours=1)),
    "minute": Period(TIME.dt.minute(), dt.timedelta(minutes=1)),
    "second": Period(TIME.dt.second(), dt.timedelta(seconds=1)),
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
        self.starts = pl.Series([start for start, _ in stretches], dtype=pl.Int64)
        self.numbers = pl.Series([number for _, number in stretches], dtype=pl.Int64)

    def seasons(self, times: pl.Series) -> pl.Series:
        return self.numbers.gather(self._place(times))

    def between(self, first: dt.datetime, last: dt.datetime) -> set[int]:
        start, end = self._place(pl.Series([first, last], dtype=pl.Datetime("us")))
        grows = self.period in (None, "year") or last - first < PERIODS[self.period].shortest
        if grows and start <= end:
            return set(self.numbers.slice(start, end - start + 1))
        return {NONE, *self.numbers}

    def _place(self, times: pl.Series) -> pl.Series:
        """Returns the stretch of each time. A missing time is in the first one, which has no season."""
        unit = times.to_frame("t").select(PERIODS[self.period].unit if self.period else TIME.to_physical()).to_series()
        return self.starts.search_sorted(unit.cast(pl.Int64).fill_null(FIRST), side="right") - 1


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
