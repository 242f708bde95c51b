"""Writes a first rules file from a good file, as a starting point."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from stream_qc import fieldtypes
from stream_qc.checks.cadence import Intervals
from stream_qc.engine import Open
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.rules.loading import LONGEST_NAME
from stream_qc.schema import Field, Schema

# From the narrowest to the widest; a field that fits none of them is a string. 1 and 0 are taken as integers, not booleans.
CANDIDATES = (
    Field("", "integer"),
    Field("", "number"),
    Field("", "boolean"),
    Field("", "datetime"),
    *(
        Field("", "datetime", form)
        for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
    ),
    Field("", "date"),
    *(Field("", "date", form) for form in ("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")),
    Field("", "time"),
)
LONGEST_GAP = 24 * 366 * 1000  # hours, as time_gap_test takes them
FEW_VALUES = 12  # a text field with at most this many values, each of them repeated, gets an enum
SUSPECT_MARGIN, FAIL_MARGIN = 0.1, 0.5  # share of the range of the values


@dataclass
class Seen:
    """What is known of a field after the blocks so far."""

    name: str
    candidates: list[Field] = field(default_factory=lambda: list(CANDIDATES))
    missing: int = 0
    least: float = math.inf
    most: float = -math.inf
    infinite: bool = False
    values: dict[str, int] | None = field(default_factory=dict)  # how often each occurs; None if there are too many

    @property
    def found(self) -> Field:
        """Returns the narrowest type that fits every value, without a name."""
        empty = self.values is not None and not self.values
        return Field("", "string") if empty or not self.candidates else self.candidates[0]

    def add(self, block: Block) -> None:
        given = block.given(self.name)
        self.missing += given.null_count()
        there = given.drop_nulls()
        if there.dtype.is_nested() or there.dtype in (pl.Categorical, pl.Enum, pl.Duration, pl.Binary):
            there = fieldtypes.text(there)
        if there.len():
            self.candidates = [one for one in self.candidates if fieldtypes.parse(there, one).null_count() == 0]
            self._count(there)
            numbers = _numbers(there)
            self.infinite |= bool(numbers.is_infinite().any())
            self.missing += int(numbers.is_nan().sum())  # NaN is missing
            numbers = numbers.filter(numbers.is_finite())
            if numbers.len():
                self.least = min(self.least, float(numbers.min()))  # type: ignore[arg-type]
                self.most = max(self.most, float(numbers.max()))  # type: ignore[arg-type]

    def _count(self, there: pl.Series) -> None:
        if self.values is None:
            return
        for value, count in fieldtypes.text(there).alias("value").value_counts(name="count").iter_rows():
            self.values[value] = self.values.get(value, 0) + count
        if len(self.values) > FEW_VALUES:
            self.values = None


def _numbers(there: pl.Series) -> pl.Series:
    """Returns the cells that are numbers. Spaces around a number are allowed (stream_qc.fieldtypes)."""
    bare = there.str.strip_chars() if there.dtype == pl.String else there
    return bare.cast(pl.Float64, strict=False).drop_nulls()


@dataclass
class TimeAxis:
    """A candidate for the time axis. It must be in order."""

    name: str
    kind: Field
    latest: dt.datetime | None = None
    ordered: bool = True
    repeats: bool = False
    intervals: Intervals = field(default_factory=Intervals)
    longest: dt.timedelta = dt.timedelta()

    def add(self, block: Block) -> None:
        times = fieldtypes.parse(block.given(self.name), self.kind).cast(pl.Datetime("us"))
        known = times if self.latest is None else pl.concat([pl.Series([self.latest], dtype=pl.Datetime("us")), times])
        steps = known.diff().drop_nulls()
        if times.null_count() or (steps < dt.timedelta()).any():
            self.ordered = False
        if steps.len():
            self.repeats |= bool((steps == dt.timedelta()).any())
            self.longest = max(self.longest, steps.max())  # type: ignore[type-var, assignment]
        if times.len():
            self.latest = times[-1]


def infer(open_stream: Open, form: Format) -> str:
    """Returns the text of a rules file that this file passes.

    Raises UnreadableFile if the file cannot be read, has no rows or has a malformed one.
    """
    header = _header(open_stream, form)
    faults = [
        f"the field {name} occurs {count} times in the header" for name, count in Counter(header).items() if count > 1
    ]
    faults += [
        f"a field name must have 1 to {LONGEST_NAME} characters: {name[:40]!r}"
        for name in header
        if not 0 < len(name) <= LONGEST_NAME
    ]
    if faults:
        raise UnreadableFile(f"{'; '.join(faults)}; rules can only be inferred from a good file")
    plain = Schema(fields={name: Field(name) for name in header})
    seen = [Seen(name) for name in dict.fromkeys(header)]
    rows = 0
    for block in _blocks(open_stream, form, plain):
        for one in seen:
            one.add(block)
        rows += block.height
    if not rows:
        raise UnreadableFile("the file has no rows; rules can only be inferred from a good file")
    axis = _axis(open_stream, form, plain, seen)
    return "\n".join(_lines(seen, rows, axis)) + "\n"


def _header(open_stream: Open, form: Format) -> list[str]:
    reader = open_reader(open_stream(), form, Schema())
    for _ in reader:
        pass
    return reader.header


def _blocks(open_stream: Open, form: Format, schema: Schema) -> Iterator[Block]:
    for block in open_reader(open_stream(), form, schema):
        if block.malformed:
            first = block.malformed[0]
            raise UnreadableFile(
                f"row {first.row + 1:,} is malformed ({first.reason}); rules can only be inferred from a good file"
            )
        yield block


def _axis(open_stream: Open, form: Format, schema: Schema, seen: list[Seen]) -> TimeAxis | None:
    """Returns the first field that has a time in every row, in order."""
    axes = [TimeAxis(one.name, one.found) for one in seen if one.found.type in ("datetime", "date") and not one.missing]
    if axes:
        for block in _blocks(open_stream, form, schema):
            for axis in axes:
                axis.add(block)
    return next((axis for axis in axes if axis.ordered), None)


def _lines(seen: list[Seen], rows: int, axis: TimeAxis | None) -> Iterator[str]:
    yield f"# Inferred from one file of {rows:,} rows. Review it before use: other files of the stream may differ."
    yield "schema:"
    yield "  fields:"
    for one in seen:
        yield f"    - {_flow(_field(one, rows))}"
    if axis is not None and not axis.repeats:
        yield f"  primaryKey: {_text(axis.name)}"
    if axis is not None and axis.repeats:
        name = _text(axis.name)
        yield f"# {name} has repeated times. To make it the time axis, add `time: {name}` and a primaryKey of {name} and"
        yield "# another field."
    if axis is not None and not axis.repeats:
        yield f"time: {_text(axis.name)}"
    tests = {one.name: _tests(one) for one in seen}
    if axis is not None and not axis.repeats and _gap(axis.longest) < LONGEST_GAP:
        tests[axis.name] = {"time_gap_test": {"fail_span": _gap(axis.longest)}}
    if any(tests.values()):
        yield "streams:"
    for name, asked in tests.items():
        if asked:
            yield f"  {_text(name)}:"
            yield "    qartod:"
            for test, parameters in asked.items():
                yield f"      {test}: {_flow(parameters)}" + (" # hours" if test == "time_gap_test" else "")
    yield "rows: {minimum: 1}"


def _field(one: Seen, rows: int) -> dict[str, Any]:
    kind = one.found
    described: dict[str, Any] = {"name": one.name, "type": kind.type}
    if kind.format != "default":
        described["format"] = kind.format
    constraints: dict[str, Any] = {}
    if not one.missing:
        constraints["required"] = True
    if kind.type == "string" and one.values and all(count > 1 for count in one.values.values()) and rows > FEW_VALUES:
        constraints["enum"] = sorted(one.values)
    if constraints:
        described["constraints"] = constraints
    return described


def _tests(one: Seen) -> dict[str, Any]:
    """Returns a gross_range_test with a margin, if the field holds finite numbers."""
    if one.found.type not in ("integer", "number") or one.infinite or not one.least <= one.most:
        return {}
    if max(abs(one.least), abs(one.most)) > 1e300:  # a margin could overflow
        return {}
    span = one.most - one.least or abs(one.most) or 1.0

    def widened(margin: float) -> list[float]:
        low, high = one.least - margin * span, one.most + margin * span
        return [0 if one.least >= 0 > low else _outward(low, math.floor), _outward(high, math.ceil)]

    return {"gross_range_test": {"suspect_span": widened(SUSPECT_MARGIN), "fail_span": widened(FAIL_MARGIN)}}


def _outward(value: float, rounding: Any) -> float:
    """Returns the value with three significant digits, rounded outward."""
    if value == 0:
        return 0
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    rounded = float(f"{rounding(value / scale) * scale:.3g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _gap(longest: dt.timedelta) -> float:
    """Returns 1.5 times the longest step, in hours, rounded up to a hundredth."""
    return math.ceil(longest.total_seconds() * 1.5 / 36 + 0.1) / 100


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else _text(value)


def _text(value: str) -> str:
    """Returns the text as YAML: bare if it is a plain word, otherwise quoted as JSON."""
    words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    plain = value.isascii() and value.replace("_", "a").isalnum() and value[0].isalpha() and value.lower() not in words
    if plain:
        return value
    # YAML folds some line ends that JSON leaves alone, and rejects some characters that JSON accepts.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(value, ensure_ascii=False))
