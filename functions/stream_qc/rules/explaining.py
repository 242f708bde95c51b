"""Describes rules in plain words, for `stream-qc rules`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stream_qc.checks import Test
from stream_qc.checks.base import spell
from stream_qc.checks.where import Where
from stream_qc.dialect import Dialect
from stream_qc.redaction import EVERY_FIELD
from stream_qc.rules.model import Rules
from stream_qc.schema import Constraints, Field

WORDS = {
    "required": "must have a value",
    "unique": "must not repeat",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusive_minimum": "above {}",
    "exclusive_maximum": "below {}",
    "min_length": "a length of at least {}",
    "max_length": "a length of at most {}",
    "enum": "one of {}",
    "pattern": "matches {}",
}


def explained(rules: Rules) -> Iterator[str]:
    """Yields the description line by line."""
    schema = rules.schema
    most = "" if rules.rows.maximum is None else f" and at most {rules.rows.maximum:,}"
    yield f"A file must have at least {rules.rows.minimum:,} row{'' if rules.rows.minimum == 1 else 's'}{most}."
    if schema.in_file:
        yield f"It must have {len(schema.in_file)} field{'' if len(schema.in_file) == 1 else 's'}:"
    for name in schema.in_file:
        field = schema.fields[name]
        constraints = ", ".join(_constraints(field.constraints))
        yield f"  {field.name}: {_kind(field)}" + (f"; {constraints}" if constraints else "")
    for name, parts in schema.time_parts.items():
        zone = f", in {parts.zone}" if parts.zone else ""
        yield f"  {name}: datetime, from {', '.join(parts.fields)}{zone}"
    yield from _dialect(schema.dialect)
    if schema.primary_key:
        yield f"No two rows may have the same {' and '.join(schema.primary_key)}."
    values = ", ".join(repr(value) for value in schema.missing_values) or "none"
    yield f"Missing values: {values}."
    if schema.axes.time is not None:
        of_each = f", for each {' and '.join(schema.series)} by itself" if schema.series else ""
        yield f"Rows must be in order of {schema.axes.time}{of_each} (a time without a zone is UTC)."
    for asked in rules.tests:
        where = "" if asked.entry is None else f"{_rows(rules.wheres[asked.field], asked.entry)}, "
        yield f"  {asked.field}: {asked.name} ({_parameters(asked.test)}), {where}in process {asked.test.process}"
    for name in rules.aggregates:
        yield f"  {name}: aggregate, the worst flag of each row, in the file of --flags"
    yield from _limits(rules)
    if rules.arrival is not None:
        every, within = spell(rules.arrival.every), spell(rules.arrival.within)
        yield f"A file must come every {every}; it is late {within} after the one before."
    if rules.redact:
        of = "" if rules.redact == EVERY_FIELD else f" of {', '.join(rules.redact)}"
        yield f"Values{of} are not shown in messages."


def _dialect(dialect: Dialect) -> Iterator[str]:
    """Yields how the file is written, if that is not as usual."""
    if dialect.in_columns:
        yield "Cells are separated by blanks."
    elif dialect.delimiter:
        yield f"Cells are separated by {dialect.delimiter!r}."
    if dialect.header_rows:
        yield f"The header is in line {', '.join(map(str, dialect.header_rows))}."
    left_out = [f"line {row}" for row in dialect.comment_rows]
    left_out += [f"those starting with {dialect.comment_char}"] if dialect.comment_char else []
    left_out += [f"{dialect.rows_below_header} below the header"] if dialect.rows_below_header else []
    if left_out:
        yield f"Skipped lines: {', '.join(left_out)}."
    if not dialect.header:
        yield "The file has no header; its fields are in this order."
    if dialect.codec != "utf-8":
        yield f"The encoding is {dialect.encoding}."


def _kind(field: Field) -> str:
    return field.type if field.format == "default" else f"{field.type} in the format {field.format}"


def _constraints(constraints: Constraints) -> Iterator[str]:
    for name, words in WORDS.items():
        value = getattr(constraints, name)
        if value is None or value is False:
            continue
        yield words.format(", ".join(map(str, value)) if isinstance(value, list) else value)


def _parameters(test: Test) -> str:
    given = {name: value for name, value in msgspec.to_builtins(test).items() if value is not None}
    return ", ".join(
        f"{name} {list(value) if isinstance(value, tuple) else value}{f' {test.units[name]}' if name in test.units else ''}"
        for name, value in given.items()
    )


def _rows(wheres: tuple[Where, ...], entry: int) -> str:
    """Returns which rows an entry is for."""
    conditions = [f"{name} is {' or '.join(map(str, values))}" for name, values in wheres[entry].items()]
    return f"where {' and '.join(conditions)}" if conditions else "in all other rows"


def _limits(rules: Rules) -> Iterator[str]:
    share = rules.limits.max_fail_share
    yield "A check fails if " + ("any row fails." if not share else f"more than {share:.3%} of the rows fail.")
    for field, tests in rules.limits.streams.items():
        for test, allowed in tests.items():
            yield f"  {field}: {test} fails if more than {allowed:.3%} of the rows fail"
