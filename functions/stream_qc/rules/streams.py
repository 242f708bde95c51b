"""Loads the `streams` of a rules file: which tests they ask for, of which field and for which rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from stream_qc.checks import AGGREGATE, MODULES, NOT_SUPPORTED, TESTS, Test
from stream_qc.checks.where import Where
from stream_qc.rules.converting import convert, kind_of
from stream_qc.rules.fields import typed_value
from stream_qc.rules.model import StreamTest
from stream_qc.rules.table import require_field
from stream_qc.schema import Schema

WHERE = "where"


class Asked(NamedTuple):
    """What `streams` ask for. wheres: by field, which rows its entries are for. aggregates: the fields with `aggregate`."""

    tests: tuple[StreamTest, ...]
    wheres: dict[str, tuple[Where, ...]]
    aggregates: tuple[str, ...]


def asked_of(streams: dict[str, Any], schema: Schema, mistakes: list[str]) -> Asked:
    tests: list[StreamTest] = []
    aggregates: list[str] = []
    wheres: dict[str, tuple[Where, ...]] = {}
    for field, given in streams.items():
        place = f"streams.{field}"
        require_field(field, schema.fields, place, mistakes)
        if isinstance(given, list) or (isinstance(given, dict) and WHERE in given):
            entries = given if isinstance(given, list) else [given]
            if not entries:
                mistakes.append(f"{place}: the list is empty, so no test would run")
            wheres[field] = tuple(_wheres(entries, place, schema, mistakes))
            mistakes += _same_rows(wheres[field], place)
            for number, entry in enumerate(entries):
                if isinstance(entry, dict):
                    modules = {name: value for name, value in entry.items() if name != WHERE}
                    modules = _without_aggregate(field, modules, f"{place}[{number}]", aggregates, mistakes)
                    tests += _tests(field, modules, f"{place}[{number}]", mistakes, number)
        else:
            tests += _tests(field, _without_aggregate(field, given, place, aggregates, mistakes), place, mistakes)
    known = [asked for asked in tests if asked.field in schema.fields]
    for asked in known:
        mistakes += [f"{asked.place}: {mistake}" for mistake in _mistakes_of_test(asked, schema)]
    tested = {asked.field for asked in known}
    mistakes += [
        f"streams.{field}.{MODULES[0]}.{AGGREGATE}: it is the worst flag of other tests, and {field} has none"
        for field in dict.fromkeys(aggregates)
        if field not in tested
    ]
    return Asked(tuple(known), wheres, (*dict.fromkeys(aggregates),))


def _without_aggregate(field: str, modules: Any, place: str, aggregates: list[str], mistakes: list[str]) -> Any:
    """Returns the modules without `aggregate`, which it adds to the fields that have it."""
    tests = modules.get(MODULES[0]) if isinstance(modules, dict) else None
    if not isinstance(tests, dict) or AGGREGATE not in tests:
        return modules
    if tests[AGGREGATE]:
        mistakes.append(f"{place}.{MODULES[0]}.{AGGREGATE}: it has no parameters")
    aggregates.append(field)
    return {**modules, MODULES[0]: {name: given for name, given in tests.items() if name != AGGREGATE}}


def _wheres(entries: list[Any], place: str, schema: Schema, mistakes: list[str]) -> Iterator[Where]:
    """Yields which rows each entry is for. The last one may be for all that are left."""
    for number, entry in enumerate(entries):
        given = entry.get(WHERE) if isinstance(entry, dict) else None
        if not isinstance(entry, dict):
            mistakes.append(f"{place}[{number}]: expected a mapping of where and modules, not {kind_of(entry)}")
        elif given is None and number < len(entries) - 1:
            mistakes.append(f"{place}[{number}]: where is missing; only the last entry may be for all other rows")
        elif given is not None and (not isinstance(given, dict) or not given):
            mistakes.append(
                f"{place}[{number}].where: expected a mapping of fields and their values, not {kind_of(given)}"
            )
        if isinstance(entry, dict) and entry.keys() <= {WHERE}:
            mistakes.append(f"{place}[{number}]: it asks for no test; add a module such as {MODULES[0]}")
        yield _where(given if isinstance(given, dict) else {}, f"{place}[{number}].where", schema, mistakes)


def _same_rows(wheres: tuple[Where, ...], place: str) -> Iterator[str]:
    """Yields a mistake for each entry whose rows all belong to one above it."""
    rows = [{name: {*values} for name, values in where.items()} for where in wheres]
    for number, these in enumerate(rows):
        for earlier, those in enumerate(rows[:number]):
            if those and all(name in these and these[name] <= values for name, values in those.items()):
                yield (
                    f"{place}[{number}].where: every such row is one of {place}[{earlier}] already, so no test here would run; "
                    "put the tests of the same rows together, and the more special entry first"
                )
                break


def _where(given: dict[str, Any], place: str, schema: Schema, mistakes: list[str]) -> Where:
    fields = schema.fields
    where: dict[str, list[Any]] = {}
    for name, values in given.items():
        require_field(name, fields, f"{place}.{name}", mistakes)
        if name in fields:
            listed = values if isinstance(values, list) else [values]
            if any(value is None or isinstance(value, dict | list) for value in listed):
                mistakes.append(f"{place}.{name}: expected a value or a list of values, not {kind_of(values)}")
                continue
            if not listed:
                mistakes.append(f"{place}.{name}: the list is empty, so the entry would be for no row")
            mistakes += [
                f"{place}.{name}: {value!r} is one of the missingValues, so no row has it"
                for value in listed
                if str(value) in schema.missing_values
            ]
            where[name] = [typed_value(value, fields[name], f"{place}.{name}", mistakes) for value in listed]
    return where


def _tests(field: str, modules: Any, place: str, mistakes: list[str], entry: int | None = None) -> Iterator[StreamTest]:
    if not isinstance(modules, dict):
        mistakes.append(f"{place}: expected a mapping of modules such as qartod, not {kind_of(modules)}")
        return
    for module, tests in modules.items():
        at = f"{place}.{module}"
        if module not in MODULES:
            mistakes.append(f"{at}: unknown module; expected one of: {', '.join(MODULES)}")
        elif not isinstance(tests, dict):
            mistakes.append(f"{at}: expected a mapping of tests, not {kind_of(tests)}")
        else:
            for name, parameters in tests.items():
                test = _test(module, name, parameters, mistakes, f"{at}.{name}")
                if test is not None:
                    yield StreamTest(field, name, test, entry)


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
