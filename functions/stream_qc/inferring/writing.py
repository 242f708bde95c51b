"""Writes inferred rules as YAML."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stream_qc.checks.base import spell
from stream_qc.inferring.axes import Order, TimeAxis
from stream_qc.inferring.fields import FEW_VALUES, TEXTS, Seen
from stream_qc.inferring.limits import far_values, tests_of
from stream_qc.inferring.sniffing import Sniffed
from stream_qc.inferring.spread import Spread
from stream_qc.schema import Field

LONGEST_GAP = 24 * 366 * 1000  # hours, as time_gap_test takes them
MOSTLY = 0.5  # the share of numbers above which a field of texts is doubtful
FEWEST_ROWS = 30  # for ranges


@dataclass
class Found:
    """What was found in so many files. missing: what is taken for missing values. spreads: of the possible measurements.
    unnamed: how many columns have no name.

    unanswered: the fields and the checks that a file does not pass as it is, because it has too few values, for example.
    """

    sniffed: Sniffed
    seen: list[Seen]
    files: int
    rows: int
    missing: list[str]
    order: Order
    spreads: dict[str, Spread]
    unnamed: int = 0
    unanswered: frozenset[tuple[str, str]] = frozenset()

    @property
    def ordered(self) -> TimeAxis | None:
        """Returns the axis if its times do not repeat, or not within a series."""
        axis = self.order.axis
        return axis if axis is not None and (not axis.repeats or self.order.series is not None) else None


def lines_of(found: Found) -> Iterator[str]:
    """Yields the lines of the rules file."""
    files = "one file" if found.files == 1 else f"{found.files:,} files"
    yield f"# Inferred from {files} of {found.rows:,} rows. Review it before use: other files of the stream may differ."
    yield from (f"# check: {doubt}" for doubt in _doubts(found))
    if found.sniffed.words is not None:
        yield f"dialect: {_flow(found.sniffed.words)}"
    yield from _schema(found)
    yield from _time(found)
    yield from _streams(found)
    yield "rows: {minimum: 1}"


def _schema(found: Found) -> Iterator[str]:
    yield "schema:"
    yield "  fields:"
    for one in found.seen:
        yield f"    - {_flow(_field(one, found))}"
    if found.ordered is not None:
        name = found.ordered.name
        yield f"  primaryKey: {_text(name) if found.order.series is None else _flow([found.order.series, name])}"
    if found.missing:
        yield f"  missingValues: {_flow(['', *found.missing])}"


def _time(found: Found) -> Iterator[str]:
    if len(found.order.parts) == 1:
        yield f"time: {_text(found.order.parts[0])}"
    elif found.order.parts:
        yield f"time: {_flow({'fields': [*found.order.parts]})}"
    elif found.ordered is not None:
        yield f"time: {_text(found.ordered.name)}"
    elif found.order.axis is not None:
        name = _text(found.order.axis.name)
        yield f"# {name} has repeated times. To make it the time axis, add `time: {name}` and a primaryKey of {name} and"
        yield "# another field."
    if found.order.series is not None:
        yield f"series: {_text(found.order.series)}"


def _streams(found: Found) -> Iterator[str]:
    spreads = found.spreads if found.rows >= FEWEST_ROWS else {}
    axis = found.ordered
    tests = {name: tests_of(name, spread, in_order=axis is not None) for name, spread in spreads.items()}
    if axis is not None and found.order.series is None and found.rows > 1 and _gap(axis.longest) < LONGEST_GAP:
        tests[axis.name] = {"time_gap_test": {"fail_span": _gap(axis.longest)}}
    if any((name, test) not in found.unanswered for name, given in tests.items() for test in given):
        yield "streams:"
    for name, given in tests.items():
        asked = {test: limits for test, limits in given.items() if (name, test) not in found.unanswered}
        if asked:
            yield f"  {_text(name)}:"
            yield "    qartod:"
            for test, parameters in asked.items():
                yield f"      {test}: {_flow(parameters)}" + (" # hours" if test == "time_gap_test" else "")


def _doubts(found: Found) -> Iterator[str]:
    """Yields what a person must decide, because the file alone does not tell."""
    yield from found.sniffed.doubts
    if found.ordered is not None and found.ordered.period is not None:
        period, grace = spell(found.ordered.period), spell(min(found.ordered.period / 6, dt.timedelta(days=1)))
        each = "the file covers" if found.files == 1 else "each file covers"
        yield f"{each} {period}; if one comes every {period}, add: arrival: {{every: {period}, grace: {grace}}}"
    if found.unnamed:
        columns = (
            "a column without a name is" if found.unnamed == 1 else f"{found.unnamed:,} columns without a name are"
        )
        yield f"{columns} left out; give it a name in the file if it should be checked"
    for one in found.seen:
        forms = {candidate.format for candidate in one.candidates}
        if one.found.type == "date" and {"%m/%d/%Y", "%d/%m/%Y"} <= forms:
            yield f"the dates of {one.name} may be month/day or day/month; month/day is assumed"
    for text in found.missing:
        other = "text in a column of numbers or times" if text in TEXTS else "far from the other values"
        yield f"{text} is treated as missing, because it is {other}"
    yield from _doubtful_values(found)
    if found.rows < FEWEST_ROWS:
        yield f"{found.rows:,} {'row is' if found.rows == 1 else 'rows are'} too few to infer ranges"
    if found.order.axis is None and not found.order.parts:
        yield "no field is in time order, so there are no continuity tests; set `time` if there is a time axis"


def _doubtful_values(found: Found) -> Iterator[str]:
    for one in found.seen:
        if one.found.type == "string" and one.odd and one.numeric > MOSTLY * found.rows:
            yield f"{one.name} is mostly numbers, with some text such as {one.odd}; it is treated as text"
        for value in one.shared:
            yield f"{value:g} in {one.name} may mean missing, but it is an ordinary value in another field"
    for name, test in sorted(found.unanswered):
        yield f"{test} of {name} is left out, because not every file passes it"
    for name, spread in found.spreads.items():
        for value in far_values(spread.values):
            yield f"{value:g} in {name} is far from the other values; if it is wrong, lower the fail limits of {name}"


def _field(one: Seen, found: Found) -> dict[str, Any]:
    kind = Field("", "any") if (one.name, "type") in found.unanswered else one.found
    described: dict[str, Any] = {"name": one.name, "type": kind.type}
    if kind.format != "default":
        described["format"] = kind.format
    constraints: dict[str, Any] = {}
    if not one.missing and not one.lacking and not one.texts:
        constraints["required"] = True
    if (
        kind.type == "string"
        and one.values
        and one.name != found.order.series  # there may be others
        and all(count > 1 for count in one.values.values())
        and found.rows > FEW_VALUES
    ):
        constraints["enum"] = sorted(set(one.values) - {*found.missing})
    if constraints:
        described["constraints"] = constraints
    return described


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
