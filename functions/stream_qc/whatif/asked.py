"""What rules ask of each check, so that two sets of rules can be compared check by check."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stream_qc.rules import Rules
from stream_qc.schema import Constraints

OF_PROCESS_1 = ("required", "unique")


def asked_of(rules: Rules) -> dict[str, str]:
    """Returns what the rules ask of each check, by its name `<process>#<field>#<test>`, as text to compare."""
    found: dict[str, list[str]] = {}
    for process, field, test, parameters in _asked(rules):
        found.setdefault(f"{process}#{field}#{test}", []).append(parameters)
    return {name: "; ".join(sorted(its)) for name, its in found.items()}


def reads_alike(one: Rules, other: Rules) -> bool:
    """Returns whether both rules read the same rows, times and missing values out of a file."""
    names = ("missing_values", "dialect", "axes", "series", "time_parts", "missing_typed")
    return all(getattr(one.schema, name) == getattr(other.schema, name) for name in names)


def _asked(rules: Rules) -> Iterator[tuple[int, str, str, str]]:
    """Yields the process, the field, the test and the parameters of what the rules ask for."""
    yield 1, "*", "header", ", ".join(sorted(rules.schema.in_file))
    yield 1, "*", "well_formed", _share(rules, "*", "well_formed")
    yield 1, "*", "rows", _text(rules.rows)
    if rules.schema.primary_key:
        yield 1, "*", "primaryKey", ", ".join(rules.schema.primary_key) + _share(rules, "*", "primaryKey")
    for field in rules.schema.fields.values():
        how = {name: getattr(field, name) for name in field.__struct_fields__ if name not in ("name", "constraints")}
        yield 1, field.name, "type", f"{how}{_share(rules, field.name, 'type')}"
        for name, test in zip(Constraints.__struct_fields__, Constraints.__struct_encode_fields__, strict=True):
            value = getattr(field.constraints, name)
            if value not in (None, False):
                process = 1 if test in OF_PROCESS_1 else 2
                yield process, field.name, test, f"{value}{_share(rules, field.name, test)}"
    for asked in rules.tests:
        tested = asked.test.check(asked.field, rules.schema.axes).field
        rows = "" if asked.entry is None else f" for {rules.wheres[asked.field][asked.entry]}"
        yield asked.test.process, tested, asked.name, f"{_text(asked.test)}{rows}{_share(rules, tested, asked.name)}"


def _share(rules: Rules, field: str, test: str) -> str:
    return f" up to {rules.limit(field, test)}"


def _text(struct: msgspec.Struct) -> str:
    return str({name: getattr(struct, name) for name in struct.__struct_fields__})
