"""Fields of the schema: their formats, and their constraints with the limits in the field's own type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import polars as pl

from stream_qc import fieldtypes
from stream_qc.rules.model import Constraints, Field

# A value of each type that has patterns, and a pattern that suits it.
_MOMENT = dt.datetime(2021, 11, 23, 13, 45, 56, tzinfo=dt.UTC)
SAMPLE = {"date": _MOMENT, "datetime": _MOMENT, "time": _MOMENT.time()}
FORMS = {"date": "%d.%m.%Y", "datetime": "%d.%m.%Y %H:%M", "time": "%H:%M"}
ORDERED = ("date", "datetime", "integer", "number", "time", "year")


def check_format(field: Field, place: str, mistakes: list[str]) -> None:
    """Adds a mistake where the field's format is not supported, or is no pattern."""
    if field.format == "default":
        return
    unread = [code for code in ("%f", "%Z") if code in field.format.replace("%%", "")]
    if unread:
        instead = {"%f": "write the fraction with its point, as in %S.%f", "%Z": "a zone's name is not its offset, %z"}
        mistakes.append(f"{place}: {unread[0]} cannot be read: {instead[unread[0]]}")
        return
    if field.type not in ("date", "time", "datetime"):
        mistakes.append(f"{place}: {field.format} is not supported for type {field.type}; leave it out")
    elif "%" not in field.format:
        mistakes.append(
            f"{place}: {field.format} is not supported; write a pattern such as %Y-%m-%d, or leave it out for ISO 8601"
        )
    else:
        try:
            written = pl.Series([SAMPLE[field.type]]).dt.strftime(
                field.format.replace("%#z", "%z")
            )  # %#z is for reading
            readable = not fieldtypes.parse(written, field).null_count()
        except (pl.exceptions.PolarsError, ValueError):
            readable = False
        if not readable:
            usual = FORMS[field.type]
            mistakes.append(
                f"{place}: no {field.type} can be read with {field.format}; write all its parts as strftime does, such as {usual}"
            )


def typed_constraints(field: Field, place: str, mistakes: list[str]) -> Constraints:
    """The constraints with their limits in the field's type, each checked for whether it can apply."""
    given = field.constraints
    if set(field.true_values) & set(field.false_values):
        mistakes.append(f"{place.removesuffix('.constraints')}.trueValues: shares values with falseValues")
    mistakes += [f"{place}.{mistake}" for mistake in _of_text(field)]
    typed = _range(field, place, mistakes)
    if given.enum is not None:
        if not given.enum:
            mistakes.append(f"{place}.enum: it is empty, and no value could pass")
        typed["enum"] = [
            _typed(value, field, f"{place}.enum[{index}]", mistakes) for index, value in enumerate(given.enum)
        ]
    return msgspec.structs.replace(given, **typed)


def _range(field: Field, place: str, mistakes: list[str]) -> dict[str, Any]:
    """The minimum and the maximum, typed."""
    given = {"minimum": field.constraints.minimum, "maximum": field.constraints.maximum}
    typed: dict[str, Any] = {}
    for name, limit in given.items():
        if limit is not None and field.type not in ORDERED:
            mistakes.append(f"{place}.{name}: a field of type {field.type} has no order")
        elif limit is not None:
            typed[name] = _typed(limit, field, f"{place}.{name}", mistakes)
    low, high = typed.get("minimum"), typed.get("maximum")
    if low is not None and high is not None and low > high:
        mistakes.append(f"{place}: the minimum {given['minimum']} is above the maximum {given['maximum']}")
    return typed


def _of_text(field: Field) -> Iterator[str]:
    """What is wrong with the constraints that only text can have."""
    given = field.constraints
    lengths = {"minLength": given.min_length, "maxLength": given.max_length}
    for name, value in {**lengths, "pattern": given.pattern}.items():
        if value is not None and field.type not in ("string", "any"):
            yield f"{name}: applies to a field of type string, not {field.type}"
    yield from (
        f"{name}: {length} is no length"
        for name, length in lengths.items()
        if length is not None and not 0 <= length < 2**31
    )
    if given.pattern is not None:
        try:
            for pattern in (given.pattern, f"^(?:{given.pattern})$"):  # by itself: it could close the group
                pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError as error:
            said = [line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")]
            reason = said[0] if said else "it is no regular expression, or one that is too large"
            yield f"pattern: {given.pattern} cannot be used: {reason} (RE2 syntax: no look-around, no backreferences)"


def _typed(value: Any, field: Field, place: str, mistakes: list[str]) -> Any:
    """A limit in the field's type: written in the field's own format or, for times, in ISO 8601."""
    forms = [field, msgspec.structs.replace(field, format="default")]
    if field.type == "datetime":
        forms.append(msgspec.structs.replace(field, format="%Y-%m-%d"))  # a day stands for its first instant
    cells = pl.Series([_text(value)])
    for form in forms:
        found = fieldtypes.parse(cells, form)[0]
        if found is not None and found == found:  # noqa: PLR0124  # NaN is not: it is above nothing and below nothing
            return found
    mistakes.append(f"{place}: {value!r} is not of the field's type, {field.type}")
    return None


def _text(value: Any) -> str:
    """The value as it would stand in a file; YAML reads 2012-01-01 as a date and true as a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
