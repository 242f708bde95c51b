"""The points that a check flagged, and the stretches of rows that it flagged one after the other."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from stream_qc.checks.base import Flags, Late
from stream_qc.flags import FAIL, SUSPECT
from stream_qc.reporting.recent import Recent
from stream_qc.reporting.trace import NO_POINTS, thinned

MOST_POINTS = 1000  # of each flag of a check; beyond, the lowest and highest of neighbours
MOST_SPANS = 200
GAPS = ("time_gap_test",)  # what these flag lies between a row and the one above it
STRETCHES = ("flat_line_test", "attenuated_signal_test")
NO_SPANS = pl.DataFrame(schema={"first": pl.Int64, "last": pl.Int64, "start": pl.Int64, "end": pl.Int64})


class Marks:
    """What one check flagged SUSPECT and FAIL.

    attempt: calls a function, and keeps what it raises. gaps: whether the gap before a flagged row can be told.
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

    def add(self, found: Flags) -> None:
        """Adds the flags of consecutive rows."""
        self._attempt(lambda: self._add_flags(found))

    def change(self, late: Late) -> None:
        """Corrects rows that were flagged before. Of those that are long gone, only the first are known."""
        if late.was in self.count:
            self.restart()  # no check corrects such a flag; its examples in the table stay right
        if late.flag in self.count and late.rows is not None:
            rows = late.rows.cast(pl.Int64).sort()
            self._attempt(lambda: self._add(late.flag, rows))

    def _add_flags(self, found: Flags) -> None:
        for flag in (SUSPECT, FAIL):
            offending = (found.flags == flag).arg_true()
            if offending.len():
                self._add(flag, offending.cast(pl.Int64) + found.first)

    def _add(self, flag: int, rows: pl.Series) -> None:
        self.count[flag] += rows.len()
        points = self._recent.points(rows, self.field)
        joined = pl.concat([self.points[flag], points.drop_nulls("x")])
        if joined.height > 2 * MOST_POINTS:
            size = -(-joined.height * 2 // MOST_POINTS)
            joined = thinned(joined, pl.int_range(pl.len()) // size)
        self.points[flag] = joined
        if self.test in GAPS and self._gaps:
            self._gap(flag, points)
        if self.test in STRETCHES:
            self._shade(flag, points)

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
