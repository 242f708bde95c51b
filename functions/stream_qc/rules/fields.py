"""Validates the fields of a schema: their formats, and their constraints with limits in the field's own type."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from stream_qc import fieldtimes, fieldtypes
from stream_qc.fieldtexts import FORMATS
from stream_qc.schema import Constraints, Field

MOST_EXACT = 2**53 - 1  # numbers are 64-bit floats; the next whole number cannot be told from the one after it

# For each type that takes a pattern, a value to try the pattern on and an example of a pattern.
_MOMENT = dt.datetime(2021, 11, 23, 13, 45, 56, tzinfo=dt.UTC)
SAMPLE = {"date": _MOMENT, "datetime": _MOMENT, "time": _MOMENT.time()}
FORMS = {"date": "%d.%m.%Y", "datetime": "%d.%m.%Y %H:%M", "time": "%H:%M"}
ORDERED = ("date", "datetime", "integer", "number", "time", "year", "yearmonth")
SIZED = ("string", "list", "array", "object", "any")  # have a length
LIMITS = {
    "minimum": "minimum", "maximum": "maximum", "exclusive_minimum": "exclusiveMinimum", "exclusive_maximum": "exclusiveMaximum",
}  # fmt: skip
UNSUPPORTED_CODES = {"%f": "write a fraction of a second as %S.%f", "%Z": "use the offset from UTC, %z"}


def values_among(texts: Sequence[str], field: Field) -> list[Any]:
    """Returns those of the texts that are values of the field's type, if it is not text itself."""
    cells = pl.Series([text for text in texts if text], dtype=pl.String)
    if field.type in ("any", "string") or not cells.len():
        return []
    return fieldtypes.parse(cells, field).drop_nulls().to_list()


def check_format(field: Field, place: str, mistakes: list[str]) -> None:
    """Adds a mistake if the field's format is not supported or is not a valid pattern."""
    form = field.format
    if form == "default" or (field.type == "datetime" and form in fieldtimes.EPOCHS):
        return
    if field.type in FORMATS:
        if form not in FORMATS[field.type]:
            known = ", ".join(("default", *FORMATS[field.type]))
            mistakes.append(f"{place}: {form} is not a format of a {field.type}; expected one of: {known}")
        return
    for code, instead in UNSUPPORTED_CODES.items():
        if code in form.replace("%%", ""):
            mistakes.append(f"{place}: {code} is not supported; {instead}")
            return
    if field.type not in SAMPLE:
        mistakes.append(f"{place}: {form} is not supported for type {field.type}; leave the format out")
    elif "%" not in form:
        mistakes.append(
            f"{place}: {form} is not supported; use a pattern such as %Y-%m-%d, or leave it out for ISO 8601"
        )
    elif not _reads_what_it_writes(field):
        mistakes.append(f"{place}: {form} does not describe a whole {field.type}; an example is {FORMS[field.type]}")


def _reads_what_it_writes(field: Field) -> bool:
    written_with = field.format.replace("%#z", "%z")  # %#z is for reading only
    try:
        written = pl.Series([SAMPLE[field.type]]).dt.strftime(written_with)
        return not fieldtypes.parse(written, field).null_count()
    except (pl.exceptions.PolarsError, ValueError):
        return False


def typed_constraints(field: Field, place: str, mistakes: list[str]) -> Constraints:
    """Returns the constraints with limits in the field's type. Adds a mistake for each that cannot apply to the field."""
    given = field.constraints
    if set(field.true_values) & set(field.false_values):
        mistakes.append(f"{place.removesuffix('.constraints')}.trueValues: shares values with falseValues")
    mistakes += [f"{place}.{mistake}" for mistake in _text_mistakes(field)]
    typed = _range(field, place, mistakes)
    if given.enum is not None:
        if not given.enum:
            mistakes.append(f"{place}.enum: the list is empty, so no value would pass")
        typed["enum"] = [
            typed_value(value, field, f"{place}.enum[{index}]", mistakes) for index, value in enumerate(given.enum)
        ]
    return msgspec.structs.replace(given, **typed)


def _range(field: Field, place: str, mistakes: list[str]) -> dict[str, Any]:
    """Returns the limits in the field's type, if they are given."""
    typed: dict[str, Any] = {}
    for attribute, name in LIMITS.items():
        limit = getattr(field.constraints, attribute)
        if limit is not None and field.type not in ORDERED:
            mistakes.append(f"{place}.{name}: does not apply to a field of type {field.type}")
        elif limit is not None:
            typed[attribute] = typed_value(limit, field, f"{place}.{name}", mistakes)
    for low, high in itertools.product(("minimum", "exclusive_minimum"), ("maximum", "exclusive_maximum")):
        least, most = typed.get(low), typed.get(high)
        if least is not None and most is not None and least > most:
            given = [getattr(field.constraints, attribute) for attribute in (low, high)]
            mistakes.append(f"{place}: the {LIMITS[low]} {given[0]} is above the {LIMITS[high]} {given[1]}")
    return typed


def _text_mistakes(field: Field) -> Iterator[str]:
    """Yields what is wrong with the constraints that apply to text only."""
    given = field.constraints
    lengths = {"minLength": given.min_length, "maxLength": given.max_length}
    if given.pattern is not None and field.type not in ("string", "any"):
        yield f"pattern: applies to fields of type string, not {field.type}"
    for name, length in lengths.items():
        if length is not None and field.type not in SIZED:
            yield f"{name}: applies to fields of type {', '.join(SIZED)}, not {field.type}"
        if length is not None and not 0 <= length < 2**31:
            yield f"{name}: {length} is not a valid length"
    if given.pattern is not None:
        try:
            for pattern in (given.pattern, f"^(?:{given.pattern})$"):  # on its own too: it could close the group
                pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError as error:
            said = [line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")]
            reason = said[0] if said else "it is not a valid regular expression, or it is too large"
            yield f"pattern: {given.pattern} cannot be used: {reason} (RE2 syntax: no look-around, no backreferences)"


def typed_value(value: Any, field: Field, place: str, mistakes: list[str]) -> Any:
    """Returns a value in the field's type. It may be written in the field's format or, for times, in ISO 8601."""
    if field.type == "number" and type(value) is int and abs(value) > MOST_EXACT:
        mistakes.append(
            f"{place}: {value} is too large for a number field, which holds whole numbers exactly up to {MOST_EXACT}; "
            "give the field the type integer"
        )
        return None
    if field.type == "number" and type(value) in (int, float) and not math.isnan(value):
        return float(value)
    forms = [field, msgspec.structs.replace(field, format="default")]
    if field.type == "datetime":
        forms.append(msgspec.structs.replace(field, format="%Y-%m-%d"))  # a date means midnight
    cells = pl.Series([_text(value)])
    for form in forms:
        found = fieldtypes.parse(cells, form)[0]
        if found is not None and not (isinstance(found, float) and math.isnan(found)):
            return found
    mistakes.append(f"{place}: {value!r} is not a valid {field.type}")
    return None


def _text(value: Any) -> str:
    """Returns the value as it would be written in a file. YAML reads 2012-01-01 as a date and true as a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
