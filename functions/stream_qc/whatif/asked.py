"""What rules ask of each check, so that two sets of rules can be compared check by check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from stream_qc.rules import Rules
from stream_qc.schema import Constraints
from stream_qc.stretch import beside_the_time

FOR_PEOPLE = ("name", "constraints", "title", "description", "example", "rdf_type")  # which say nothing of the type
OF_PROCESS_1 = ("required", "unique")
TIMES = ["time_order", "duplicate_time"]


def asked_of(rules: Rules) -> dict[str, str]:
    """Returns what the rules ask of each check, by its name `<process>#<field>#<test>`, as text to compare."""
    found: dict[str, list[str]] = {}
    for process, field, test, parameters in _asked(rules):
        found.setdefault(f"{process}#{field}#{test}", []).append(parameters)
    return {
        name: "; ".join(its) for name, its in found.items()
    }  # in their order, in which the first that is for a row judges it


def reads_alike(one: Rules, other: Rules) -> bool:
    """Returns whether both rules read the same rows, times, numbers and missing values out of a file."""
    names = ("missing_values", "dialect", "axes", "series", "time_parts")
    both = one.schema.fields.keys() & other.schema.fields.keys()
    return all(getattr(one.schema, name) == getattr(other.schema, name) for name in names) and all(
        _how_read(one, name) == _how_read(other, name) for name in both
    )


def _how_read(rules: Rules, name: str) -> tuple[dict[str, Any], Any]:
    """Returns the type of a field and how it is written."""
    field = rules.schema.fields[name]
    how = {key: getattr(field, key) for key in field.__struct_fields__ if key not in FOR_PEOPLE}
    return how, rules.schema.missing_typed.get(name)


def _asked(rules: Rules) -> Iterator[tuple[int, str, str, str]]:
    """Yields the process, the field, the test and the parameters of what the rules ask for."""
    yield 1, "*", "header", ", ".join(sorted(rules.schema.in_file))
    yield 1, "*", "well_formed", _share(rules, "*", "well_formed")
    yield 1, "*", "rows", _text(rules.rows)
    if rules.schema.primary_key:
        yield 1, "*", "primaryKey", ", ".join(rules.schema.primary_key) + _share(rules, "*", "primaryKey")
    for field in rules.schema.fields.values():
        yield 1, field.name, "type", f"{_how_read(rules, field.name)}{_share(rules, field.name, 'type')}"
        for name, test in zip(Constraints.__struct_fields__, Constraints.__struct_encode_fields__, strict=True):
            value = getattr(field.constraints, name)
            if value is not None and value is not False:
                process = 1 if test in OF_PROCESS_1 else 2
                yield process, field.name, test, f"{value}{_share(rules, field.name, test)}"
    if time := rules.schema.axes.time:
        key = f"{rules.schema.series}{rules.schema.primary_key}"
        tests = ["time_order"] if beside_the_time(rules.schema) and not rules.schema.series else TIMES
        for test in tests:
            yield 3, time, test, f"{key}{_share(rules, time, test)}"
    for asked in rules.tests:
        tested = asked.test.check(asked.field, rules.schema.axes).field
        # The entries above take the rows that they are for.
        rows = "" if asked.entry is None else f" for {rules.wheres[asked.field][: asked.entry + 1]}"
        yield asked.test.process, tested, asked.name, f"{_text(asked.test)}{rows}{_share(rules, tested, asked.name)}"


def _share(rules: Rules, field: str, test: str) -> str:
    return f" up to {rules.limit(field, test)}"


def _text(struct: msgspec.Struct) -> str:
    return str({name: getattr(struct, name) for name in struct.__struct_fields__})
