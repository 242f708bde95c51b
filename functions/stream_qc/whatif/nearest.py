"""The nearest value of a limit at which a check would have passed, by the check's own judgement.

The distance to the farthest value that the limit may have is halved until no floating-point number is left between a value that
fails and one that passes. The rows are read once and kept, with the fields of the check only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stream_qc.checks import TESTS, Check
from stream_qc.checks.measures import measured
from stream_qc.engine import Open
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.redaction import hides
from stream_qc.results import Result
from stream_qc.rules import Rules
from stream_qc.tally import Tally
from stream_qc.whatif.limits import NumericLimit, Span, limits_of

MOST_ROWS = 5_000_000  # that are kept
Passes = Callable[[Check], bool]
Number = int | float  # apart, because rules refuse 7.0 where they want a whole number, and JSON is read by these types


@dataclass(frozen=True)
class Nearest:
    """A value that would let a check pass, or both ends of a span. place: where to write it in the rules."""

    place: str
    value: Number | list[Number]

    def __str__(self) -> str:
        ends = self.value
        shown = f"[{', '.join(map(_shown, ends))}]" if isinstance(ends, list) else _shown(ends)
        return f"{self.place}: {shown}"


def _shown(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def nearest_of(open_stream: Open, form: Format, rules: Rules, result: Result) -> list[Nearest]:
    """Returns the nearest value of each limit of a check that failed, if it has limits that can be moved, and the share of rows
    that would have to be allowed. Empty for a check that was not evaluated, and for values that the rules hide.
    """
    if result.passed:
        return []
    if (result.field, result.test) == ("*", "rows"):
        few = result.rows < rules.rows.minimum
        return [Nearest("rows.minimum" if few else "rows.maximum", result.rows)]
    if not result.fail:
        return []
    found = list[Nearest]()
    limits = limits_of(rules, result.process, result.field, result.test)
    needs = _needs(limits[0]) if limits else ()
    if limits and not hides(rules.redact, {result.field, *needs}):
        try:
            blocks = _blocks(open_stream, form, rules, needs)
        except UnreadableFile:
            return []

        def passes(check: Check) -> bool:
            return _passes(check, rules, result, blocks)

        for limit in limits if blocks else ():
            found += _of_span(limit, passes) if isinstance(limit, Span) else _of_limit(limit, passes)
    if result.fail >= result.rows:  # to allow every row is to ask nothing
        return found
    # A share of its own can be given to a check of a field only.
    place = "limits.max_fail_share" if result.field == "*" else f"limits.streams.{result.field}.{result.test}"
    return [*found, Nearest(place, result.fail / result.rows)]


def _needs(limit: NumericLimit | Span) -> Sequence[str]:
    """Returns the fields that the check of a limit reads."""
    return limit.check((None, None)).needs if isinstance(limit, Span) else limit.check(limit.value).needs


def _blocks(open_stream: Open, form: Format, rules: Rules, needs: Sequence[str]) -> list[Block]:
    """Returns the file with these fields; nothing for one that is too long to be kept."""
    time = rules.schema.axes.time
    blocks, rows = list[Block](), 0
    for block in open_reader(open_stream(), form, rules.schema, wanted={*needs} | ({time} if time else set())):
        rows += block.height
        if rows > MOST_ROWS:
            return []
        blocks.append(block)
    return blocks


def _passes(check: Check, rules: Rules, result: Result, blocks: list[Block]) -> bool:
    limit = rules.limit(check.field, check.test)
    tally = Tally(result.process, check, limit, asked=check.test in TESTS)
    while True:
        for block in blocks:
            tally.update(block, measured(tally.measures, block.typed))
        if not tally.finish():
            return tally.result(result.rows, ()).passed


def _of_limit(limit: NumericLimit, passes: Passes) -> list[Nearest]:
    value = _nearest(limit, passes)
    return [] if value is None else [Nearest(limit.place, value)]


def _of_span(span: Span, passes: Passes) -> list[Nearest]:
    """Returns the nearest value of each end that suffices alone; if none does, both ends together.

    Of two ends that a share of rows may lie beyond, the upper one is moved first, with the lower one open.
    """
    ends = [(index, end) for index, end in enumerate((span.low, span.high)) if end is not None]
    found = [one for index, _ in ends for one in _of_limit(span.end(index, (span.high, span.low)[index]), passes)]
    if found or len(ends) < 2:
        return found
    high = _nearest(span.end(1, None), passes)
    low = _nearest(span.end(0, high), passes)
    if low is None or high is None:
        return []
    return [Nearest(span.place, [low, high])]


def _nearest(limit: NumericLimit, passes: Passes) -> Number | None:
    """Returns the value nearest to the limit that passes; None if none does, or if the limit is not what fails."""
    if passes(limit.check(limit.value)) or not passes(limit.check(limit.farthest)):
        return None
    low, high = (_rank(limit.value, limit.whole), _rank(limit.farthest, limit.whole))
    while abs(high - low) > 1:
        middle = (low + high) // 2
        if passes(limit.check(_value(middle, limit.whole))):
            high = middle
        else:
            low = middle
    return _value(high, limit.whole)


def _rank(value: float, whole: bool) -> int:  # noqa: FBT001
    """Returns the place of a number among all floating-point numbers, or the whole number itself."""
    if whole:
        return int(value)
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _value(rank: int, whole: bool) -> Number:  # noqa: FBT001
    if whole:
        return rank
    value: float = struct.unpack("<d", struct.pack("<q", abs(rank)))[0]
    return math.copysign(value, rank)
