"""Rules in plain words, for whoever wrote them and wonders what they ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from stream_qc.rules.model import Constraints, Field, Rules

WORDS = {
    "required": "must have a value",
    "unique": "may not repeat",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "min_length": "at least {} characters",
    "max_length": "at most {} characters",
    "enum": "one of {}",
    "pattern": "matches {}",
}


def explained(rules: Rules) -> Iterator[str]:
    """The rules' lines in plain words."""
    most = "" if rules.rows.maximum is None else f", at most {rules.rows.maximum:,}"
    yield f"A file needs at least {rules.rows.minimum:,} row{'' if rules.rows.minimum == 1 else 's'}{most}."
    if rules.fields:
        yield f"It has {len(rules.fields)} field{'' if len(rules.fields) == 1 else 's'}:"
    for field in rules.fields.values():
        asked = ", ".join(_constraints(field.constraints))
        yield f"  {field.name}: {_kind(field)}" + (f"; {asked}" if asked else "")
    if rules.dialect.delimiter:
        yield f"CSV is separated by {rules.dialect.delimiter!r}, whatever the header looks like."
    if rules.primary_key:
        yield f"No two rows have the same {' and '.join(rules.primary_key)}."
    values = ", ".join(repr(value) for value in rules.missing_values) or "none"
    yield f"Missing values: {values}."
    if rules.time is not None:
        yield f"The rows are in the order of {rules.time} (a time without a zone is UTC)."
    for asked_test in rules.tests:
        yield f"  {asked_test.field}: {asked_test.name} ({_parameters(asked_test.test)}), in process {asked_test.test.process}"
    yield from _limits(rules)


def _kind(field: Field) -> str:
    return field.type if field.format == "default" else f"{field.type} in the form {field.format}"


def _constraints(constraints: Constraints) -> Iterator[str]:
    for name, words in WORDS.items():
        value = getattr(constraints, name)
        if value is None or value is False:
            continue
        yield words.format(", ".join(map(str, value)) if isinstance(value, list) else value)


def _parameters(test: Any) -> str:
    given = {name: value for name, value in msgspec.to_builtins(test).items() if value is not None}
    return ", ".join(f"{name} {list(value) if isinstance(value, tuple) else value}" for name, value in given.items())


def _limits(rules: Rules) -> Iterator[str]:
    share = rules.limits.max_fail_share
    yield "A check fails where " + ("any row fails." if not share else f"more than {share:.3%} of the rows fail.")
    for field, tests in rules.limits.streams.items():
        for test, allowed in tests.items():
            yield f"  {field}: {test} where more than {allowed:.3%} of the rows fail"
