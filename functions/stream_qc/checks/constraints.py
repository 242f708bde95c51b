"""The constraints of Table Schema that apply to single rows (https://specs.frictionlessdata.io/table-schema/#constraints)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from stream_qc.checks.base import RowCheck, fail_where
from stream_qc.flags import FAIL, GOOD, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Field

ARTICLE = {"integer": "an integer", "any": "a value"}


def structure_checks(field: Field) -> Iterator[RowCheck]:
    """Yields the checks `type` and `required` of a field."""
    if field.type not in ("any", "string"):
        yield RowCheck(
            field.name, "type", lambda block: _type_flags(block, field.name), lambda value: _not_of_type(field, value)
        )
    elif field.type == "string":
        yield RowCheck(
            field.name,
            "type",
            lambda block: _type_flags(block, field.name),
            lambda value: f"{field.name} {value!r} is not text",
        )
    if field.constraints.required:
        yield RowCheck(
            field.name,
            "required",
            lambda block: _required_flags(block, field.name),
            lambda _: f"{field.name} has no value (required)",
        )


def value_checks(field: Field) -> Iterator[RowCheck]:
    """Yields the checks `minimum`, `maximum`, `minLength`, `maxLength`, `enum` and `pattern` of a field."""
    name, limits = field.name, field.constraints

    def check(test: str, bad: Callable[[pl.Series], pl.Series], explain: Callable[[Any], str]) -> RowCheck:
        return RowCheck(name, test, lambda block: fail_where(bad(_values(block, name))), explain)

    if limits.minimum is not None:
        yield check(
            "minimum",
            lambda v: v < limits.minimum,
            lambda v: f"{name} {show(v)} is below {show(limits.minimum)} (minimum)",
        )
    if limits.maximum is not None:
        yield check(
            "maximum",
            lambda v: v > limits.maximum,
            lambda v: f"{name} {show(v)} is above {show(limits.maximum)} (maximum)",
        )
    if limits.min_length is not None:
        least = limits.min_length
        yield check(
            "minLength",
            lambda v: v.str.len_chars() < least,
            lambda v: f"{name} has a length of {len(v)}, below {least} (minLength)",
        )
    if limits.max_length is not None:
        most = limits.max_length
        yield check(
            "maxLength",
            lambda v: v.str.len_chars() > most,
            lambda v: f"{name} has a length of {len(v)}, above {most} (maxLength)",
        )
    if limits.enum is not None:
        allowed = limits.enum
        names = ", ".join(map(show, allowed[:8])) + (", …" if len(allowed) > 8 else "")
        yield check("enum", lambda v: ~v.is_in(allowed), lambda v: f"{name} {show(v)} is not one of {names} (enum)")
    if limits.pattern is not None:
        yield check(
            "pattern",
            lambda v: ~v.str.contains(f"^(?:{limits.pattern})$"),
            lambda v: f"{name} {show(v)} does not match {limits.pattern} (pattern)",
        )


def _values(block: Block, name: str) -> pl.Series:
    """Returns the values of the field, with NaN as missing: it is neither above nor below a limit."""
    values = block.typed(name)
    return values.fill_nan(None) if values.dtype.is_float() else values


def show(value: Any) -> str:
    """Returns a value as text: numbers without a trailing .0, times in ISO 8601."""
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _type_flags(block: Block, name: str) -> pl.Series:
    bad = block.typed(name).is_null()
    return fail_where(bad.set(block.given(name).is_null(), None))


def _not_of_type(field: Field, value: Any) -> str:
    form = "" if field.format == "default" else f" in the format {field.format}"
    return f"{field.name} {str(value)[:80]!r} is not {ARTICLE.get(field.type, f'a {field.type}')}{form} (type)"


def _required_flags(block: Block, name: str) -> pl.Series:
    expression = pl.when(pl.col("absent")).then(FAIL).otherwise(GOOD).cast(pl.UInt8)
    absent = block.given(name).is_null()
    if block.field(name).type == "number":
        absent = absent | block.typed(name).is_nan().fill_null(value=False)  # NaN is missing in every check
    flags = pl.DataFrame({"absent": absent}).select(expression.alias("flag"))["flag"]
    return flags.set(~block.well_formed, UNKNOWN) if block.malformed else flags
