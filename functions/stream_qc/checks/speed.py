"""speed_test: finds positions that cannot have been reached in the time since the row above (Argo manual, test 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.cells import Pair
from stream_qc.checks.base import Test, finite, time_of
from stream_qc.checks.distances import ELLIPSOID, on_ellipsoid, on_sphere, possible
from stream_qc.checks.in_series import FIRST, InSeries, before
from stream_qc.checks.series import OneSeries, Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

SECOND = 1_000_000  # microseconds


class SpeedTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: in metres a second; a higher speed is flagged.

    It tests the axes `lat` and `lon`, in degrees, and `time`, whichever field it is listed under.
    """

    module: ClassVar[str] = "argo"
    process: ClassVar[int] = 3
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time", "lat", "lon")
    units: ClassVar = {"suspect_threshold": "m/s", "fail_threshold": "m/s"}
    suspect_threshold: float
    fail_threshold: float

    def check(self, field: str, axes: Axes) -> SpeedCheck:
        return SpeedCheck(field, axes, self, OneSeries())

    def check_in_series(self, field: str, axes: Axes, series: Series) -> SpeedCheck:
        return SpeedCheck(field, axes, self, series)


class SpeedCheck(InSeries):
    """Divides the distance on the WGS 84 ellipsoid from the row above by the seconds between them, rounded down; by 1 where they
    are less than 1, as ioos_qc's masked arrays come to do.

    The distance is computed (geographiclib) only if that on a sphere is so close to a threshold that the two may disagree. A row
    without a position is MISSING, and so is the row after it, as in ioos_qc. The first row of a series is UNKNOWN.
    """

    test = "speed_test"
    unjudged = "no two rows in a row have positions"
    above: ClassVar = {"lat": pl.Float64, "lon": pl.Float64, "t": pl.Datetime("us")}

    def __init__(self, field: str, axes: Axes, limits: SpeedTest, series: Series) -> None:
        self.lat, self.lon, self.time = axes["lat"], axes["lon"], axes["time"]
        super().__init__(field, (self.lat, self.lon, self.time), series)
        self.limits = limits

    def values(self, block: Block) -> pl.DataFrame:
        positions = {"lat": finite(block.number(self.lat)), "lon": finite(block.number(self.lon))}
        return pl.DataFrame({**positions, "t": time_of(block, self.time)})

    def cells(self, block: Block) -> Pair:
        return Pair(block.cells(self.lat), block.cells(self.lon))

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        seconds = (pl.col("t").diff().dt.total_microseconds() // SECOND).abs()
        metres = on_sphere(known).set(~possible(known), None)
        rows = known.with_columns(metres.alias("metres"), seconds.alias("seconds"))
        divisor = pl.col("seconds").clip(lower_bound=1)
        least, most = (pl.col("metres") * share / divisor for share in ELLIPSOID)
        limits = (self.limits.suspect_threshold, self.limits.fail_threshold)
        near = pl.any_horizontal((least <= limit) & (most > limit) for limit in limits) & ~FIRST
        places = rows.select(near.fill_null(value=False).alias("near"))["near"].arg_true()
        exact = pl.Series([on_ellipsoid(rows, place) for place in places], dtype=pl.Float64)
        speeds = rows.select(least.alias("speed"))["speed"].scatter(
            places, exact / rows["seconds"].clip(1).gather(places)
        )
        speed = pl.col("speed")
        there = pl.col("lat").is_not_null() & pl.col("lon").is_not_null()
        flag = (
            pl.when(~there | ~before(there).fill_null(value=True))
            .then(MISSING)
            .when(FIRST)
            .then(UNKNOWN)
            .when(speed > self.limits.fail_threshold)
            .then(FAIL)
            .when(speed > self.limits.suspect_threshold)
            .then(SUSPECT)
            .otherwise(GOOD)
        )
        above = (pl.col(name).shift(1).alias(f"{name} above") for name in ("lat", "lon"))
        return rows.with_columns(speeds.fill_nan(None).alias("speed"), *above).with_columns(flag.alias("flag"))

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        failed = row["flag"] == FAIL
        name, limit = ("fail", self.limits.fail_threshold) if failed else ("suspect", self.limits.suspect_threshold)
        pair = [(row["lat above"], row["lon above"]), (row["lat"], row["lon"])]
        metres = on_ellipsoid(pl.DataFrame(pair, schema=["lat", "lon"], orient="row"), 1)
        speed = f"{metres / row['seconds']:,.1f} m/s" if row["seconds"] else f"{metres:,.0f} m within a second"
        return f"{self.lat} and {self.lon} changed at {speed}, more than {limit:g} m/s (speed_test {name}_threshold)"
