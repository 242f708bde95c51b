"""location_bounds_test: finds positions outside (or inside) an area (ioos_qc)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import ClassVar, Literal

import polars as pl

from stream_qc.cells import Pair
from stream_qc.checks.base import Clean, Flags, Test, finite
from stream_qc.checks.measures import Found
from stream_qc.flags import FAIL, GOOD, MISSING
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

Point = tuple[float, float]  # longitude and latitude
BOX, CORNERS = 4, 3  # numbers of a box; corners of a polygon, at least
ROUNDING = 1e-12  # a share, far above the rounding of a product of differences


class LocationBoundsTest(Test, frozen=True):
    """shape: [west, south, east, north], or the corners of a polygon as [longitude, latitude], in degrees. flag_area: which
    positions are FAIL, those `outside` of the shape or those `inside` it. The border is outside.

    It tests the axes `lat` and `lon`, whichever field it is listed under.
    """

    process: ClassVar[int] = 2
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("lat", "lon")
    shape: list[float | Point]
    flag_area: Literal["outside", "inside"] = "outside"

    def mistakes(self) -> list[str]:
        box = [one for one in self.shape if isinstance(one, float)]
        if box and len(box) == len(self.shape) == BOX:
            west, south, east, north = box
            if west >= east or south >= north:
                return ["shape: expected [west, south, east, north], west below east and south below north"]
        elif box or len({*self.shape}) < CORNERS:
            return [f"shape: expected [west, south, east, north], or at least {CORNERS} corners [longitude, latitude]"]
        if not all(math.isfinite(number) for corner in self.corners() for number in corner):
            return ["shape: every number must be finite"]
        return []

    def corners(self) -> list[Point]:
        """Returns the corners of the shape."""
        box = [one for one in self.shape if isinstance(one, float)]
        if not box:
            return [one for one in self.shape if not isinstance(one, float)]
        west, south, east, north = box
        return [(west, south), (east, south), (east, north), (west, north)]

    def check(self, field: str, axes: Axes) -> LocationBoundsCheck:
        return LocationBoundsCheck(field, axes["lat"], axes["lon"], self)


class LocationBoundsCheck:
    """A position without a latitude or a longitude is MISSING.

    A position is inside if a line from it to the east crosses the border an odd number of times. Where rounding might decide on
    which side of an edge a position is, that is computed exactly.
    """

    test = "location_bounds_test"
    measures = ()
    collected = ()
    carried = None
    unjudged = ""

    def __init__(self, field: str, lat: str, lon: str, limits: LocationBoundsTest) -> None:
        self.field, self.lat, self.lon, self.limits = field, lat, lon, limits
        self.needs = (lat, lon)

    def prove(self, _block: Block, _found: Found) -> Clean | None:
        return None

    def update(self, block: Block) -> Flags:
        fields = {"x": self.lon, "y": self.lat}
        points = pl.DataFrame({name: finite(block.number(field)) for name, field in fields.items()})
        missing = points.select(pl.any_horizontal(pl.all().is_null()).alias("missing"))["missing"]
        bad = within(points, self.limits.corners())
        if self.limits.flag_area == "outside":
            bad = ~bad
        flag = pl.when("missing").then(MISSING).when("bad").then(FAIL).otherwise(GOOD).cast(pl.UInt8)
        flags = pl.DataFrame({"missing": missing, "bad": bad}).select(flag.alias("flag"))["flag"]

        def why(index: int) -> str:
            lon, lat = points.row(index)
            return (
                f"{self.lat} {lat:g}, {self.lon} {lon:g} is {self.limits.flag_area} the shape "
                "(location_bounds_test shape)"
            )

        return Flags(block.first, flags, Pair(block.cells(self.lat), block.cells(self.lon)), why)

    def finish(self) -> Iterable[Flags]:
        return ()


def within(points: pl.DataFrame, corners: list[Point]) -> pl.Series:
    """Returns whether each point, `x` and `y`, is inside the polygon and not on its border; false if one of them is null."""
    inside = pl.repeat(value=False, n=points.height, eager=True)
    border = inside
    for start, end in _edges(corners):
        crossed, touched = _against(points, start, end)
        inside, border = inside ^ crossed, border | touched
    return inside & ~border


def _edges(corners: list[Point]) -> Iterator[tuple[Point, Point]]:
    """Yields the edges, each from its lower end to its upper one."""
    for one, other in zip(corners, [*corners[1:], corners[0]], strict=True):
        yield (one, other) if one[1] <= other[1] else (other, one)


def _against(points: pl.DataFrame, start: Point, end: Point) -> tuple[pl.Series, pl.Series]:
    """Returns whether the line to the east of each point crosses an edge, and whether the point is on the edge."""
    x, y = pl.col("x"), pl.col("y")
    ahead, back = (end[0] - start[0]) * (y - start[1]), (x - start[0]) * (end[1] - start[1])
    beside = y.is_between(start[1], end[1])
    sides = points.select(
        pl.when(beside).then((ahead - back).sign()).alias("side"),  # 1: the point is west of the edge
        (beside & ((ahead - back).abs() <= ROUNDING * (ahead.abs() + back.abs() + abs(end[0]) + abs(start[0])))).alias(
            "near"
        ),
    )
    near = sides["near"].fill_null(value=False).arg_true()
    exact = [_side(points.row(place), start, end) for place in near]
    side = sides["side"].scatter(near, pl.Series(exact, dtype=pl.Float64))
    along = points.select(x.is_between(min(start[0], end[0]), max(start[0], end[0])).alias("along"))["along"]
    above_start = points.select(((start[1] <= y) & (y < end[1])).alias("above"))["above"]
    crossed = ((side > 0) & above_start).fill_null(value=False)
    return crossed, ((side == 0) & along).fill_null(value=False)


def _side(point: Point, start: Point, end: Point) -> float:
    """Returns 1, 0 or -1 for a point west of the edge, on its line, or east of it."""
    (x, y), (x0, y0), (x1, y1) = (tuple(map(Fraction, one)) for one in (point, start, end))
    difference = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
    return float((difference > 0) - (difference < 0))
