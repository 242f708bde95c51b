"""What a process leaves for the page. A record is numbers and texts, which JSON can hold."""

from __future__ import annotations

from typing import Any

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """A limit of a field, in its units. flag: what a row beyond it gets."""

    name: str
    value: float
    flag: int


class Points(msgspec.Struct, frozen=True):
    """Points of a series: x in milliseconds since 1970, or row numbers; y in the units of the field, null where there is none."""

    row: list[int]
    x: list[int | None]
    y: list[float | None]


class Flagged(msgspec.Struct, frozen=True):
    """The points that a test flagged. count: how many rows it flagged so; beyond a cap, not all of them are points."""

    test: str
    flag: int
    count: int
    points: Points


class Span(msgspec.Struct, frozen=True):
    """A stretch of the time axis that a test flagged: a gap, or values that stand still."""

    test: str
    flag: int
    start: int
    end: int


class Drawing(msgspec.Struct, frozen=True):
    """A field over time. rows_a_bucket: of how many rows the lowest and the highest are drawn; 1 for all rows."""

    field: str
    points: Points
    rows_a_bucket: int
    flagged: list[Flagged]
    spans: list[Span]
    limits: list[Limit]


class Part(msgspec.Struct, frozen=True):
    """What one process found.

    header: the fields of the file. results: the items of QCDetails, each with its limit as `Limit`. by_time: whether x is a
    time. joined: whether neighbouring points belong to one series. left_out: how many fields are not drawn because there are too
    many. of_time: what tests of the time axis flagged. undrawn: whether drawing went wrong.
    """

    process: int
    passed: bool
    rows: int
    message: str
    results: list[dict[str, Any]]
    drawings: list[Drawing]
    gaps: list[Span]
    of_time: list[Flagged]
    by_time: bool
    joined: bool
    left_out: int
    undrawn: bool
    header: list[str]

    def encode(self) -> bytes:
        """Returns the record as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, content: bytes) -> Part:
        return msgspec.json.decode(content, type=cls)
