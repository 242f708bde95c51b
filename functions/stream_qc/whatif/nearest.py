"""The nearest value of a limit at which a check would have passed, by the check's own judgement.

The limit is moved until the check passes, and the last step is halved until no floating-point number is left between a value
that fails and one that passes. The rows are read once and kept, with the fields of the check only.
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
from stream_qc.whatif.limits import NumericLimit, limits_of

MOST_ROWS = 5_000_000  # that are kept
FARTHEST = 1e15  # from its value, in doublings of 1
Passes = Callable[[float], bool]


@dataclass(frozen=True)
class Nearest:
    """A value that would let a check pass. place: where to write it in the rules."""

    place: str
    value: float

    def __str__(self) -> str:
        short = f"{self.value:g}"
        return f"{self.place}: {short if float(short) == self.value else repr(self.value)}"


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
    if limits and not hides(rules.redact, {result.field, *limits[0].check(limits[0].value).needs}):
        try:
            blocks = _blocks(open_stream, form, rules, limits[0].check(limits[0].value).needs)
        except UnreadableFile:
            return []
        for limit in limits if blocks else ():
            value = _nearest(limit, lambda value, limit=limit: _passes(limit.check(value), rules, result, blocks))  # type: ignore[misc]
            if value is not None:
                found.append(Nearest(limit.place, value))
    # A share of its own can be given to a check of a field only.
    place = "limits.max_fail_share" if result.field == "*" else f"limits.streams.{result.field}.{result.test}"
    return [*found, Nearest(place, result.fail / result.rows)]


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


def _nearest(limit: NumericLimit, passes: Passes) -> float | None:
    """Returns the value nearest to the limit that passes; None if none does, or if the limit is not what fails."""
    if passes(limit.value):
        return None
    fails, step = limit.value, 1.0
    while step <= FARTHEST:
        moved = limit.value + limit.looser * step
        try:
            if passes(int(moved) if limit.whole else moved):
                break
        except OverflowError:
            return None
        fails, step = moved, step * 2
    else:
        return None
    low, high = (_rank(fails, limit.whole), _rank(moved, limit.whole))
    while abs(high - low) > 1:
        middle = (low + high) // 2
        if passes(_value(middle, limit.whole)):
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


def _value(rank: int, whole: bool) -> float:  # noqa: FBT001
    if whole:
        return rank
    value: float = struct.unpack("<d", struct.pack("<q", abs(rank)))[0]
    return math.copysign(value, rank)
