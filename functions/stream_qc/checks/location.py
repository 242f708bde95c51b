"""location_test: finds impossible positions and steps that are too long (QARTOD Test 3, Location Test)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import polars as pl

from stream_qc.cells import Pair
from stream_qc.checks.base import Clean, Flags, Test, finite
from stream_qc.checks.distances import ELLIPSOID, LARGEST_RADIUS, on_ellipsoid, on_sphere, possible
from stream_qc.checks.in_series import FIRST, InSeries, before
from stream_qc.checks.measures import Found, is_finite, least, longest_step, missing, most, total, within
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class LocationTest(Test, frozen=True):
    """range_max: the longest step from the row above, in metres; a longer one is SUSPECT. range_method: `haversine`, on a
    sphere, or `wgs84`, on the ellipsoid.

    It tests the axes `lat` and `lon`, in degrees, whichever field it is listed under.
    """

    process: ClassVar[int] = 2
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("lat", "lon")
    units: ClassVar = {"range_max": "m"}
    range_max: float | None = None
    range_method: Literal["haversine", "wgs84"] = "haversine"

    def check(self, field: str, axes: Axes) -> LocationCheck:
        return LocationCheck(field, axes["lat"], axes["lon"], self)

    def check_in_series(self, field: str, axes: Axes, series: Series) -> LocationInSeries:
        return LocationInSeries(field, axes["lat"], axes["lon"], self, series)

    def too_far(self, known: pl.DataFrame) -> pl.Series:
        """Returns whether the step from the row above is longer than range_max; false if there is none."""
        most = math.inf if self.range_max is None else self.range_max
        metres = on_sphere(known)
        if self.range_method == "wgs84":
            shortest, longest = (metres * share for share in ELLIPSOID)
            exist = possible(known)
            metres = pl.select(pl.when(exist).then(shortest)).to_series()
            near = (exist & (shortest <= most) & (longest > most)).fill_null(value=False)
            metres = metres.scatter(near.arg_true(), [on_ellipsoid(known, row) for row in near.arg_true()])
        return (metres > most).fill_null(value=False)

    def flag(self) -> pl.Expr:
        """Returns the flag of a row with the columns lat, lon, and far: whether the step to it is too long."""
        lat, lon = pl.col("lat"), pl.col("lon")
        impossible = (lat.is_null() != lon.is_null()) | (lat.abs() > 90) | (lon.abs() > 180)
        flag = pl.when(lat.is_null() & lon.is_null()).then(MISSING).when(impossible).then(FAIL)
        return flag.when("far").then(SUSPECT).otherwise(GOOD).cast(pl.UInt8)

    def why(self, pair: pl.DataFrame, flag: int, names: tuple[str, str]) -> str:
        """Returns the reason for a flag. pair: the position of the row above and the row's own. names: of the axes' fields."""
        if flag == SUSPECT:
            metres = on_ellipsoid(pair, 1) if self.range_method == "wgs84" else on_sphere(pair)[1]
            return f"{metres:,.0f} m from the row above, more than {self.range_max:,g} (location_test range_max)"
        lat, lon = pair.row(-1)
        if lat is None or lon is None:
            return f"{names[0] if lat is None else names[1]} is missing (location_test)"
        return f"{names[0]} {lat:g}, {names[1]} {lon:g} is not a valid position (location_test)"


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
        if self.limits.too_far(edge).any():
            return None
        self._before = self._positions(block, block.height - 1, 1)
        return Clean(block.height)

    def update(self, block: Block) -> Flags:
        known = pl.concat([self._before, self._positions(block, 0, block.height)])
        skip = self._before.height
        self._before = known.tail(1)
        judged = known.with_columns(self.limits.too_far(known).alias("far"))[skip:]
        flags = judged.select(self.limits.flag().alias("f"))["f"]

        def why(index: int) -> str:
            start = max(0, skip + index - 1)
            return self.limits.why(known[start : skip + index + 1], flags[index], self.needs)

        return Flags(block.first, flags, Pair(block.cells(self.lat), block.cells(self.lon)), why)

    def finish(self) -> Iterable[Flags]:
        return ()

    def _positions(self, block: Block, start: int, count: int) -> pl.DataFrame:
        fields = {"lat": self.lat, "lon": self.lon}
        return pl.DataFrame({name: finite(block.number(field).slice(start, count)) for name, field in fields.items()})


class LocationInSeries(InSeries):
    """As LocationCheck, within each series."""

    test = "location_test"
    above: ClassVar = {"lat": pl.Float64, "lon": pl.Float64}

    def __init__(self, field: str, lat: str, lon: str, limits: LocationTest, series: Series) -> None:
        super().__init__(field, (lat, lon), series)
        self.names, self.limits = (lat, lon), limits

    def values(self, block: Block) -> pl.DataFrame:
        return pl.DataFrame(
            {name: finite(block.number(field)) for name, field in zip(self.above, self.names, strict=True)}
        )

    def cells(self, block: Block) -> Pair:
        return Pair(*(block.cells(name) for name in self.names))

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        far = self.limits.too_far(known.select("lat", "lon"))
        rows = known.with_columns(
            (far & ~known.select(FIRST).to_series()).alias("far"),
            before(pl.col("lat")).alias("lat above"),
            before(pl.col("lon")).alias("lon above"),
        )
        return rows.with_columns(self.limits.flag().alias("flag"))

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        pair = [(row["lat above"], row["lon above"]), (row["lat"], row["lon"])]
        return self.limits.why(pl.DataFrame(pair, schema=self.above, orient="row"), row["flag"], self.names)
