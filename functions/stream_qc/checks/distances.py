"""Distances between positions in degrees, on a sphere and on the WGS 84 ellipsoid."""

from __future__ import annotations

import polars as pl

EARTH_RADIUS = 6_371_000.0  # metres, the value of the Gibbs SeaWater toolbox
LARGEST_RADIUS = 6_400_000.0  # metres: no radius of curvature of the WGS 84 ellipsoid is larger
# The radii of curvature of the ellipsoid are between 6,335,439 m, of the meridian at the equator, and 6,399,594 m, at the poles.
# A distance on the ellipsoid is between these shares of the distance on the sphere.
ELLIPSOID = (0.9944, 1.0045)


def on_sphere(known: pl.DataFrame) -> pl.Series:
    """Returns the metres from the row above; null for the first row and if a position is missing."""
    lat, lon = pl.col("lat").radians(), pl.col("lon").radians()
    half = (lat.diff() / 2).sin() ** 2 + lat.shift(1).cos() * lat.cos() * (lon.diff() / 2).sin() ** 2
    angle = 2 * pl.arctan2(half.sqrt(), (1 - half).clip(lower_bound=0).sqrt())
    return known.select((EARTH_RADIUS * angle).alias("metres"))["metres"]


def possible(known: pl.DataFrame) -> pl.Series:
    """Returns whether both the row above and the row have a latitude that exists."""
    fits = known["lat"].abs() <= 90
    return (fits & fits.shift(1)).fill_null(value=False)


def on_ellipsoid(known: pl.DataFrame, row: int) -> float:
    """Returns the metres from the row above, both of which are possible positions."""
    from geographiclib.geodesic import Geodesic  # noqa: PLC0415  # slow to import and rarely used

    lat, lon = known["lat"], known["lon"]
    return float(Geodesic.WGS84.Inverse(lat[row - 1], lon[row - 1], lat[row], lon[row], Geodesic.DISTANCE)["s12"])
