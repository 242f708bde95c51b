"""The points of a series, thinned: the lowest and the highest of every few rows, so that no spike disappears."""

from __future__ import annotations

import polars as pl

BUCKETS = 1000  # of a trace; each keeps two points
NO_POINTS = pl.DataFrame(schema={"row": pl.Int64, "x": pl.Int64, "y": pl.Float64})


class Trace:
    """The points of a series that is read block by block, in memory that does not grow.

    Rows fall into buckets of `width` consecutive rows. A bucket keeps its lowest and its highest point, and a point without a
    number where it has none. The buckets widen as the series grows.
    """

    def __init__(self) -> None:
        self.width = 1
        self._points = NO_POINTS

    def add(self, points: pl.DataFrame) -> None:
        """Adds consecutive rows: row, x and y, which is null where there is no number."""
        width = self.width
        while points.height > 2 * BUCKETS * width:
            width *= 2
        self._widen(width)
        self._points = pl.concat([self._points, _extremes(points, self.width)])
        self._make_room()

    def include(self, later: Trace) -> None:
        """Adds the points of the next stretch of the series."""
        width = max(self.width, later.width)
        self._widen(width)
        later._widen(width)
        self._points = pl.concat([self._points, later._points])
        self._make_room()

    def points(self) -> pl.DataFrame:
        """Returns row, x and y, in the order of the rows."""
        return self._points

    def _make_room(self) -> None:
        while self._points.height > 3 * BUCKETS:  # a bucket that two blocks share has four points
            self._widen(2 * self.width)

    def _widen(self, width: int) -> None:
        if width > self.width and self._points.height:
            self._points = thinned(self._points, pl.col("row") // width)
        self.width = width


def _extremes(points: pl.DataFrame, width: int) -> pl.DataFrame:
    """Returns the lowest and the highest point of each bucket; faster than `thinned`, for rows without gaps."""
    if width == 1 or not points.height:
        return points
    lead = points["row"][0] % width
    behind = -(lead + points.height) % width
    filled = pl.concat([_nulls(lead), points["y"], _nulls(behind)]).reshape((-1, width))
    start = pl.int_range(filled.len(), eager=True) * width - lead
    low, high = start + filled.arr.arg_min(), start + filled.arr.arg_max()
    # A bucket without a number: its first row that there is.
    chosen = pl.concat([low.fill_null(start.clip(0)), high.drop_nulls()]).unique().sort()
    return points[chosen.to_list()] if chosen.len() < points.height else points


def thinned(points: pl.DataFrame, bucket: pl.Expr) -> pl.DataFrame:
    """Returns the lowest and the highest point of each bucket, or its first one where none has a number."""
    groups = points.with_columns(bucket.alias("bucket")).group_by("bucket", maintain_order=True)
    low = groups.agg(pl.all().get(pl.col("y").arg_min().fill_null(0)))
    high = groups.agg(pl.all().get(pl.col("y").arg_max().fill_null(0)))
    return pl.concat([low, high]).drop("bucket").unique("row").sort("row")


def _nulls(count: int) -> pl.Series:
    return pl.Series("y", [None], dtype=pl.Float64).new_from_index(0, count)
