"""location_test: finds impossible positions and steps that are too long (QARTOD Test 3, Location Test)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import polars as pl

from stream_qc.cells import Cells
from stream_qc.checks.base import Clean, Flags, Test, finite
from stream_qc.checks.measures import Found, is_finite, least, longest_step, missing, most, total, within
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

EARTH_RADIUS = 6_371_000.0  # metres, the value of the Gibbs SeaWater toolbox
LARGEST_RADIUS = 6_400_000.0  # metres: no radius of curvature of the WGS 84 ellipsoid is larger
# The radii of curvature of the ellipsoid are between 6,335,439 m, of the meridian at the equator, and 6,399,594 m, at the poles.
# A distance on the ellipsoid is between these shares of the distance on the sphere.
ELLIPSOID = (0.9944, 1.0045)


class LocationTest(Test, frozen=True):
    """range_max: the longest step from the row above, in metres; a longer one is SUSPECT. range_method: `haversine`, on a
    sphere, or `wgs84`, on the ellipsoid.

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
    """Flags a row FAIL if its position is impossible or half missing, SUSPECT after too long a step, MISSING without one.

    With `wgs84`, a step is measured on the ellipsoid (geographiclib) only if its length on the sphere is so close to range_max
    that the two may disagree. The flags are those of the ellipsoid.
    """

    test = "location_test"
    unjudged = ""
    collected = ()

    def __init__(self, field: str, lat: str, lon: str, limits: LocationTest) -> None:
        self.field, self.lat, self.lon, self.limits = field, lat, lon, limits
        self.needs = (lat, lon)
        self.measures = [
            measure(name) for name in self.needs for measure in (least, most, total, longest_step, missing)
        ]
        self._range_max = math.inf if limits.range_max is None else limits.range_max
        self._before = pl.DataFrame(schema={"lat": pl.Float64, "lon": pl.Float64})  # the last row above

    @property
    def carried(self) -> object:
        return self._before.rows()

    def prove(self, block: Block, found: Found) -> Clean | None:
        lat, lon = self.lat, self.lon
        if not block.height or any(found[missing(name)] or not is_finite(found, name) for name in self.needs):
            return None
        if not within(found, lat, -90, 90) or not within(found, lon, -180, 180):
            return None
        # A step is no longer than one along the meridian and one along the parallel, at the equator.
        degrees = (found[longest_step(lat)] or 0) + (found[longest_step(lon)] or 0)
        if not math.radians(degrees) * LARGEST_RADIUS <= self._range_max:
            return None
        edge = pl.concat([self._before, self._positions(block, 0, 1)])
        if self._too_far(edge).any():
            return None
        self._before = self._positions(block, block.height - 1, 1)
        return Clean(block.height)

    def update(self, block: Block) -> Flags:
        known = pl.concat([self._before, self._positions(block, 0, block.height)])
        skip = self._before.height
        self._before = known.tail(1)
        lat, lon = pl.col("lat"), pl.col("lon")
        flag = (
            pl.when(lat.is_null() & lon.is_null())
            .then(MISSING)
            .when((lat.is_null() != lon.is_null()) | (lat.abs() > 90) | (lon.abs() > 180))
            .then(FAIL)
            .when("far")
            .then(SUSPECT)
        )
        judged = known.with_columns(self._too_far(known).alias("far"))[skip:]
        flags = judged.select(flag.otherwise(GOOD).cast(pl.UInt8).alias("f"))["f"]

        def why(index: int) -> str:
            lat, lon = judged["lat"][index], judged["lon"][index]
            if flags[index] == SUSPECT:
                metres = self._metres(known.slice(skip + index - 1, 2))[1]
                return f"{metres:,.0f} m from the row above, more than {self.limits.range_max:,g} (location_test range_max)"
            if lat is None or lon is None:
                return f"{self.lat if lat is None else self.lon} is missing (location_test)"
            return f"{self.lat} {lat:g}, {self.lon} {lon:g} is not a valid position (location_test)"

        return Flags(block.first, flags, Pair(block.cells(self.lat), block.cells(self.lon)), why)

    def finish(self) -> Iterable[Flags]:
        return ()

    def _positions(self, block: Block, start: int, count: int) -> pl.DataFrame:
        fields = {"lat": self.lat, "lon": self.lon}
        return pl.DataFrame({name: finite(block.number(field).slice(start, count)) for name, field in fields.items()})

    def _too_far(self, known: pl.DataFrame) -> pl.Series:
        """Returns whether the step from the row above is longer than range_max; false if there is none."""
        metres = _on_sphere(known)
        if self.limits.range_method == "wgs84":
            shortest, longest = (metres * share for share in ELLIPSOID)
            possible = ((known["lat"].abs() <= 90) & (known["lat"].abs() <= 90).shift(1)).fill_null(value=False)
            metres = pl.select(pl.when(possible).then(shortest)).to_series()
            near = (possible & (shortest <= self._range_max) & (longest > self._range_max)).fill_null(value=False)
            metres = metres.scatter(near.arg_true(), [_on_ellipsoid(known, row) for row in near.arg_true()])
        return (metres > self._range_max).fill_null(value=False)

    def _metres(self, pair: pl.DataFrame) -> list[float]:
        on_ellipsoid = self.limits.range_method == "wgs84"
        return [0.0, _on_ellipsoid(pair, 1)] if on_ellipsoid else _on_sphere(pair).to_list()


def _on_sphere(known: pl.DataFrame) -> pl.Series:
    """Returns the metres from the row above; null for the first row and if a position is missing."""
    lat, lon = pl.col("lat").radians(), pl.col("lon").radians()
    half = (lat.diff() / 2).sin() ** 2 + lat.shift(1).cos() * lat.cos() * (lon.diff() / 2).sin() ** 2
    angle = 2 * pl.arctan2(half.sqrt(), (1 - half).clip(lower_bound=0).sqrt())
    return known.select((EARTH_RADIUS * angle).alias("metres"))["metres"]


def _on_ellipsoid(known: pl.DataFrame, row: int) -> float:
    """Returns the metres from the row above, both of which are possible positions."""
    from geographiclib.geodesic import Geodesic  # noqa: PLC0415  # slow to import and rarely used

    lat, lon = known["lat"], known["lon"]
    return float(Geodesic.WGS84.Inverse(lat[row - 1], lon[row - 1], lat[row], lon[row], Geodesic.DISTANCE)["s12"])
