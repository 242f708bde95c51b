"""flat_line_test within each series of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import polars as pl

from stream_qc.checks.base import Again, Flagging, finite, time_of
from stream_qc.checks.in_series import InSeries
from stream_qc.checks.series import Series
from stream_qc.checks.series_cadence import SeriesIntervals
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block

FEWEST_ROWS = 3
NEVER = 2**40  # rows: no series has so many


class Limits(Protocol):
    """The parameters of the test: those of FlatLineTest."""

    @property
    def tolerance(self) -> float: ...
    def counts(self, interval: int) -> tuple[int, int] | None: ...
    def why(
        self, field: str, raw: str | None, flag: int, start: dt.datetime | None, end: dt.datetime | None
    ) -> str: ...


def spread(count: int) -> pl.Expr:
    """Returns how much the values of each row and the `count` rows above it differ at most."""
    size = count + 1
    return (pl.col("v").rolling_max(size, min_samples=1) - pl.col("v").rolling_min(size, min_samples=1)).abs()


class FlatLineInSeries(InSeries):
    """As stream_qc.checks.flat_line.FlatLineCheck, within each series and with the median interval of each.

    The first pass takes the commonest median of the first block for that of every series. If another gives other numbers of
    rows, there is a second pass. counts: `series`, `suspect` and `fail`, the k of both thresholds; null if the times of the
    series do not advance.
    """

    test = "flat_line_test"
    unjudged = "no series has times with a median interval above zero, so the thresholds cannot be converted to rows"
    above: ClassVar = {"v": pl.Float64, "t": pl.Datetime("us"), "place": pl.Int64}

    def __init__(
        self, field: str, time: str, limits: Limits, series: Series, counts: pl.DataFrame | None = None
    ) -> None:
        super().__init__(field, (field, time), series)
        self.time, self.limits = time, limits
        self._counts = counts
        self._assumed: tuple[int, int] | None = None  # the k of every series, in the first pass
        self._certain = True  # whether no row was flagged before an interval was known
        self._intervals = SeriesIntervals()

    @property
    def carried(self) -> object:
        return object()  # equal to nothing: stretches cannot be joined as they are

    def values(self, block: Block) -> pl.DataFrame:
        return pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        if self._counts is None:
            self._intervals.add(known.select("series", "t", "new"))
            self._assume()
        # The place of a row in its series, from 0.
        counted = (pl.col("place").first().fill_null(0) + pl.int_range(pl.len())).over("series")
        rows = self._with_counts(known.with_columns(counted.alias("place")))
        parts = rows.partition_by("suspect", "fail", maintain_order=True)
        judged = pl.concat(self._flagged(part) for part in parts)
        return judged if len(parts) == 1 else judged.sort("series", maintain_order=True)

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        most = pl.max_horizontal("suspect", "fail", 1)
        return judged.filter(pl.col("place") > pl.col("place").last().over("series") - most)

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        return self.limits.why(self.field, raw, row["flag"], row["start"], row["t"])

    def finish(self) -> Iterable[Again]:
        if self._counts is None:
            exact = self._exact()
            assumed = self._with_counts(exact.select("series"))
            if not self._certain or not exact.select("series", "suspect", "fail").equals(assumed):
                yield Again(FlatLineInSeries(self.field, self.time, self.limits, self.series, exact))

    def _assume(self) -> None:
        if self._assumed is None and (medians := self._intervals.medians()["interval"]).len():
            self._assumed = self.limits.counts(int(medians.mode().min()))  # type: ignore[arg-type]  # a number
        self._certain = self._certain and self._assumed is not None

    def _with_counts(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._counts is not None:
            return rows.join(self._counts, on="series", how="left", maintain_order="left")
        suspect, fail = self._assumed or (None, None)
        return rows.with_columns(
            pl.lit(suspect, dtype=pl.Int64).alias("suspect"), pl.lit(fail, dtype=pl.Int64).alias("fail")
        )

    def _exact(self) -> pl.DataFrame:
        """Returns the counts of every series, by its own median interval. In fewer than FEWEST_ROWS, no row is flat."""
        last = self._above.group_by("series", maintain_order=True).last().select("series", "place")
        known = last.join(self._intervals.medians(), on="series", how="left", maintain_order="left")
        counts = {interval: self.limits.counts(interval or 0) for interval in known["interval"].unique()}
        few = pl.col("place") + 1 < FEWEST_ROWS
        found = [
            pl.col("interval")
            .replace_strict(
                {interval: count and count[index] for interval, count in counts.items()}, return_dtype=pl.Int64
            )
            .alias(name)
            for index, name in enumerate(("suspect", "fail"))
        ]
        return known.with_columns(found).select(
            "series", *(pl.when(few).then(NEVER).otherwise(name).alias(name) for name in ("suspect", "fail"))
        )

    def _flagged(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows, whose series all have the same counts, with their flags."""
        missing, place, count = pl.col("v").is_null(), pl.col("place"), rows.select("suspect", "fail").row(0)
        flag: Flagging = pl.when(missing).then(MISSING)
        start: Flagging = pl.when(missing).then(pl.lit(None, pl.Datetime("us")))
        if count[0] is None:
            flag = flag.when(pl.lit(value=True)).then(UNKNOWN)
        else:
            for most, found in ((count[1], FAIL), (count[0], SUSPECT)):
                if most < rows.height:
                    flat = (place >= most) & (spread(most) < self.limits.tolerance)
                    flag, start = flag.when(flat).then(found), start.when(flat).then(pl.col("t").shift(most))
        return rows.with_columns(
            flag.otherwise(GOOD).cast(pl.UInt8).alias("flag"), start.otherwise(None).alias("start")
        )
