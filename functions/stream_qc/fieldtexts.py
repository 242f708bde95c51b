"""The types of Table Schema whose values stay text: it is only found out whether a cell is one.

Each parser takes a text Series and returns it with null for text that is not of the type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

from stream_qc.schema import Field

DURATION = r"^-?P([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.,][0-9]+)?S)?)?$"
DEGREES = re.compile(r"[-+]?[0-9]*\.?[0-9]+")
NO_DURATION = r"[PT]$"  # a period or a time of nothing
# The formats of a string: what a text of that kind looks like. No check asks whether it exists.
STRING_FORMATS = {
    "email": r"^[^\s@]+@[^\s@]+\.[^\s@]+$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "uuid": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "binary": r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
FORMATS = {"string": (*STRING_FORMATS,), "geopoint": ("array", "object"), "geojson": ("topojson",)}
GEOJSON = {
    "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection", "Feature",
    "FeatureCollection",
}  # fmt: skip


def string(cells: pl.Series, field: Field) -> pl.Series:
    form = STRING_FORMATS.get(field.format)
    return cells if form is None else _where(cells, cells.str.contains(form))


def duration(cells: pl.Series, _: Field) -> pl.Series:
    """Returns durations of ISO 8601, such as P1DT12H."""
    return _where(cells, cells.str.contains(DURATION) & ~cells.str.contains(NO_DURATION))


def geopoint(cells: pl.Series, field: Field) -> pl.Series:
    """Returns positions: `lon, lat`, or JSON, as an array of the two or an object with `lon` and `lat`."""
    readers: dict[str, Callable[[str], Any]] = {"array": _decoded, "object": lambda cell: _of_object(_decoded(cell))}
    read: Callable[[str], Any] = readers.get(field.format, _split)
    return _such(cells, lambda cell: _is_position(read(cell)))


def geojson(cells: pl.Series, field: Field) -> pl.Series:
    kinds = {"Topology"} if field.format == "topojson" else GEOJSON
    return _such(cells, lambda cell: isinstance(found := _decoded(cell), dict) and str(found.get("type")) in kinds)


def object_(cells: pl.Series, _: Field) -> pl.Series:
    return _such(cells, lambda cell: isinstance(_decoded(cell), dict))


def array(cells: pl.Series, _: Field) -> pl.Series:
    return _such(cells, lambda cell: isinstance(_decoded(cell), list))


def of_nested(cells: pl.Series, field: Field) -> pl.Series:
    """Returns the lists or structs of a Parquet column as text: JSON, or the items of a list with its delimiter."""

    def written(value: Any) -> str:
        if field.type == "list":
            return field.delimiter.join("" if item is None else str(item) for item in value)
        return msgspec.json.encode(value, enc_hook=str).decode()

    return pl.Series(
        cells.name, [None if value is None else written(value) for value in cells.to_list()], dtype=pl.String
    )


def items_in(cell: str) -> int:
    """Returns how many items a JSON array or object has."""
    found = _decoded(cell)
    return len(found) if isinstance(found, list | dict) else 0


def _where(cells: pl.Series, there: pl.Series) -> pl.Series:
    return cells if there.all() else cells.set(~there.fill_null(value=True), None)


def _such(cells: pl.Series, is_one: Callable[[str], bool]) -> pl.Series:
    """Returns the cells with null for those that are not one of a kind. Each different one is looked at once."""
    different = cells.unique().drop_nulls()
    others = [cell for cell in different if not is_one(cell)]
    return cells.set(cells.is_in(others), None) if others else cells


def _decoded(cell: str) -> Any:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _split(cell: str) -> list[Any]:
    parts = [part.strip() for part in cell.split(",")]
    return [float(part) for part in parts] if all(DEGREES.fullmatch(part) for part in parts) else []


def _of_object(found: Any) -> Any:
    return [found["lon"], found["lat"]] if isinstance(found, dict) and found.keys() == {"lon", "lat"} else None


def _is_position(found: Any) -> bool:
    if not isinstance(found, list) or len(found) != 2:
        return False
    numbers = [
        one for one in found if isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
    ]
    return len(numbers) == 2 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90
