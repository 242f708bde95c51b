"""Loads the schema of a rules file: its fields, its axes, and how the file is written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from stream_qc.checks import TESTS
from stream_qc.dialect import PLAIN, PRESETS, Dialect
from stream_qc.rules.converting import convert
from stream_qc.rules.fields import check_format, typed_constraints, values_among
from stream_qc.rules.model import Document, TableSchema, TimeOf
from stream_qc.rules.times import parts_of
from stream_qc.schema import Axes, AxisName, Field, Schema

AXES: tuple[AxisName, ...] = ("time", "z", "lat", "lon")
NAMES_SHOWN = 50  # fields listed in the message on an unknown field
LONGEST_NAME = 200  # characters: field names become part of table keys, which hold at most 1,024 bytes


def schema_of(document: Document, axes: Axes, mistakes: list[str]) -> Schema:
    table = convert(document.schema, TableSchema, "schema", mistakes) or TableSchema()
    fields = dict(_fields(table, _number_fields(document.streams, axes), mistakes))
    time_parts = {}
    if isinstance(document.time, TimeOf) and axes.time is not None:
        for name in document.time.fields:
            require_field(name, fields, "time.fields", mistakes)
        time_parts[axes.time] = parts_of(document.time, fields, mistakes)
        fields[axes.time] = Field(axes.time, "datetime")
    key, series = _names(table.primary_key), _names(document.series)
    for name in key:
        require_field(name, fields, "schema.primaryKey", mistakes)
    for name in series:
        require_field(name, fields, "series", mistakes)
        if name == axes.time:
            mistakes.append(f"series: {name} is the time; name the fields that identify a station, sensor or patient")
    for axis in AXES:
        if axes.get(axis) is not None:
            require_field(axes[axis], fields, axis, mistakes)
    if axes.time in fields and fields[axes.time].type not in ("datetime", "date"):
        kind = fields[axes.time].type
        mistakes.append(
            f"time: the field {axes.time} has type {kind}; the time axis must be a datetime, a date, a yearmonth or a year"
        )
    dialect = _dialect(document.dialect, mistakes)
    missing = tuple(table.missing_values)
    if dialect.null_sequence is not None and dialect.null_sequence not in missing:
        missing += (dialect.null_sequence,)
    typed = {} if mistakes else {name: values_among(missing, field) for name, field in fields.items()}
    return Schema(fields, key, missing, dialect, axes, series, time_parts, typed)


def _dialect(given: Any, mistakes: list[str]) -> Dialect:
    """Returns the dialect: a preset by its name, or as its words describe it."""
    if isinstance(given, str):
        if given not in PRESETS:
            mistakes.append(
                f"dialect: unknown preset {given}; expected one of: {', '.join(PRESETS)}; or describe the file, for example "
                '`dialect: {delimiter: ";", encoding: latin-1}`'
            )
        return PRESETS.get(given, PLAIN)
    dialect = convert(given, Dialect, "dialect", mistakes) or PLAIN
    mistakes += [f"dialect.{mistake}" for mistake in dialect.mistakes()]
    return dialect


def _names(given: str | list[str]) -> tuple[str, ...]:
    """Returns the names of one field or of several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _number_fields(streams: dict[str, Any], axes: Axes) -> set[str]:
    """Returns the fields that must hold numbers for a test. Those without a type get `number`, so that cells are checked."""
    return {
        field
        for stream, given in streams.items()
        for entry in (given if isinstance(given, list) else [given])
        if isinstance(entry, dict)
        for tests in entry.values()
        if isinstance(tests, dict)
        for name in tests
        if name in TESTS
        for field in TESTS[name].number_fields(stream, axes)
    }


def _fields(table: TableSchema, numeric: set[str], mistakes: list[str]) -> Iterator[tuple[str, Field]]:
    seen: set[str] = set()
    for index, item in enumerate(table.fields):
        place = f"schema.fields[{index}]"
        field = convert(item, Field, place, mistakes)
        if field is None:
            continue
        if not 0 < len(field.name) <= LONGEST_NAME:
            mistakes.append(f"{place}.name: must have 1 to {LONGEST_NAME} characters")
        if field.name in seen:
            mistakes.append(f"{place}.name: another field is named {field.name}")
        seen.add(field.name)
        if field.type == "any" and field.name in numeric:
            field = msgspec.structs.replace(field, type="number")
        field = _as_written(field, table, place, mistakes)
        # Table Schema's %f is a fraction of any length; polars reads %f as a whole number of nanoseconds.
        field = msgspec.structs.replace(field, format=field.format.replace(".%f", "%.f"))
        constraints = typed_constraints(field, f"{place}.constraints", mistakes)
        check_format(field, f"{place}.format", mistakes)
        yield field.name, msgspec.structs.replace(field, constraints=constraints)


def _as_written(field: Field, table: TableSchema, place: str, mistakes: list[str]) -> Field:
    """Returns the field with the schema's way of writing numbers where it has none of its own."""
    if field.type not in ("number", "integer"):
        if (field.decimal_char, field.group_char, field.bare_number) != (".", "", True):
            mistakes.append(
                f"{place}: decimalChar, groupChar and bareNumber do not apply to a field of type {field.type}"
            )
        return field
    decimal = table.decimal_char if field.decimal_char == "." else field.decimal_char
    group, bare = field.group_char or table.group_char, field.bare_number and table.bare_number
    for name, text in (("decimalChar", decimal), ("groupChar", group)):
        if len(text) > 1 or text.isalnum() or text in ("-", "+"):
            mistakes.append(f"{place}.{name}: {text!r} must be one character that is no letter, digit or sign")
    if decimal == group:
        mistakes.append(f"{place}.groupChar: {group!r} is the decimalChar too")
    return msgspec.structs.replace(field, decimal_char=decimal, group_char=group, bare_number=bare)


def require_field(name: str, fields: Iterable[str], place: str, mistakes: list[str]) -> None:
    """Adds a mistake if the schema has no such field."""
    if name not in fields:
        shown = list(itertools.islice(fields, NAMES_SHOWN + 1))
        names = ", ".join([*shown[:NAMES_SHOWN], *(["…"] if len(shown) > NAMES_SHOWN else [])])
        mistakes.append(f"{place}: the schema has no field {name}; its fields are: {names or 'none'}")
