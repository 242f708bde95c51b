"""The pictures of a page: each field over time, with what every process flagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stream_qc.flags import FAIL, SUSPECT
from stream_qc.reporting.record import Drawing, Flagged, Part, Span

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
    joined by a line, as those of one series are.
    """

    drawing: Drawing
    points: Sequence[Point]
    gaps: Sequence[Span]
    by_time: bool
    joined: bool

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

    room: how many points all pictures together may have.
    """
    by_field: dict[str, list[Drawing]] = {}
    for part in parts:
        for drawing in part.drawings:
            by_field.setdefault(drawing.field, []).append(drawing)
    drawn = [_merged(drawings) for drawings in by_field.values()]
    drawn.sort(key=lambda one: [-_count(one.flagged, flag) for flag in (FAIL, SUSPECT)])
    gaps = [span for part in parts for span in part.gaps]
    by_time, joined = all(part.by_time for part in parts), all(part.joined for part in parts)
    nothing, shown = 0, list[Picture]()
    for drawing in drawn:
        points = _points(drawing)
        if not points:
            nothing += 1
            continue
        if len(points) > room:
            break
        room -= len(points)
        shown.append(Picture(drawing, points, gaps, by_time, joined))
    return shown, len(drawn) - nothing - len(shown) + max((part.left_out for part in parts), default=0)


def _merged(drawings: Sequence[Drawing]) -> Drawing:
    """Returns one drawing of a field that several processes drew: each saw the same series, and has flags of its own."""
    first = drawings[0]
    return Drawing(
        first.field,
        first.points,
        first.rows_a_bucket,
        [one for drawing in drawings for one in drawing.flagged],
        [one for drawing in drawings for one in drawing.spans],
        first.limits,
    )


def _points(drawing: Drawing) -> list[Point]:
    """Returns the points of the series and the flagged ones, by x. A row with both flags is FAIL."""
    found: dict[int, Point] = {}
    series = drawing.points
    for row, x, y in zip(series.row, series.x, series.y, strict=True):
        if x is not None:
            found[row] = Point(row, x, y)
    for one in sorted(drawing.flagged, key=lambda flagged: flagged.flag):
        for row, x, y in zip(one.points.row, one.points.x, one.points.y, strict=True):
            if x is not None:
                found[row] = Point(row, x, y, one.flag, one.test)
    return sorted(found.values(), key=lambda point: (point.x, point.row))


def _count(flagged: Iterable[Flagged], flag: int) -> int:
    return sum(one.count for one in flagged if one.flag == flag)
