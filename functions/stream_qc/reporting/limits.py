"""The limits of a field that are drawn as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.valid_range import ValidRangeTest
from stream_qc.flags import FAIL, SUSPECT
from stream_qc.reporting.record import Limit
from stream_qc.rules import Rules

CONSTRAINTS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")


def limits_of(rules: Rules, field: str) -> list[Limit]:
    """Returns the limits that hold for every row of a field: those of its schema and of its range tests."""
    return [limit for limit in _limits(rules, field) if math.isfinite(limit.value)]


def _limits(rules: Rules, field: str) -> Iterator[Limit]:
    constraints = rules.schema.fields[field].constraints
    for name in CONSTRAINTS:
        value = getattr(constraints, name)
        if value is not None:
            yield Limit(name.replace("exclusive_m", "exclusiveM"), float(value), FAIL)
    for asked in rules.tests:
        if asked.field != field or asked.entry is not None:
            continue
        if isinstance(asked.test, GrossRangeTest):
            yield from _ends("gross_range_test fail_span", asked.test.fail_span, FAIL)
            yield from _ends("gross_range_test suspect_span", asked.test.suspect_span or (), SUSPECT)
        elif isinstance(asked.test, ValidRangeTest):
            yield from _ends("valid_range_test valid_span", asked.test.valid_span, FAIL)


def _ends(name: str, span: tuple[float | None, ...], flag: int) -> Iterator[Limit]:
    for end in span:
        if end is not None:
            yield Limit(name, float(end), flag)
