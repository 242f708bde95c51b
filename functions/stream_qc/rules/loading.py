"""Loads rules from YAML 1.2 and validates them. Every mistake that is found is reported with its place.

Whatever Table Schema or ioos_qc defines and is not supported here is refused by name; nothing is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from stream_qc.checks import MODULES, NOT_SUPPORTED, TESTS, Test
from stream_qc.errors import InvalidRules
from stream_qc.rules.converting import convert, kind_of
from stream_qc.rules.model import Document, Limits, RowLimits, Rules, StreamTest
from stream_qc.rules.published import as_document
from stream_qc.rules.table import require_field, schema_of
from stream_qc.rules.text import content_of
from stream_qc.rules.times import time_name
from stream_qc.schema import Axes, Field, Schema

CHECKS = (
    "type", "required", "unique", "minimum", "maximum", "minLength", "maxLength", "enum", "pattern",
    "time_order", "duplicate_time", *TESTS,
)  # fmt: skip


def load(text: bytes | str) -> Rules:
    """Returns the rules in the text of a rules file.

    Raises InvalidRules with every mistake that was found and its place.
    """
    document = _document(text)
    mistakes: list[str] = []
    axes = Axes(time_name(document), document.z, document.lat, document.lon)
    schema = schema_of(document, axes, mistakes)
    tests = tuple(_tests(document.streams, schema.fields, mistakes))
    for asked in tests:
        mistakes += [f"{asked.place}: {mistake}" for mistake in _mistakes_of_test(asked, schema)]
    rules = Rules(
        schema=schema,
        tests=tests,
        rows=_rows(document.rows, mistakes),
        limits=_limits(document.limits, schema.fields, mistakes),
    )
    if mistakes:
        raise InvalidRules(mistakes)
    return rules


def _document(text: bytes | str) -> Document:
    mistakes: list[str] = []
    document = convert(as_document(content_of(text), mistakes), Document, "", mistakes)
    if document is None or mistakes:
        raise InvalidRules(mistakes)
    return document


def _tests(streams: dict[str, Any], fields: dict[str, Field], mistakes: list[str]) -> Iterator[StreamTest]:
    for stream, modules in streams.items():
        require_field(stream, fields, f"streams.{stream}", mistakes)
        if not isinstance(modules, dict):
            mistakes.append(f"streams.{stream}: expected a mapping of modules such as qartod, not {kind_of(modules)}")
            continue
        for module, tests in modules.items():
            place = f"streams.{stream}.{module}"
            if module not in MODULES:
                mistakes.append(f"{place}: unknown module; expected one of: {', '.join(MODULES)}")
            elif not isinstance(tests, dict):
                mistakes.append(f"{place}: expected a mapping of tests, not {kind_of(tests)}")
            else:
                for name, parameters in tests.items():
                    test = _test(module, name, parameters, mistakes, f"{place}.{name}")
                    if test is not None and stream in fields:
                        yield StreamTest(stream, name, test)


def _test(module: str, name: str, parameters: Any, mistakes: list[str], place: str) -> Test | None:
    if name in NOT_SUPPORTED:
        mistakes.append(f"{place}: {NOT_SUPPORTED[name]}")
        return None
    if name not in TESTS:
        known = [test for test, kind in TESTS.items() if kind.module == module]
        mistakes.append(f"{place}: unknown test; expected one of: {', '.join(known)}")
        return None
    if TESTS[name].module != module:
        mistakes.append(f"{place}: it is a test of the module {TESTS[name].module}; move it there")
        return None
    test = convert({} if parameters is None else parameters, TESTS[name], place, mistakes)
    if test is not None and _holds_nan(msgspec.to_builtins(test)):
        mistakes.append(f"{place}: .nan cannot be used: no value is above or below it, so no row would fail")
        return None
    return test


def _mistakes_of_test(asked: StreamTest, schema: Schema) -> Iterator[str]:
    """Yields each requirement of a test that the schema or its parameters do not meet."""
    test, fields, axes = asked.test, schema.fields, schema.axes
    for name in sorted(test.number_fields(asked.field, axes)):
        if name in fields and fields[name].type not in ("number", "integer"):
            yield f"needs numbers, but the field {name} has type {fields[name].type}"
    if test.needs_text and fields[asked.field].type not in ("string", "any"):
        yield f"needs text, but the field {asked.field} has type {fields[asked.field].type}"
    for axis in test.needs_axes:
        if axes.get(axis) is None:
            yield f"needs the {axis} axis; name its field at the top of the rules, for example `{axis}: {axis}`"
    for parameter, axis in test.parameter_axes().items():
        if axes.get(axis) is None:
            yield f"{parameter}: needs the {axis} axis; name its field at the top of the rules, for example `{axis}: {axis}`"
    yield from test.mistakes()


def _holds_nan(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return any(map(_holds_nan, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and math.isnan(value)


def _rows(given: Any, mistakes: list[str]) -> RowLimits:
    rows = convert(given, RowLimits, "rows", mistakes) or RowLimits()
    if rows.minimum < 0:
        mistakes.append(f"rows.minimum: {rows.minimum} is negative")
    if rows.maximum is not None and rows.maximum < rows.minimum:
        mistakes.append(f"rows: the minimum {rows.minimum} is above the maximum {rows.maximum}")
    return rows


def _limits(given: Any, fields: dict[str, Field], mistakes: list[str]) -> Limits:
    limits = convert(given, Limits, "limits", mistakes)
    if limits is None:
        return Limits()
    shares = {"limits.max_fail_share": limits.max_fail_share}
    for field, tests in limits.streams.items():
        require_field(field, fields, f"limits.streams.{field}", mistakes)
        shares |= {f"limits.streams.{field}.{test}": share for test, share in tests.items()}
        mistakes += [
            f"limits.streams.{field}.{test}: unknown check; expected one of: {', '.join(CHECKS)}"
            for test in tests
            if test not in CHECKS
        ]
    mistakes += [
        f"{place}: a share must be from 0 to 1, not {share}" for place, share in shares.items() if not 0 <= share <= 1
    ]
    return limits
