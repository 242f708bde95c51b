"""Finds the time axis of a file, and the field that tells its series apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl
from msgspec.structs import replace

from stream_qc import fieldtypes
from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.inferring.fields import Seen
from stream_qc.inferring.source import Source
from stream_qc.reading.block import Block
from stream_qc.rules import Rules
from stream_qc.rules.model import TimeOf
from stream_qc.rules.times import parts_of
from stream_qc.schema import Axes, Field, Schema

# The fields that a time may be put together from, by the names that they have.
PARTS = (("YY", "YYYY", "year"), ("MM", "month"), ("DD", "day"), ("hh", "hour"), ("mm", "minute"), ("ss", "second"))

# How long files are that come at regular times, and how exactly they must be.
PERIODS = (*(dt.timedelta(hours=hours) for hours in (1, 3, 6, 12)), dt.timedelta(days=1), dt.timedelta(days=7))
ROUNDING = 0.05

Blocks = Callable[[], Iterable[Block]]


@dataclass
class TimeAxis:
    """A candidate for the time axis. It must be in order.

    latest, earliest: times of the file that is being read. longest, shortest: the steps, of which 0 is none. spans: of each file,
    from its first time to its last.
    """

    name: str
    kind: Field
    latest: dt.datetime | None = None
    earliest: dt.datetime | None = None
    ordered: bool = True
    repeats: bool = False
    longest: dt.timedelta = dt.timedelta()
    shortest: dt.timedelta = dt.timedelta.max
    spans: list[dt.timedelta] = field(default_factory=list)

    def end_file(self) -> None:
        """Forgets where the file was: files may be given in any order."""
        if self.latest is not None and self.earliest is not None:
            self.spans.append(self.latest - self.earliest)
        self.latest = self.earliest = None

    @property
    def period(self) -> dt.timedelta | None:
        """Returns the time that each file covers, if it is one of PERIODS; None if not, or if the files differ."""
        covered = [span + self.shortest for span in self.spans] if self.longest else []
        return next(
            (one for one in PERIODS if covered and all(abs(each / one - 1) < ROUNDING for each in covered)), None
        )

    def add(self, block: Block) -> None:
        times = fieldtypes.parse(block.given(self.name), self.kind).cast(pl.Datetime("us"))
        known = times if self.latest is None else pl.concat([pl.Series([self.latest], dtype=pl.Datetime("us")), times])
        steps = known.diff().drop_nulls()
        if times.null_count() or (steps < dt.timedelta()).any():
            self.ordered = False
        if steps.len():
            self.repeats |= bool((steps == dt.timedelta()).any())
            self.longest = max(self.longest, steps.max())  # type: ignore[type-var, assignment]
            ahead = steps.filter(steps > dt.timedelta()).min()
            self.shortest = min(self.shortest, ahead) if isinstance(ahead, dt.timedelta) else self.shortest
        if times.len():
            self.earliest = times[0] if self.earliest is None else self.earliest
            self.latest = times[-1]


def time_parts(header: list[str]) -> tuple[str, ...]:
    """Returns the fields of year, month, day and so on, as far as the file has them; none if it has no day."""
    found: list[str] = []
    for names in PARTS:
        name = next((name for name in names if name in header), None)
        if name is None:
            break
        found.append(name)
    return tuple(found) if len(found) >= 3 else ()


def time_axes(files: Sequence[Blocks], seen: list[Seen]) -> list[TimeAxis]:
    """Returns the fields that have a time in every row."""
    axes = [TimeAxis(one.name, one.found) for one in seen if one.found.type in ("datetime", "date") and not one.missing]
    for blocks in files if axes else ():
        for block in blocks():
            for axis in axes:
                axis.add(block)
        for axis in axes:
            axis.end_file()
    return axes


@dataclass(frozen=True)
class Order:
    """How the rows of a file are ordered: by `axis` or by the time of `parts`, if any; within each `series`, if it has any."""

    axis: TimeAxis | None = None
    parts: tuple[str, ...] = ()
    series: str | None = None


def order_of(sources: Sequence[Source], schema: Schema, seen: list[Seen], axes: list[TimeAxis]) -> Order:
    """Returns the first time axis whose times ascend, in each file or within the series of a field. Columns come before parts."""
    axis = next((axis for axis in axes if axis.ordered and not axis.repeats), None)
    if axis is not None:
        return Order(axis)
    years = [one.name for one in seen if one.found.type == "year" and not one.missing]
    parts = time_parts([one.name for one in seen]) or tuple(years if len(years) == 1 else ())
    tellers = [
        one
        for one in seen
        if not one.missing and one.distinct is not None and one.found.type in ("string", "integer", "boolean")
    ]
    orders = [Order(axis, series=one.name) for axis in axes for one in tellers if one.name != axis.name]
    if parts:
        orders += [
            Order(parts=parts),
            *(Order(parts=parts, series=one.name) for one in tellers if one.name not in parts),
        ]
    found = {one.name: one for one in seen}
    for order in orders:
        series = found.get(order.series or "")
        fields = {
            name: replace(found[name].found, name=name)
            for name in (*order.parts, *([order.series] if order.series else []))
        }
        rules = _rules(order, fields, schema)
        try:
            reports = [check_stream(one.open, one.form, rules, [3])[3] for one in sources]
        except InvalidRules:  # too many values to be series
            continue
        rows = sum(report.rows for report in reports)
        if all(report.passed for report in reports) and (series is None or 2 * len(series.distinct or ()) <= rows):
            return order
    return Order(next((axis for axis in axes if axis.ordered), None))


def _rules(order: Order, fields: dict[str, Field], schema: Schema) -> Rules:
    """Returns rules that ask only for this order."""
    series = () if order.series is None else (order.series,)
    if order.axis is not None:
        fields = fields | {order.axis.name: replace(order.axis.kind, name=order.axis.name)}
        return Rules(Schema(fields, (), schema.missing_values, schema.dialect, Axes(time=order.axis.name), series))
    time = " ".join((*order.parts, "(time)"))  # not the name of a field
    parts = {time: parts_of(TimeOf([*order.parts]), fields, [])}
    fields = fields | {time: Field(time, "datetime")}
    return Rules(Schema(fields, (), schema.missing_values, schema.dialect, Axes(time=time), series, parts))
