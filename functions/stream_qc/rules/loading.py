"""Loads rules from YAML 1.2 and validates them. Every mistake that is found is reported with its place.

Whatever Table Schema or ioos_qc defines and is not supported here is refused by name; nothing is ignored.
"""

from __future__ import annotations

from typing import Any

from stream_qc.checks import TESTS
from stream_qc.errors import InvalidRules
from stream_qc.redaction import EVERY_FIELD, with_times
from stream_qc.rules.arriving import arrival_of
from stream_qc.rules.converting import convert
from stream_qc.rules.model import Document, Limits, RowLimits, Rules
from stream_qc.rules.published import as_document
from stream_qc.rules.streams import asked_of
from stream_qc.rules.table import require_field, schema_of
from stream_qc.rules.text import content_of
from stream_qc.rules.times import time_name, with_parts
from stream_qc.schema import Axes, Field, Schema

CHECKS = (
    "type", "required", "unique", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "enum",
    "pattern", "time_order", "duplicate_time", *TESTS,
)  # fmt: skip


def load(text: bytes | str) -> Rules:
    """Returns the rules in the text of a rules file.

    Raises InvalidRules with every mistake that was found and its place.
    """
    document = _document(text)
    mistakes: list[str] = []
    axes = Axes(time_name(document), document.z, document.lat, document.lon)
    schema = schema_of(document, axes, mistakes)
    asked = asked_of(document.streams, schema, mistakes)
    rules = Rules(
        schema=schema,
        tests=asked.tests,
        wheres=asked.wheres,
        aggregates=asked.aggregates,
        rows=_rows(document.rows, mistakes),
        limits=_limits(document.limits, schema.fields, mistakes),
        arrival=arrival_of(document.arrival, mistakes),
        redact=_redact(document.redact, schema, mistakes),
        flags=document.flags or document.split,
        split=document.split,
    )
    if mistakes:
        raise InvalidRules(mistakes)
    return rules


def _document(text: bytes | str) -> Document:
    mistakes: list[str] = []
    document = convert(as_document(content_of(text), mistakes), Document, "", mistakes)
    if document is None or mistakes:
        raise InvalidRules(mistakes)
    return with_parts(document)


def _redact(given: bool | list[str], schema: Schema, mistakes: list[str]) -> tuple[str, ...]:  # noqa: FBT001
    """Returns the fields whose values are not shown."""
    if isinstance(given, bool):
        return EVERY_FIELD if given else ()
    for name in given:
        require_field(name, schema.fields, "redact", mistakes)
    return with_times(given, [schema.time_parts])


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
