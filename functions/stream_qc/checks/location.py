"""location_test: finds impossible positions and steps that are too long (QARTOD Test 3, Location Test)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import polars as pl

from stream_qc.cells import Cells
from stream_qc.checks.base import Flags, Test, finite
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

EARTH_RADIUS = 6_371_000.0  # metres, the value of the Gibbs SeaWater toolbox


class LocationTest(Test, frozen=True):
    """range_max: the longest step from the row above, in metres; a longer one is SUSPECT. range_method: `haversine`, on a
    sphere, or `wgs84`, which is exact and slow.

    It tests the axes `lat` and `lon`, in degrees, whichever field it is listed under.
    """

    process: ClassVar[int] = 2
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("lat", "lon")
    range_max: float | None = None
    range_method: Literal["haversine", "wgs84"] = "haversine"

    def check(self, field: str, axes: Axes) -> LocationCheck:
        return LocationCheck(field, axes["lat"], axes["lon"], self)


class Pair:
    """Returns both cells of a position as one text."""

    def __init__(self, lat: Cells, lon: Cells) -> None:
        self.lat, self.lon = lat, lon

    def __getitem__(self, index: int) -> str:
        return f"{self.lat[index] or ''}, {self.lon[index] or ''}"


class LocationCheck:
    """Flags a row FAIL if its position is impossible or half missing, SUSPECT after too long a step, MISSING without one."""

    test = "location_test"

    def __init__(self, field: str, lat: str, lon: str, limits: LocationTest) -> None:
        self.field, self.lat, self.lon, self.limits = field, lat, lon, limits
        self.needs = (lat, lon)
        self._before: pl.DataFrame | None = None

    def update(self, block: Block) -> Flags:
        rows = pl.DataFrame({"lat": finite(block.number(self.lat)), "lon": finite(block.number(self.lon))})
        skip = 0 if self._before is None else 1
        known = rows if self._before is None else pl.concat([self._before, rows])
        if rows.height:
            self._before = rows.tail(1)
        known = known.with_columns(self._distances(known).alias("metres"))[skip:]
        lat, lon = pl.col("lat"), pl.col("lon")
        flag = (
            pl.when(lat.is_null() & lon.is_null())
            .then(MISSING)
            .when((lat.is_null() != lon.is_null()) | (lat.abs() > 90) | (lon.abs() > 180))
            .then(FAIL)
            .when(pl.col("metres") > (math.inf if self.limits.range_max is None else self.limits.range_max))
            .then(SUSPECT)
        )
        flags = known.select(flag.otherwise(GOOD).cast(pl.UInt8).alias("f"))["f"]
        raw = Pair(block.cells(self.lat), block.cells(self.lon))

        def why(index: int) -> str:
            lat, lon, metres = known["lat"][index], known["lon"][index], known["metres"][index]
            if flags[index] == SUSPECT:
                return f"{metres:,.0f} m from the row above, more than {self.limits.range_max:,g} (location_test range_max)"
            if lat is None or lon is None:
                return f"{self.lat if lat is None else self.lon} is missing (location_test)"
            return f"{self.lat} {lat:g}, {self.lon} {lon:g} is not a valid position (location_test)"

        return Flags(block.first, flags, raw, why)

    def finish(self) -> Iterable[Flags]:
        return ()

    def _distances(self, known: pl.DataFrame) -> pl.Series:
        """Returns the metres from the row above; null for the first row and if a position is missing."""
        if self.limits.range_max is None:
            return pl.Series([None], dtype=pl.Float64).new_from_index(0, known.height)
        if self.limits.range_method == "wgs84":
            return _geodesic(known)
        lat, lon = pl.col("lat").radians(), pl.col("lon").radians()
        half = (lat.diff() / 2).sin() ** 2 + lat.shift(1).cos() * lat.cos() * (lon.diff() / 2).sin() ** 2
        angle = 2 * pl.arctan2(half.sqrt(), (1 - half).clip(lower_bound=0).sqrt())
        return known.select((EARTH_RADIUS * angle).alias("metres"))["metres"]


def _geodesic(known: pl.DataFrame) -> pl.Series:
    from geographiclib.geodesic import Geodesic  # noqa: PLC0415  # slow to import and rarely used

    distances: list[float | None] = [None] * min(1, known.height)
    for (lat1, lon1), (lat2, lon2) in itertools.pairwise(known.select("lat", "lon").rows()):
        there = None not in (lat1, lon1, lat2, lon2)
        distances.append(Geodesic.WGS84.Inverse(lat1, lon1, lat2, lon2, Geodesic.DISTANCE)["s12"] if there else None)
    return pl.Series(distances, dtype=pl.Float64).fill_nan(None)  # NaN for an impossible position
