"""The constraints of Table Schema that apply to single rows (https://specs.frictionlessdata.io/table-schema/#constraints)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from stream_qc.checks.base import RowCheck, fail_where
from stream_qc.checks.known_texts import KnownTexts
from stream_qc.checks.measures import Found, Measure, column, computed, is_finite, least, most, total
from stream_qc.fieldtexts import items_in
from stream_qc.flags import FAIL, GOOD, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Field

ARTICLE = {"integer": "an integer", "any": "a value", "array": "an array", "object": "an object"}


def structure_checks(field: Field) -> Iterator[RowCheck]:
    """Yields the checks `type` and `required` of a field."""
    name = field.name
    if field.type != "any":
        yield RowCheck(
            name,
            "type",
            lambda block: _type_flags(block, name),
            lambda value: _not_of_type(field, value),
            proves=lambda block, _: not block.unread(name),
        )
    if field.constraints.required:
        numbers = field.type == "number"  # NaN is missing in every check
        yield RowCheck(
            name,
            "required",
            lambda block: _required_flags(block, name),
            lambda _: f"{name} has no value (required)",
            measures=(total(name),) if numbers else (),
            proves=lambda block, found: not block.typed(name).null_count() and (not numbers or is_finite(found, name)),
        )


def value_checks(field: Field) -> Iterator[RowCheck]:
    """Yields the checks of the constraints on a field's values."""
    limits, value, known = field.constraints, column(field.name), KnownTexts(field.name)
    if limits.minimum is not None:
        yield _limit(field, "minimum", value < limits.minimum, f"below {show(limits.minimum)}")
    if limits.maximum is not None:
        yield _limit(field, "maximum", value > limits.maximum, f"above {show(limits.maximum)}")
    if limits.exclusive_minimum is not None:
        limit = limits.exclusive_minimum
        yield _limit(field, "exclusiveMinimum", value <= limit, f"not above {show(limit)}")
    if limits.exclusive_maximum is not None:
        limit = limits.exclusive_maximum
        yield _limit(field, "exclusiveMaximum", value >= limit, f"not below {show(limit)}")
    if limits.min_length is not None:
        shortest = limits.min_length
        bad = _length(field) < shortest
        check = _constraint(field.name, "minLength", bad, lambda v: f"has {_counted(field, v)}, below {shortest}")
        yield known.prove(check, bad)
    if limits.max_length is not None:
        longest = limits.max_length
        # A text has at most as many characters or items as bytes; a list, such as `,`, one item more.
        bytes_ = Measure(f"longest text {field.name}", value.str.len_bytes().max())
        more = 1 if field.type == "list" else 0
        bad = _length(field) > longest
        check = _constraint(
            field.name,
            "maxLength",
            bad,
            lambda v: f"has {_counted(field, v)}, above {longest}",
            measures=(bytes_,),
            proves=lambda _, found: (found[bytes_] or 0) + more <= longest,
        )
        yield known.prove(check, bad)
    if limits.enum is not None:
        allowed = limits.enum
        names = ", ".join(map(show, allowed[:8])) + (", …" if len(allowed) > 8 else "")
        bad = ~value.is_in(allowed)
        check = _constraint(field.name, "enum", bad, lambda v: f"{show(v)} is not one of {names}")
        yield known.prove(check, bad) if field.type == "string" else check
    if limits.pattern is not None:
        yield _pattern(field.name, limits.pattern, known)


def _pattern(name: str, pattern: str, known: KnownTexts) -> RowCheck:
    """Returns the check `pattern`."""
    bad = ~column(name).str.contains(f"^(?:{pattern})$")
    check = RowCheck(
        name,
        "pattern",
        lambda block: fail_where(known.violates(bad, block.typed(name))),
        lambda v: f"{name} {show(v)} does not match {pattern} (pattern)",
        proves=lambda block, _: not computed(bad, name, block.typed(name)).any(),
    )
    return known.prove(check, bad)


def _length(field: Field) -> pl.Expr:
    """Returns how many characters a text has, or how many items a list, an array or an object."""
    value = column(field.name)
    if field.type == "list":
        return value.str.count_matches(field.delimiter, literal=True) + 1
    if field.type in ("array", "object"):
        return value.map_elements(items_in, return_dtype=pl.Int64)
    return value.str.len_chars()


def _counted(field: Field, value: str) -> str:
    if field.type not in ("list", "array", "object"):
        return f"a length of {len(value)}"
    count = value.count(field.delimiter) + 1 if field.type == "list" else items_in(value)
    return f"{count} item{'' if count == 1 else 's'}"


def _limit(field: Field, test: str, bad: pl.Expr, limit: str) -> RowCheck:
    """Returns the check `minimum`, `maximum` or one that excludes the limit. bad: whether a value is beyond the limit."""
    name, limits = field.name, field.constraints
    numbers, lower = field.type == "number", test in ("minimum", "exclusiveMinimum")

    def proves(_: Block, found: Found) -> bool:
        furthest = found[least(name)] if lower else found[most(name)]
        is_good = {
            "minimum": lambda: limits.minimum <= furthest,
            "maximum": lambda: furthest <= limits.maximum,
            "exclusiveMinimum": lambda: limits.exclusive_minimum < furthest,
            "exclusiveMaximum": lambda: furthest < limits.exclusive_maximum,
        }
        good = furthest is None or is_good[test]()
        return bool(good) and (not numbers or is_finite(found, name))

    return _constraint(
        name,
        test,
        bad,
        lambda v: f"{show(v)} is {limit}",
        measures=(least(name) if lower else most(name), *([total(name)] if numbers else [])),
        proves=proves,
    )


def _constraint(
    name: str,
    test: str,
    bad: pl.Expr,
    explain: Callable[[Any], str],
    measures: Sequence[Measure] | None = None,
    proves: Callable[[Block, Found], bool] | None = None,
) -> RowCheck:
    """Returns a check of single values. bad: whether a value violates the constraint. explain: says how.

    Without a proof of its own, it is proved by looking at every value.
    """
    any_bad = Measure(f"{test} {name}", bad.any())

    def judge(block: Block) -> pl.Series:
        return fail_where(computed(bad, name, _values(block, name)))

    return RowCheck(
        name,
        test,
        judge,
        lambda v: f"{name} {explain(v)} ({test})",
        measures=(any_bad,) if measures is None else measures,
        proves=proves or (lambda _, found: not found[any_bad]),
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
    if field.type == "string" and field.format == "default":
        return f"{field.name} {value!r} is not text"
    text = str(value)[:80]
    if field.type == "integer" and re.fullmatch(r"\s*[-+]?\d+\s*", text):
        return f"{field.name} {text!r} does not fit into 64 bits, the largest integer supported (type)"
    form = "" if field.format == "default" else f" in the format {field.format}"
    form += f" of the itemType {field.item_type}" if field.type == "list" else ""
    return f"{field.name} {text!r} is not {ARTICLE.get(field.type, f'a {field.type}')}{form} (type)"


def _required_flags(block: Block, name: str) -> pl.Series:
    expression = pl.when(pl.col("absent")).then(FAIL).otherwise(GOOD).cast(pl.UInt8)
    absent = block.given(name).is_null()
    if block.field(name).type == "number":
        absent = absent | block.typed(name).is_nan().fill_null(value=False)  # NaN is missing in every check
    flags = pl.DataFrame({"absent": absent}).select(expression.alias("flag"))["flag"]
    return flags.set(~block.well_formed, UNKNOWN) if block.malformed else flags
