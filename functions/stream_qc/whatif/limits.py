"""The numeric limits of a check: where the rules have them, and the check with another value in their place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from stream_qc.checks import Check, Test
from stream_qc.checks.attenuated_signal import AttenuatedSignalTest
from stream_qc.checks.constraints import value_checks
from stream_qc.checks.density_inversion import DensityInversionTest
from stream_qc.checks.flat_line import FlatLineTest
from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.percentile_range import PercentileRangeTest
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
THRESHOLDS: dict[type[Test], tuple[str, int]] = {
    AttenuatedSignalTest: ("fail_threshold", LOWER),
    DensityInversionTest: ("fail_threshold", LOWER),
    FlatLineTest: ("fail_threshold", HIGHER),
    PercentileRangeTest: ("pad", HIGHER),
    RateOfChangeTest: ("fail_threshold", HIGHER),
    SpeedTest: ("fail_threshold", HIGHER),
    SpikeTest: ("fail_threshold", HIGHER),
    TimeGapTest: ("fail_span", HIGHER),
}
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
    """A limit that can be moved. place: where the rules have it. value: what it is. looser: HIGHER or LOWER. whole: whether it is
    a whole number. check: returns its check with another value; another limit of the same test is open.
    """

    place: str
    value: float
    looser: int
    check: Callable[[Any], Check]
    whole: bool = False


def limits_of(rules: Rules, process: int, field: str, test: str) -> list[NumericLimit]:
    """Returns the limits of a check. A check for some rows only, and one without a number, has none."""
    if process == 2 and field in rules.schema.fields:
        names = zip(Constraints.__struct_fields__, Constraints.__struct_encode_fields__, strict=True)
        for name, published in names:
            if published == test and name in CONSTRAINTS:
                return [*_of_constraint(rules.schema.fields[field], name, published)]
    found: list[NumericLimit] = []
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

        whole = isinstance(value, int) and field.type != "number"
        yield NumericLimit(
            f"schema.fields.{field.name}.constraints.{published}", value, CONSTRAINTS[name], check, whole=whole
        )


def _of_test(rules: Rules, asked: StreamTest) -> Iterator[NumericLimit]:
    kind, test = type(asked.test), asked.test
    if kind in THRESHOLDS:
        name, looser = THRESHOLDS[kind]
        value = getattr(test, name)
        if value is not None:
            put = partial(_with, rules, asked, name)
            yield NumericLimit(f"{asked.place}.{name}", value, looser, put)
    if kind in SPANS:
        name, beyond = SPANS[kind]
        low, high = getattr(test, name)
        open_low = None if beyond is None else -beyond
        for index, end, looser in ((0, low, LOWER), (1, high, HIGHER)):
            if end is not None and math.isfinite(end):
                other = beyond if index == 0 else open_low
                put = partial(_with_end, rules, asked, name, index, other)
                yield NumericLimit(f"{asked.place}.{name}[{index}]", end, looser, put)


def _with(rules: Rules, asked: StreamTest, name: str, value: float) -> Check:
    return _check(rules, asked, replace(asked.test, **{name: value}))


def _with_end(rules: Rules, asked: StreamTest, name: str, index: int, other: float | None, value: float) -> Check:
    span = (value, other) if index == 0 else (other, value)
    return _check(rules, asked, replace(asked.test, **{name: span}))


def _check(rules: Rules, asked: StreamTest, test: Test) -> Check:
    axes, series = rules.schema.axes, rules.schema.series
    return test.check_in_series(asked.field, axes, Series(series)) if series else test.check(asked.field, axes)
