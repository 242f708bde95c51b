"""Computes the median interval between the times of each series (see stream_qc.checks.cadence)."""

from __future__ import annotations

import polars as pl

from stream_qc.checks.cadence import start_of
from stream_qc.checks.counts import Counts
from stream_qc.checks.in_series import SERIES, before

MOST_COUNTS = 500_000  # in memory
AT_ONCE = 500  # series


class SeriesIntervals:
    """Counts the intervals of each series, as Intervals does. Beyond MOST_COUNTS, the counts go to temporary files."""

    def __init__(self) -> None:
        self._counts = Counts(["series", "start"], MOST_COUNTS, smallest="least", largest="most")

    def add(self, rows: pl.DataFrame) -> None:
        """Adds the intervals that end in new rows. rows: `series`, `t` and `new`, in order of their series."""
        time = pl.col("t").to_physical()
        interval = (time - before(time)).alias("us")
        found = rows.select("series", interval, "new").filter(
            pl.col("new") & pl.col("us").is_not_null() & (SERIES >= 0)
        )
        us = pl.col("us")
        counts = found.group_by("series", start_of(us).alias("start")).agg(
            pl.len().cast(pl.Int64).alias("n"), us.min().alias("least"), us.max().alias("most")
        )
        self._counts.add(counts)

    def medians(self) -> pl.DataFrame:
        """Returns the `series` and their median `interval` in microseconds, rounded as by Intervals; those that have one."""
        numbers = [part["series"].max() for part in self._counts.parts() if part.height]
        most = max((int(number) for number in numbers if isinstance(number, int)), default=-1)
        step = AT_ONCE if self._counts.spilled else most + 1
        parts = [self._medians(first, first + step) for first in range(0, most + 1, max(1, step))]
        return pl.concat(parts) if parts else pl.DataFrame(schema={"series": pl.Int64, "interval": pl.Int64})

    def _medians(self, first: int, end: int) -> pl.DataFrame:
        counts = self._counts.merged(
            [part.filter(SERIES.is_between(first, end, closed="left")) for part in self._counts.parts()]
        )
        ranked = counts.sort("series", "start").with_columns(
            pl.col("n").cum_sum().over("series").alias("end"), pl.col("n").sum().over("series").alias("total")
        )
        # The counts that hold the two middle intervals. The first that ends above a rank holds it.
        total = pl.col("total")
        lower = ranked.filter(pl.col("end") > (total - 1) // 2).group_by("series", maintain_order=True).first()
        upper = ranked.filter(pl.col("end") > total // 2).group_by("series", maintain_order=True).first()
        both = lower.join(upper, on="series", suffix="_upper", maintain_order="left")
        middle = (pl.col("most") + pl.col("least_upper")) // 2
        same = pl.col("start") == pl.col("start_upper")
        return both.select("series", pl.when(same).then("start").otherwise(start_of(middle)).alias("interval"))
