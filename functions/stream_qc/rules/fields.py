"""Fields of the schema: their formats, and their constraints with the limits in the field's own type."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import polars as pl

from stream_qc import fieldtypes
from stream_qc.rules.model import Constraints, Field

ORDERED = ("date", "datetime", "integer", "number", "time", "year")


def check_format(field: Field, place: str, mistakes: list[str]) -> None:
    """Adds a mistake where the field's format is not supported, or is no pattern."""
    if field.format == "default":
        return
    if field.type not in ("date", "time", "datetime"):
        mistakes.append(f"{place}: {field.format} is not supported for type {field.type}; leave it out")
    elif "%" not in field.format:
        mistakes.append(
            f"{place}: {field.format} is not supported; write a pattern such as %Y-%m-%d, or leave it out for ISO 8601"
        )
    else:
        try:
            fieldtypes.parse(pl.Series(["x"]), field)
        except (pl.exceptions.PolarsError, ValueError) as error:
            mistakes.append(f"{place}: {field.format} is no pattern for a {field.type}: {str(error).splitlines()[0]}")


def typed_constraints(field: Field, place: str, mistakes: list[str]) -> Constraints:
    """The constraints with their limits in the field's type, each checked for whether it can apply."""
    given = field.constraints
    typed: dict[str, Any] = {}
    for name in ("minimum", "maximum"):
        limit = getattr(given, name)
        if limit is None:
            continue
        if field.type not in ORDERED:
            mistakes.append(f"{place}.{name}: a field of type {field.type} has no order")
        else:
            typed[name] = _typed(limit, field, f"{place}.{name}", mistakes)
    for_text = {"minLength": given.min_length, "maxLength": given.max_length, "pattern": given.pattern}
    if field.type not in ("string", "any"):
        mistakes += [
            f"{place}.{name}: applies to a field of type string, not {field.type}"
            for name, value in for_text.items()
            if value is not None
        ]
    if given.enum is not None:
        typed["enum"] = [
            _typed(value, field, f"{place}.enum[{index}]", mistakes) for index, value in enumerate(given.enum)
        ]
    if given.pattern is not None:
        try:
            pl.Series([""]).str.contains(f"^(?:{given.pattern})$")
        except pl.exceptions.ComputeError as error:
            reason = [line for line in str(error).splitlines() if line.strip()][-1].removeprefix("error: ")
            mistakes.append(f"{place}.pattern: {given.pattern} cannot be used: {reason}")
    low, high = typed.get("minimum"), typed.get("maximum")
    if low is not None and high is not None and low > high:
        mistakes.append(f"{place}: the minimum {given.minimum} is above the maximum {given.maximum}")
    return msgspec.structs.replace(given, **typed)


def _typed(value: Any, field: Field, place: str, mistakes: list[str]) -> Any:
    """A limit in the field's type: written in the field's own format or, for times, in ISO 8601."""
    forms = [field, msgspec.structs.replace(field, format="default")]
    if field.type == "datetime":
        forms.append(msgspec.structs.replace(field, format="%Y-%m-%d"))  # a day stands for its first instant
    cells = pl.Series([_text(value)])
    for form in forms:
        found = fieldtypes.parse(cells, form)[0]
        if found is not None:
            return found
    mistakes.append(f"{place}: {value!r} is not of the field's type, {field.type}")
    return None


def _text(value: Any) -> str:
    """The value as it would stand in a file; YAML reads 2012-01-01 as a date and true as a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
