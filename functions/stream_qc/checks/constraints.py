"""The constraints of Table Schema that apply to single rows (https://specs.frictionlessdata.io/table-schema/#constraints)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from stream_qc.checks.base import RowCheck, fail_where
from stream_qc.checks.known_texts import KnownTexts
from stream_qc.checks.measures import Found, Measure, column, computed, is_finite, least, most, total
from stream_qc.flags import FAIL, GOOD, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Field

ARTICLE = {"integer": "an integer", "any": "a value"}


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
    """Yields the checks `minimum`, `maximum`, `minLength`, `maxLength`, `enum` and `pattern` of a field."""
    limits, value, known = field.constraints, column(field.name), KnownTexts(field.name)
    if limits.minimum is not None:
        yield _limit(field, "minimum", value < limits.minimum, f"below {show(limits.minimum)}")
    if limits.maximum is not None:
        yield _limit(field, "maximum", value > limits.maximum, f"above {show(limits.maximum)}")
    if limits.min_length is not None:
        shortest = limits.min_length
        bad = value.str.len_chars() < shortest
        check = _constraint(field.name, "minLength", bad, lambda v: f"has a length of {len(v)}, below {shortest}")
        yield known.prove(check, bad)
    if limits.max_length is not None:
        longest = limits.max_length
        bytes_ = Measure(f"longest text {field.name}", value.str.len_bytes().max())  # at least as many as characters
        bad = value.str.len_chars() > longest
        check = _constraint(
            field.name,
            "maxLength",
            bad,
            lambda v: f"has a length of {len(v)}, above {longest}",
            measures=(bytes_,),
            proves=lambda _, found: (found[bytes_] or 0) <= longest,
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


def _limit(field: Field, test: str, bad: pl.Expr, limit: str) -> RowCheck:
    """Returns the check `minimum` or `maximum`. bad: whether a value is beyond the limit."""
    name = field.name
    low, high = field.constraints.minimum, field.constraints.maximum
    numbers = field.type == "number"

    def proves(_: Block, found: Found) -> bool:
        beyond = found[least(name)] if test == "minimum" else found[most(name)]
        good = beyond is None or (low <= beyond if test == "minimum" else beyond <= high)
        return bool(good) and (not numbers or is_finite(found, name))

    return _constraint(
        name,
        test,
        bad,
        lambda v: f"{show(v)} is {limit}",
        measures=(least(name) if test == "minimum" else most(name), *([total(name)] if numbers else [])),
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
    if field.type == "string":
        return f"{field.name} {value!r} is not text"
    text = str(value)[:80]
    if field.type == "integer" and re.fullmatch(r"\s*[-+]?\d+\s*", text):
        return f"{field.name} {text!r} does not fit into 64 bits, the largest integer supported (type)"
    form = "" if field.format == "default" else f" in the format {field.format}"
    return f"{field.name} {text!r} is not {ARTICLE.get(field.type, f'a {field.type}')}{form} (type)"


def _required_flags(block: Block, name: str) -> pl.Series:
    expression = pl.when(pl.col("absent")).then(FAIL).otherwise(GOOD).cast(pl.UInt8)
    absent = block.given(name).is_null()
    if block.field(name).type == "number":
        absent = absent | block.typed(name).is_nan().fill_null(value=False)  # NaN is missing in every check
    flags = pl.DataFrame({"absent": absent}).select(expression.alias("flag"))["flag"]
    return flags.set(~block.well_formed, UNKNOWN) if block.malformed else flags
