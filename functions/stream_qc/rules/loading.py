"""Rules from YAML 1.2, checked: every mistake that is found is named with its place.

What Table Schema or ioos_qc publishes and is not supported here is refused by name; nothing is ignored.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stream_qc.checks import NOT_SUPPORTED, TESTS, Test
from stream_qc.errors import InvalidRules
from stream_qc.rules.fields import check_format, typed_constraints
from stream_qc.rules.model import Constraints, Dialect, Document, Field, Limits, RowLimits, Rules, Schema, StreamTest

T = TypeVar("T")
CHECKS = (
    "type", "required", "unique", "minimum", "maximum", "minLength", "maxLength", "enum", "pattern",
    "time_order", "duplicate_time", *TESTS,
)  # fmt: skip
KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip
NAMES_SHOWN = 50  # of fields, to whoever names one that is not there
LONGEST_NAME = 200  # of a field; its checks are named after it, in a table whose keys have at most 1,024 bytes
NOT_AS_TAGGED = (LookupError, TypeError, AttributeError, ArithmeticError)  # what ruamel raises for `!!bool maybe`
MAX_BYTES = 1_000_000
MAX_BITS = 1000  # of a whole number: what a number can be compared with
MAX_VALUES = 100_000  # in one rules file, aliases followed: a bound on what a few bytes of YAML can unfold to


def load(text: bytes | str) -> Rules:
    """Rules from the text of a rules file.

    Raises InvalidRules, naming the place of every mistake that was found.
    """
    document = _document(text)
    mistakes: list[str] = []
    schema = _convert(document.schema, Schema, "schema", mistakes) or Schema()
    fields = dict(_fields(schema, _taken_for_numbers(document), mistakes))
    key = (schema.primary_key,) if isinstance(schema.primary_key, str) else tuple(schema.primary_key)
    for name in key:
        _known(name, fields, "schema.primaryKey", mistakes)
    for axis in ("time", "z", "lat", "lon"):
        name = getattr(document, axis)
        if name is not None:
            _known(name, fields, axis, mistakes)
    if document.time in fields and fields[document.time].type not in ("datetime", "date"):
        mistakes.append(
            f"time: the field {document.time} has type {fields[document.time].type}; the time axis needs datetime or date"
        )
    tests = tuple(_tests(document.streams, fields, mistakes))
    for item in tests:
        mistakes += [
            f"streams.{item.field}.qartod.{item.name}: needs numbers; the field {name} has type {fields[name].type}"
            for name in item.test.numeric(document, item.field)
            if name in fields and fields[name].type not in ("number", "integer")
        ]
        mistakes += [
            f"streams.{item.field}.qartod.{item.name}: {text}"
            for text in item.test.mistakes(document, item.field, fields)
        ]
    rules = Rules(
        fields=fields,
        primary_key=key,
        missing_values=tuple(schema.missing_values),
        time=document.time,
        z=document.z,
        lat=document.lat,
        lon=document.lon,
        tests=tests,
        rows=_rows(document.rows, mistakes),
        limits=_limits(document.limits, fields, mistakes),
        dialect=_convert(document.dialect, Dialect, "dialect", mistakes) or Dialect(),
    )
    if mistakes:
        raise InvalidRules(mistakes)
    return rules


def _document(text: bytes | str) -> Document:
    if len(text) > MAX_BYTES:
        raise InvalidRules([f"the rules file has {len(text):,} bytes; at most {MAX_BYTES:,} are read"])
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except NOT_AS_TAGGED as error:
        raise InvalidRules([f"not YAML: a value is not what its tag says: {error}"]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidRules([f"{place}not YAML: {problem}"]) from None
    if content is None:
        raise InvalidRules(["the rules file is empty; without one, any readable file with a header and a row passes"])
    if isinstance(content, dict) and not all(isinstance(key, str) for key in content):
        raise InvalidRules([f"the key {next(key for key in content if not isinstance(key, str))!r} is no name"])
    if not isinstance(content, dict):
        raise InvalidRules([f"the rules must be a mapping with keys such as schema and streams, not {_kind(content)}"])
    _refuse_what_no_file_should_hold(content)
    mistakes: list[str] = []
    document = _convert(content, Document, "", mistakes)
    if document is None:
        raise InvalidRules(mistakes)
    return document


def _refuse_what_no_file_should_hold(content: Any) -> None:
    """Raises InvalidRules where the values are too many, or one is no text that could be written (`"\\ud800"`)."""
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
            raise InvalidRules([f"the text {value!r} holds half a character"])
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise InvalidRules(["a whole number is too large: no more than 300 digits can be used"])


def _convert(value: Any, kind: type[T], place: str, mistakes: list[str]) -> T | None:
    """The value as the type; None, and a line in `mistakes` that names the place, where it is not one."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        inner = inner.rstrip("`").replace("[...]", "[]")
        unknown = re.fullmatch(r"Object contains unknown field `(.*)`", message)
        if unknown:
            inner, message = (
                f"{inner}.{unknown[1]}",
                f"not known here; known are {', '.join(_names(kind, inner))}",
            )
        where = f"{place}{inner}".lstrip(".")
        mistakes.append(f"{where}: {_plainly(message)}")
        return None


def _plainly(message: str) -> str:
    """What msgspec says of types, in the words of somebody who writes a rules file."""
    missing = re.fullmatch(r"Object missing required field `(.*)`", message)
    if missing:
        return f"{missing[1]} is missing"
    for words in set(re.findall(r"`[^`]*`", message)):
        kinds = [KINDS[word] for word in words.strip("`").split(" | ") if word in KINDS]
        message = message.replace(words, " or ".join(kinds) or words.replace("null", "nothing").strip("`"))
    return message[0].lower() + message[1:]


def _names(kind: Any, inner: str) -> list[str]:
    """The names that a structure knows, for the message on one that it does not."""
    if inner.startswith(".constraints"):
        kind = Constraints
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _taken_for_numbers(document: Document) -> set[str | None]:
    """The fields that tests take for numbers. One without a type gets that, so that its cells are checked for it."""
    asked = [
        (stream, name)
        for stream, modules in document.streams.items()
        if isinstance(modules, dict) and isinstance(modules.get("qartod"), dict)
        for name in modules["qartod"]
        if name in TESTS
    ]
    return {field for stream, name in asked for field in TESTS[name].numeric(document, stream)}


def _fields(schema: Schema, numeric: set[str | None], mistakes: list[str]) -> Iterator[tuple[str, Field]]:
    seen: set[str] = set()
    for index, item in enumerate(schema.fields):
        place = f"schema.fields[{index}]"
        field = _convert(item, Field, place, mistakes)
        if field is None:
            continue
        if not 0 < len(field.name) <= LONGEST_NAME:
            mistakes.append(f"{place}.name: must have 1 to {LONGEST_NAME} characters")
        if field.name in seen:
            mistakes.append(f"{place}.name: there is another field {field.name}")
        seen.add(field.name)
        if field.type == "any" and field.name in numeric:
            field = msgspec.structs.replace(field, type="number")
        # A fraction of any length, as Table Schema has it: polars takes %f for a number of nanoseconds.
        field = msgspec.structs.replace(field, format=field.format.replace(".%f", "%.f"))
        constraints = typed_constraints(field, f"{place}.constraints", mistakes)
        check_format(field, f"{place}.format", mistakes)
        yield field.name, msgspec.structs.replace(field, constraints=constraints)


def _known(name: str, fields: dict[str, Field], place: str, mistakes: list[str]) -> None:
    if name not in fields:
        shown = ", ".join(itertools.islice(fields, NAMES_SHOWN)) + (", …" if len(fields) > NAMES_SHOWN else "")
        mistakes.append(f"{place}: the schema has no field {name}; it has {shown or 'none'}")


def _tests(streams: dict[str, Any], fields: dict[str, Field], mistakes: list[str]) -> Iterator[StreamTest]:
    for stream, modules in streams.items():
        _known(stream, fields, f"streams.{stream}", mistakes)
        if not isinstance(modules, dict):
            mistakes.append(f"streams.{stream}: expected a mapping of modules such as qartod, not {_kind(modules)}")
            continue
        for module, tests in modules.items():
            place = f"streams.{stream}.{module}"
            if module != "qartod":
                mistakes.append(f"{place}: the module {module} is not supported; qartod is")
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
        mistakes.append(f"{place}: there is no such test; there are {', '.join(TESTS)}")
        return None
    test = _convert({} if parameters is None else parameters, TESTS[name], place, mistakes)
    if test is not None and _holds_nan(msgspec.to_builtins(test)):
        mistakes.append(f"{place}: .nan is no number: nothing is above it or below it, and no row would fail")
        return None
    return test


def _holds_nan(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return any(map(_holds_nan, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and math.isnan(value)


def _rows(given: Any, mistakes: list[str]) -> RowLimits:
    rows = _convert(given, RowLimits, "rows", mistakes) or RowLimits()
    if rows.minimum < 0:
        mistakes.append(f"rows.minimum: {rows.minimum} is no number of rows")
    if rows.maximum is not None and rows.maximum < rows.minimum:
        mistakes.append(f"rows: the minimum {rows.minimum} is above the maximum {rows.maximum}")
    return rows


def _limits(given: Any, fields: dict[str, Field], mistakes: list[str]) -> Limits:
    limits = _convert(given, Limits, "limits", mistakes)
    if limits is None:
        return Limits()
    shares = {"limits.max_fail_share": limits.max_fail_share}
    for field, tests in limits.streams.items():
        _known(field, fields, f"limits.streams.{field}", mistakes)
        shares |= {f"limits.streams.{field}.{test}": share for test, share in tests.items()}
        mistakes += [
            f"limits.streams.{field}.{test}: there is no such check; there are {', '.join(CHECKS)}"
            for test in tests
            if test not in CHECKS
        ]
    mistakes += [
        f"{place}: {share} is no share; it must be from 0 to 1"
        for place, share in shares.items()
        if not 0 <= share <= 1
    ]
    return limits


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}.get(
        type(value), type(value).__name__
    )
