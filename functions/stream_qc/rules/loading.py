"""Loads rules from YAML 1.2 and validates them. Every mistake that is found is reported with its place.

Whatever Table Schema or ioos_qc defines and is not supported here is refused by name; nothing is ignored.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stream_qc.checks import NOT_SUPPORTED, TESTS, Test
from stream_qc.dialect import PLAIN, PRESETS, Dialect
from stream_qc.errors import InvalidRules
from stream_qc.rules.fields import check_format, typed_constraints, values_among
from stream_qc.rules.model import Document, Limits, RowLimits, Rules, StreamTest, TableSchema, TimeOf
from stream_qc.rules.published import as_document
from stream_qc.rules.times import parts_of, time_name
from stream_qc.schema import Axes, AxisName, Constraints, Field, Schema

T = TypeVar("T")
CHECKS = (
    "type", "required", "unique", "minimum", "maximum", "minLength", "maxLength", "enum", "pattern",
    "time_order", "duplicate_time", *TESTS,
)  # fmt: skip
KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip
AXES: tuple[AxisName, ...] = ("time", "z", "lat", "lon")
NAMES_SHOWN = 50  # fields listed in the message on an unknown field
LONGEST_NAME = 200  # characters: field names become part of table keys, which hold at most 1,024 bytes
WRONG_TAG = (LookupError, TypeError, AttributeError, ArithmeticError)  # what ruamel raises for `!!bool maybe`
MAX_BYTES = 1_000_000
MAX_BITS = 1000  # of a whole number: a larger one cannot be compared with a float
MAX_VALUES = 300_000  # per rules file, aliases expanded: a few bytes of YAML can expand to any size


def load(text: bytes | str) -> Rules:
    """Returns the rules in the text of a rules file.

    Raises InvalidRules with every mistake that was found and its place.
    """
    document = _document(text)
    mistakes: list[str] = []
    axes = Axes(time_name(document), document.z, document.lat, document.lon)
    schema = _schema(document, axes, mistakes)
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
    content = _mapping(_yaml(text))
    _refuse_unusable_values(content)
    mistakes: list[str] = []
    document = _convert(as_document(content, mistakes), Document, "", mistakes)
    if document is None or mistakes:
        raise InvalidRules(mistakes)
    return document


def _yaml(text: bytes | str) -> Any:
    """Returns what the YAML holds. Raises InvalidRules if it is too long or not YAML."""
    if len(text) > MAX_BYTES:
        raise InvalidRules([f"the rules file has {len(text):,} bytes; the limit is {MAX_BYTES:,}"])
    try:
        return _json(text)
    except ValueError:  # not JSON, or JSON with a mistake that YAML names with its place
        pass
    with contextlib.suppress(YAMLError, ValueError, RecursionError, *WRONG_TAG):
        return YAML(typ="safe").load(text)
    try:  # the slower parser says better what is wrong
        return YAML(typ="safe", pure=True).load(text)
    except WRONG_TAG as error:
        raise InvalidRules([f"not YAML: a value does not match its tag: {error}"]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidRules([f"{place}not YAML: {problem}"]) from None


def _json(text: bytes | str) -> Any:
    """Returns what the text holds if it is JSON, which is YAML too and read a hundred times as fast. Raises ValueError."""
    return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key occurs twice")
    return mapping


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is text in YAML")


def _mapping(content: Any) -> dict[str, Any]:
    """Returns the content if it is a mapping whose keys are text. Raises InvalidRules otherwise."""
    if content is None:
        raise InvalidRules(["the rules file is empty; delete it to accept any readable file with a header and a row"])
    if not isinstance(content, dict):
        raise InvalidRules([f"the rules must be a mapping with keys such as schema and streams, not {_kind(content)}"])
    for key in content:
        if not isinstance(key, str):
            raise InvalidRules([f"the key {key!r} is not text"])
    return content


def _refuse_unusable_values(content: Any) -> None:
    """Raises InvalidRules if there are too many values, or one is too large or not valid UTF-8 (`"\\ud800"`)."""
    left, waiting = MAX_VALUES, [content]
    while waiting:
        value = waiting.pop()
        left -= 1
        if left < 0:
            raise InvalidRules([f"the rules hold more than {MAX_VALUES:,} values, or a value that contains itself"])
        if isinstance(value, dict):
            waiting.extend([*value, *value.values()])
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidRules([f"the text {value!r} is not valid Unicode: it holds half of a surrogate pair"])
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise InvalidRules(["a whole number is too large; the limit is 300 digits"])


def _convert(value: Any, kind: type[T], place: str, mistakes: list[str]) -> T | None:
    """Returns the value as the type, or None after adding a mistake with its place."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        inner = inner.rstrip("`").replace("[...]", "[]")
        unknown = re.fullmatch(r"Object contains unknown field `(.*)`", message)
        if unknown:
            inner, message = f"{inner}.{unknown[1]}", f"unknown key; expected one of: {', '.join(_keys(kind, inner))}"
        where = f"{place}{inner}".lstrip(".")
        mistakes.append(f"{where}: {_plainly(message)}")
        return None


def _plainly(message: str) -> str:
    """Returns a message of msgspec with its type names replaced by words that rules authors use."""
    missing = re.fullmatch(r"Object missing required field `(.*)`", message)
    if missing:
        return f"{missing[1]} is missing"
    for words in set(re.findall(r"`[^`]*`", message)):
        kinds = [KINDS[word] for word in words.strip("`").split(" | ") if word in KINDS]
        message = message.replace(words, " or ".join(kinds) or words.replace("null", "nothing").strip("`"))
    return message[0].lower() + message[1:]


def _keys(kind: Any, inner: str) -> list[str]:
    """Returns the keys that a structure accepts."""
    if inner.startswith(".constraints"):
        kind = Constraints
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _schema(document: Document, axes: Axes, mistakes: list[str]) -> Schema:
    table = _convert(document.schema, TableSchema, "schema", mistakes) or TableSchema()
    fields = dict(_fields(table, _number_fields(document.streams, axes), mistakes))
    time_parts = {}
    if isinstance(document.time, TimeOf) and axes.time is not None:
        for name in document.time.fields:
            _require_field(name, fields, "time.fields", mistakes)
        time_parts[axes.time] = parts_of(document.time, fields, mistakes)
        fields[axes.time] = Field(axes.time, "datetime")
    key, series = _names(table.primary_key), _names(document.series)
    for name in key:
        _require_field(name, fields, "schema.primaryKey", mistakes)
    for name in series:
        _require_field(name, fields, "series", mistakes)
        if name == axes.time:
            mistakes.append(
                f"series: {name} is the time; name the fields that tell stations, sensors or patients apart"
            )
    for axis in AXES:
        if axes.get(axis) is not None:
            _require_field(axes[axis], fields, axis, mistakes)
    if axes.time in fields and fields[axes.time].type not in ("datetime", "date"):
        kind = fields[axes.time].type
        mistakes.append(f"time: the field {axes.time} has type {kind}; the time axis must be a datetime or a date")
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
                f"dialect: {given} is no preset; expected one of: {', '.join(PRESETS)}; or describe the file, for example "
                '`dialect: {delimiter: ";", encoding: latin-1}`'
            )
        return PRESETS.get(given, PLAIN)
    dialect = _convert(given, Dialect, "dialect", mistakes) or PLAIN
    mistakes += [f"dialect.{mistake}" for mistake in dialect.mistakes()]
    return dialect


def _names(given: str | list[str]) -> tuple[str, ...]:
    """Returns the names of one field or of several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _number_fields(streams: dict[str, Any], axes: Axes) -> set[str]:
    """Returns the fields that must hold numbers for a test. Those without a type get `number`, so that cells are checked."""
    return {
        field
        for stream, modules in streams.items()
        if isinstance(modules, dict) and isinstance(modules.get("qartod"), dict)
        for name in modules["qartod"]
        if name in TESTS
        for field in TESTS[name].number_fields(stream, axes)
    }


def _fields(table: TableSchema, numeric: set[str], mistakes: list[str]) -> Iterator[tuple[str, Field]]:
    seen: set[str] = set()
    for index, item in enumerate(table.fields):
        place = f"schema.fields[{index}]"
        field = _convert(item, Field, place, mistakes)
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


def _require_field(name: str, fields: Iterable[str], place: str, mistakes: list[str]) -> None:
    """Adds a mistake if the schema has no such field."""
    if name not in fields:
        shown = list(itertools.islice(fields, NAMES_SHOWN + 1))
        names = ", ".join([*shown[:NAMES_SHOWN], *(["…"] if len(shown) > NAMES_SHOWN else [])])
        mistakes.append(f"{place}: the schema has no field {name}; its fields are: {names or 'none'}")


def _tests(streams: dict[str, Any], fields: dict[str, Field], mistakes: list[str]) -> Iterator[StreamTest]:
    for stream, modules in streams.items():
        _require_field(stream, fields, f"streams.{stream}", mistakes)
        if not isinstance(modules, dict):
            mistakes.append(f"streams.{stream}: expected a mapping of modules such as qartod, not {_kind(modules)}")
            continue
        for module, tests in modules.items():
            place = f"streams.{stream}.{module}"
            if module != "qartod":
                mistakes.append(f"{place}: the module {module} is not supported; only qartod is")
            elif not isinstance(tests, dict):
                mistakes.append(f"{place}: expected a mapping of tests, not {_kind(tests)}")
            else:
                for name, parameters in tests.items():
                    test = _test(name, parameters, f"{place}.{name}", mistakes)
                    if test is not None and stream in fields:
                        yield StreamTest(stream, name, test)


def _test(name: str, parameters: Any, place: str, mistakes: list[str]) -> Test | None:
    if name in NOT_SUPPORTED:
        mistakes.append(f"{place}: {NOT_SUPPORTED[name]}")
        return None
    if name not in TESTS:
        mistakes.append(f"{place}: unknown test; expected one of: {', '.join(TESTS)}")
        return None
    test = _convert({} if parameters is None else parameters, TESTS[name], place, mistakes)
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
    rows = _convert(given, RowLimits, "rows", mistakes) or RowLimits()
    if rows.minimum < 0:
        mistakes.append(f"rows.minimum: {rows.minimum} is negative")
    if rows.maximum is not None and rows.maximum < rows.minimum:
        mistakes.append(f"rows: the minimum {rows.minimum} is above the maximum {rows.maximum}")
    return rows


def _limits(given: Any, fields: dict[str, Field], mistakes: list[str]) -> Limits:
    limits = _convert(given, Limits, "limits", mistakes)
    if limits is None:
        return Limits()
    shares = {"limits.max_fail_share": limits.max_fail_share}
    for field, tests in limits.streams.items():
        _require_field(field, fields, f"limits.streams.{field}", mistakes)
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


def _kind(value: Any) -> str:
    """Returns the kind of a YAML value in words."""
    words = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return words.get(type(value), type(value).__name__)
