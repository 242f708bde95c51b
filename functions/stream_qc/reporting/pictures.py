"""The pictures of a page: each field over time, with what every process flagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stream_qc.flags import FAIL, SUSPECT
from stream_qc.reporting.record import Drawing, Flagged, Part, Span

MOST_PICTURES, LEAST_POINTS = 40, 100
MOST_IN_A_TABLE = 50  # flagged points beside a picture, for those who cannot see it
NAMES = {FAIL: "FAIL", SUSPECT: "SUSPECT"}


class Point(NamedTuple):
    """A point of a picture. row: from 0. flag: 0 for none."""

    row: int
    x: int
    y: float | None
    flag: int = 0
    test: str = ""


@dataclass(frozen=True)
class Picture:
    """A field over time, or by row. gaps: those of the time axis. by_time: whether x is a time. joined: whether neighbours are
    joined by a line, as those of one series are. reduced: whether it has fewer points than were kept, to leave room for others.
    """

    drawing: Drawing
    points: Sequence[Point]
    gaps: Sequence[Span]
    by_time: bool
    joined: bool
    reduced: bool

    @property
    def field(self) -> str:
        return self.drawing.field

    @property
    def numbers(self) -> list[float]:
        return [point.y for point in self.points if point.y is not None]

    @property
    def least(self) -> float | None:
        return min(self.numbers, default=None)

    @property
    def most(self) -> float | None:
        return max(self.numbers, default=None)

    @property
    def fail(self) -> int:
        return _count(self.drawing.flagged, FAIL)

    @property
    def suspect(self) -> int:
        return _count(self.drawing.flagged, SUSPECT)

    @property
    def marks(self) -> list[Point]:
        """The flagged points, as many as its table has."""
        return [point for point in self.points if point.flag][:MOST_IN_A_TABLE]

    @property
    def has_more_marks(self) -> bool:
        return sum(bool(point.flag) for point in self.points) > MOST_IN_A_TABLE

    @property
    def thinned(self) -> list[Flagged]:
        """The flags of which not every point is drawn."""
        return [one for one in self.drawing.flagged if len(one.points.row) < one.count]

    def for_script(self) -> dict[str, Any]:
        """Returns what page.js draws."""
        return {
            "field": self.field,
            "time": self.by_time,
            "lines": self.joined,
            "x": [point.x for point in self.points],
            "y": [point.y for point in self.points],
            "flags": [[index, point.flag] for index, point in enumerate(self.points) if point.flag],
            "spans": [[span.start, span.end, span.flag, span.test] for span in [*self.gaps, *self.drawing.spans]],
            "limits": [[limit.value, limit.flag, limit.name] for limit in self.drawing.limits],
        }


def pictures_of(parts: Sequence[Part], room: int) -> tuple[list[Picture], int]:
    """Returns the pictures, those with most FAIL rows first, and how many fields had no room.

    room: how many points all pictures together may have; each has its share.
    """
    by_field: dict[str, list[Drawing]] = {}
    for part in parts:
        for drawing in part.drawings:
            by_field.setdefault(drawing.field, []).append(drawing)
    drawn = [one for drawings in by_field.values() if _has_numbers(one := _merged(drawings))]
    drawn.sort(key=lambda one: [-_count(one.flagged, flag) for flag in (FAIL, SUSPECT)])
    gaps = [span for part in parts for span in part.gaps]
    by_time, joined = all(part.by_time for part in parts), all(part.joined for part in parts)
    of_time = [one for part in parts for one in part.of_time]
    shown = drawn[: min(MOST_PICTURES, room // LEAST_POINTS)]
    pictures = []
    for number, drawing in enumerate(shown):
        kept = _points(drawing, of_time)
        points = _thinned(kept, room // (len(shown) - number))
        room -= len(points)
        pictures.append(Picture(drawing, points, gaps, by_time, joined, reduced=len(points) < len(kept)))
    left_out = max((part.left_out for part in parts), default=0)
    return pictures, len(drawn) - len(shown) + left_out


def _has_numbers(drawing: Drawing) -> bool:
    return any(y is not None for y in drawing.points.y) and any(x is not None for x in drawing.points.x)


def _thinned(points: list[Point], most: int) -> list[Point]:
    """Returns at most about so many points: of every few, the lowest and the highest that is flagged, and that is not."""
    if len(points) <= most:
        return points
    size, kept = -(-4 * len(points) // most), list[Point]()
    for first in range(0, len(points), size):
        some = points[first : first + size]
        for group in ([one for one in some if one.flag], [one for one in some if not one.flag]):
            numbers = [one for one in group if one.y is not None] or group[:1]
            kept += {min(numbers, key=_height), max(numbers, key=_height)} if numbers else ()
    return sorted(kept, key=lambda point: (point.x, point.row))


def _height(point: Point) -> float:
    return 0 if point.y is None else point.y


def _merged(drawings: Sequence[Drawing]) -> Drawing:
    """Returns one drawing of a field that several processes drew: each saw the same series, and has flags of its own."""
    first = max(drawings, key=lambda drawing: len(drawing.points.row))
    return Drawing(
        first.field,
        first.points,
        first.rows_a_bucket,
        [one for drawing in drawings for one in drawing.flagged],
        [one for drawing in drawings for one in drawing.spans],
        first.limits,
    )


def _points(drawing: Drawing, of_time: Sequence[Flagged]) -> list[Point]:
    """Returns the points of the series and the flagged ones, by x. A row with both flags is FAIL."""
    found: dict[int, Point] = {}
    series = drawing.points
    for row, x, y in zip(series.row, series.x, series.y, strict=True):
        if x is not None:
            found[row] = Point(row, x, y)
    for one in sorted([*drawing.flagged, *of_time], key=lambda flagged: flagged.flag):
        for row, x, y in zip(one.points.row, one.points.x, one.points.y, strict=True):
            if x is not None:
                known = found[row].y if y is None and row in found else y
                found[row] = Point(row, x, known, one.flag, one.test)
    return sorted(found.values(), key=lambda point: (point.x, point.row))


def _count(flagged: Iterable[Flagged], flag: int) -> int:
    return sum(one.count for one in flagged if one.flag == flag)
