"""The points that a check flagged, and the stretches of rows that it flagged one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from stream_qc.checks.base import Flags, Late
from stream_qc.flags import FAIL, SUSPECT
from stream_qc.reporting.recent import Recent
from stream_qc.reporting.trace import NO_POINTS, thinned

MOST_POINTS = 1000  # of each flag of a check; beyond, the lowest and highest of every few rows
MOST_SPANS = 200
STATE = ("points", "spans", "count", "whole", "_width")
GAPS = ("time_gap_test",)  # what these flag lies between a row and the one above it
STRETCHES = ("flat_line_test", "attenuated_signal_test")
NO_SPANS = pl.DataFrame(schema={"first": pl.Int64, "last": pl.Int64, "start": pl.Int64, "end": pl.Int64})


class Marks:
    """What one check flagged SUSPECT and FAIL.

    attempt: calls a function, and keeps what it raises. gaps: whether neighbouring rows are of one series, so that gaps and
    stretches can be told.
    """

    def __init__(
        self, field: str, test: str, recent: Recent, attempt: Callable[[Callable[[], None]], None], *, gaps: bool
    ) -> None:
        self.field, self.test = field, test
        self._recent, self._attempt, self._gaps = recent, attempt, gaps
        self.restart()

    def restart(self) -> None:
        """Discards everything, as the flags will be given again."""
        self.points = dict.fromkeys((SUSPECT, FAIL), NO_POINTS)
        self.spans = dict.fromkeys((SUSPECT, FAIL), NO_SPANS)
        self.count = dict.fromkeys((SUSPECT, FAIL), 0)
        self.whole = dict.fromkeys((SUSPECT, FAIL), False)  # whether all rows got the flag at once
        self._width = dict.fromkeys((SUSPECT, FAIL), 1)

    def state(self) -> dict[str, Any]:
        """Returns what was flagged so far, to go on in another process."""
        return {name: getattr(self, name) for name in STATE}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where another one was."""
        vars(self).update(state)

    def include(self, later: Marks) -> None:
        """Adds what the check flagged in the next stretch of the stream."""
        self._attempt(lambda: self._include(later))

    def _include(self, later: Marks) -> None:
        for flag in self.count:
            self.count[flag] += later.count[flag]
            self.whole[flag] = self.whole[flag] or later.whole[flag]
            self._width[flag] = max(self._width[flag], later._width[flag])
            self.points[flag] = self._thinned(flag, pl.concat([self.points[flag], later.points[flag]]))
            joined = pl.concat([self.spans[flag], later.spans[flag]])
            if self.test in GAPS:
                self.spans[flag] = _longest(joined, pl.col("end") - pl.col("start"))
            else:
                self.spans[flag] = _longest(_connected(joined), pl.col("last") - pl.col("first"))

    def add(self, found: Flags) -> None:
        """Adds the flags of consecutive rows."""
        self._attempt(lambda: self._add_flags(found))

    def change(self, late: Late) -> None:
        """Corrects rows that were flagged before. Their numbers may be long gone; then they stand at the edge of a picture."""
        if late.was in self.count:
            self.restart()  # no check corrects such a flag; its examples in the table stay right
        if late.flag in self.count:
            self._attempt(lambda: self._change(late))

    def _change(self, late: Late) -> None:
        if late.rows is None:
            self.count[late.flag] += late.count
            self.whole[late.flag] = True
            return
        rows = late.rows.cast(pl.Int64).alias("row")
        points = self._recent.points(rows.sort(), self.field)
        if late.times is not None and self._recent.by_time:
            times = pl.DataFrame([rows, late.times.dt.epoch("ms").cast(pl.Int64).alias("x")]).sort("row")
            points = points.with_columns(times["x"])
        self._add(late.flag, points)

    def _add_flags(self, found: Flags) -> None:
        for flag in (SUSPECT, FAIL):
            offending = (found.flags == flag).arg_true()
            if offending.len():
                self._add(flag, self._recent.points(offending.cast(pl.Int64) + found.first, self.field))

    def _add(self, flag: int, points: pl.DataFrame) -> None:
        self.count[flag] += points.height
        known = points.drop_nulls("x")
        if self._width[flag] > 1:
            known = thinned(known, pl.col("row") // self._width[flag])
        self.points[flag] = self._thinned(flag, pl.concat([self.points[flag], known]))
        if self.test in GAPS and self._gaps:
            self._gap(flag, points)
        if self.test in STRETCHES and self._gaps:
            self._shade(flag, points)

    def _thinned(self, flag: int, points: pl.DataFrame) -> pl.DataFrame:
        """Returns the points, fewer if they are many: as a Trace does, so that no part of the stream has more than another."""
        while points.height > 2 * MOST_POINTS:
            self._width[flag] *= 2
            points = thinned(points, pl.col("row") // self._width[flag])
        return points

    def _shade(self, flag: int, points: pl.DataFrame) -> None:
        """Adds stretches of rows that follow each other."""
        begins = (pl.col("row").diff().fill_null(0) != 1).cum_sum().alias("group")
        groups = points.with_columns(begins).group_by("group", maintain_order=True)
        spans = groups.agg(
            pl.col("row").first().alias("first"), pl.col("row").last().alias("last"),
            pl.col("x").first().alias("start"), pl.col("x").last().alias("end"),
        ).drop("group")  # fmt: skip
        joined = pl.concat([self.spans[flag], spans.drop_nulls()])
        self.spans[flag] = _longest(_connected(joined), pl.col("last") - pl.col("first"))

    def _gap(self, flag: int, points: pl.DataFrame) -> None:
        """Adds the gaps before these rows."""
        above = self._recent.points(points["row"] - 1, self.field)["x"].alias("start")
        rows = points.select(pl.col("row").alias("first"), pl.col("row").alias("last"), above, pl.col("x").alias("end"))
        joined = pl.concat([self.spans[flag], rows.drop_nulls()])
        self.spans[flag] = _longest(joined, pl.col("end") - pl.col("start"))


def _longest(spans: pl.DataFrame, length: pl.Expr) -> pl.DataFrame:
    return spans.top_k(MOST_SPANS, by=length).sort("first") if spans.height > MOST_SPANS else spans


def _connected(spans: pl.DataFrame) -> pl.DataFrame:
    """Returns the spans with those that follow each other directly as one."""
    begins = (pl.col("first") != pl.col("last").shift(1) + 1).fill_null(value=True).cum_sum().alias("group")
    groups = spans.with_columns(begins).group_by("group", maintain_order=True)
    return groups.agg(
        pl.col("first").first(), pl.col("last").last(), pl.col("start").first(), pl.col("end").last()
    ).drop("group")
