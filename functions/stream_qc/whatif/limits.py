"""The numeric limits of a check: where the rules have them, and the check with another value in their place."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from stream_qc.checks import Check, Test
from stream_qc.checks.attenuated_signal import AttenuatedSignalTest
from stream_qc.checks.base import HOURS
from stream_qc.checks.constraints import value_checks
from stream_qc.checks.density_inversion import DensityInversionTest
from stream_qc.checks.flat_line import FlatLineTest
from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.rate_of_change import RateOfChangeTest
from stream_qc.checks.series import Series
from stream_qc.checks.speed import SpeedTest
from stream_qc.checks.spike import SpikeTest
from stream_qc.checks.time_gap import TimeGapTest
from stream_qc.checks.valid_range import ValidRangeTest
from stream_qc.rules import Rules
from stream_qc.rules.model import StreamTest
from stream_qc.schema import Constraints, Field

HIGHER, LOWER = 1, -1  # which way a limit must go to let more rows pass
LARGEST, LARGEST_WHOLE = sys.float_info.max, 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1000, 9999  # that rules can have as a number
THRESHOLDS: dict[type[Test], tuple[str, int]] = {
    AttenuatedSignalTest: ("fail_threshold", LOWER),
    DensityInversionTest: ("fail_threshold", LOWER),
    FlatLineTest: ("fail_threshold", HIGHER),
    RateOfChangeTest: ("fail_threshold", HIGHER),
    SpeedTest: ("fail_threshold", HIGHER),
    SpikeTest: ("fail_threshold", HIGHER),
    TimeGapTest: ("fail_span", HIGHER),
}
FARTHEST: dict[type[Test], float] = {FlatLineTest: 3600 * HOURS, TimeGapTest: HOURS}  # of the others: LARGEST
SPANS: dict[type[Test], tuple[str, float | None]] = {  # and what an open end is
    GrossRangeTest: ("fail_span", math.inf),
    ValidRangeTest: ("valid_span", None),
}
CONSTRAINTS = {
    "minimum": LOWER,
    "maximum": HIGHER,
    "exclusive_minimum": LOWER,
    "exclusive_maximum": HIGHER,
    "min_length": LOWER,
    "max_length": HIGHER,
}


@dataclass(frozen=True)
class NumericLimit:
    """A limit that can be moved. place: where the rules have it. value: what it is. looser: HIGHER or LOWER. check: returns its
    check with another value. whole: whether it is a whole number. farthest: the last value that it may have.
    """

    place: str
    value: float
    looser: int
    check: Callable[[Any], Check]
    whole: bool = False
    farthest: float = LARGEST


@dataclass(frozen=True)
class Span:
    """The two ends of a span. place: where the rules have it. check: returns its check with other ends. low, high: what they are;
    None for one that is open.
    """

    place: str
    low: float | None
    high: float | None
    check: Callable[[tuple[float | None, float | None]], Check]

    def end(self, index: int, beside: float | None) -> NumericLimit:
        """Returns one end as a limit: 0 for the lower one. beside: the other end."""
        value, looser = ((self.low, LOWER), (self.high, HIGHER))[index]
        if value is None:
            raise ValueError(f"{self.place} has no end {index}")

        def check(moved: float) -> Check:
            return self.check((moved, beside) if index == 0 else (beside, moved))

        return NumericLimit(f"{self.place}[{index}]", value, looser, check, farthest=looser * LARGEST)


def limits_of(rules: Rules, process: int, field: str, test: str) -> list[NumericLimit | Span]:
    """Returns the limits of a check. A check for some rows only, and one without a number, has none."""
    if process == 2 and field in rules.schema.fields:
        names = zip(Constraints.__struct_fields__, Constraints.__struct_encode_fields__, strict=True)
        for name, published in names:
            if published == test and name in CONSTRAINTS:
                return [*_of_constraint(rules.schema.fields[field], name, published)]
    found: list[NumericLimit | Span] = []
    for asked in rules.tests:
        tested = asked.test.check(asked.field, rules.schema.axes).field
        if (asked.test.process, tested, asked.name) == (process, field, test) and asked.entry is None:
            found += _of_test(rules, asked)
    return found


def _of_constraint(field: Field, name: str, published: str) -> Iterator[NumericLimit]:
    value = getattr(field.constraints, name)
    if isinstance(value, int | float) and not isinstance(value, bool):

        def check(limit: Any) -> Check:
            (only,) = value_checks(replace(field, constraints=replace(Constraints(), **{name: limit})))
            return only

        whole, looser = isinstance(value, int) and field.type != "number", CONSTRAINTS[name]
        place = f"schema.fields.{field.name}.constraints.{published}"
        yield NumericLimit(place, value, looser, check, whole=whole, farthest=_farthest(field, looser, whole=whole))


def _farthest(field: Field, looser: int, *, whole: bool) -> float:
    if field.type == "year":
        return LAST_YEAR if looser == HIGHER else FIRST_YEAR
    if whole:
        return LARGEST_WHOLE if looser == HIGHER else -LARGEST_WHOLE - 1
    return looser * LARGEST


def _of_test(rules: Rules, asked: StreamTest) -> Iterator[NumericLimit | Span]:
    kind, test = type(asked.test), asked.test

    def put(name: str, value: Any) -> Check:
        return _check(rules, asked, replace(test, **{name: value}))

    if kind in THRESHOLDS:
        name, looser = THRESHOLDS[kind]
        value = getattr(test, name)
        if value is not None:
            far = FARTHEST.get(kind, looser * LARGEST)
            yield NumericLimit(f"{asked.place}.{name}", value, looser, partial(put, name), farthest=far)
    if kind in SPANS:
        name, beyond = SPANS[kind]
        low, high = getattr(test, name)

        def put_ends(ends: tuple[float | None, float | None]) -> Check:
            low, high = ends
            opened = (-beyond, beyond) if beyond is not None else (None, None)
            return put(name, (opened[0] if low is None else low, opened[1] if high is None else high))

        ends = [None if end is None or not math.isfinite(end) else end for end in (low, high)]
        yield Span(f"{asked.place}.{name}", ends[0], ends[1], put_ends)


def _check(rules: Rules, asked: StreamTest, test: Test) -> Check:
    axes, series = rules.schema.axes, rules.schema.series
    return test.check_in_series(asked.field, axes, Series(series)) if series else test.check(asked.field, axes)
