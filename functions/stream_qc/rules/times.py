"""The time axis that the rules put together: from several fields, or from local times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import polars as pl
from msgspec.structs import replace

from stream_qc.fieldtimes import EPOCHS
from stream_qc.rules.model import Document, TimeOf
from stream_qc.schema import Field, TimeParts

# The patterns of numbers, in this order: 13 or 2013, 1, 31, 12, 59, 59.
NUMBERS = (("%Y", "%y"), ("%m",), ("%d",), ("%H",), ("%M",), ("%S",))
DEFAULTS = {
    "date": ("%Y-%m-%d",),
    "time": ("%H:%M:%S%.f", "%H:%M"),
    "datetime": ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"),
}


def with_parts(document: Document) -> Document:
    """Returns the document with a time axis that is a year or a month as one that is put together from it."""
    fields = document.schema.get("fields") or []
    short = {
        field.get("name") for field in fields if isinstance(field, dict) and field.get("type") in ("year", "yearmonth")
    }
    if isinstance(document.time, str) and document.time in short:
        return replace(document, time=TimeOf([document.time]))
    return document


def time_name(document: Document) -> str | None:
    """Returns the name of the time axis. One that is put together is `time`, or its fields if the file has a `time`."""
    given = document.time
    if not isinstance(given, TimeOf):
        return given
    fields = document.schema.get("fields") or []
    taken = {field.get("name") for field in fields if isinstance(field, dict)}
    joined = " ".join(given.fields)
    return next(name for name in ("time", joined, f"{joined} (UTC)") if name not in taken or name.endswith("(UTC)"))


def parts_of(given: TimeOf, fields: dict[str, Field], mistakes: list[str]) -> TimeParts:
    """Returns how the time is put together. Adds a mistake for what cannot be."""
    patterns, numbers = list[tuple[str, ...]](), 0
    whole = True  # whether all are numbers, or a year and a month
    for name in given.fields:
        field = fields.get(name, Field(name))
        whole = whole and field.format == "default" and field.type not in DEFAULTS
        if field.format != "default":
            patterns.append((field.format,))
        elif field.type == "yearmonth":
            patterns.append(("%Y-%m",))
            numbers = 2
        elif field.type in DEFAULTS:
            patterns.append(DEFAULTS[field.type])
        elif numbers < len(NUMBERS):
            patterns.append(NUMBERS[numbers])
            numbers += 1
    if not given.fields or len(given.fields) > len(patterns):
        mistakes.append(
            "time.fields: name the fields of year, month, day, hour, minute and second, in this order and as far as there "
            "are any; or those of the date and of the time, with these types"
        )
    mistakes += _mistakes(given, fields)
    more = ("", " 01 01", " 01")[numbers] if 0 < numbers < 3 and whole else ""
    codes = {"": "", " 01 01": " %m %d", " 01": " %d"}[more]
    formats = tuple(" ".join(one) + codes for one in itertools.product(*patterns))
    return TimeParts(tuple(given.fields), formats, more, given.zone)


def _mistakes(given: TimeOf, fields: dict[str, Field]) -> Iterator[str]:
    """Yields what cannot be put together."""
    if len(set(given.fields)) < len(given.fields):
        yield f"time.fields: {', '.join(given.fields)} names a field twice"
    for name in given.fields:
        form = fields.get(name, Field(name)).format
        if form in EPOCHS:
            yield f"time.fields: {name} is already a complete UTC time ({form}); use `time: {name}`"
        elif given.zone is not None and "%z" in form.replace("#", ""):
            yield f"time.zone: the times of {name} have an offset from UTC (%z); leave the zone out"
    if given.zone is not None and not _is_zone(given.zone):
        yield f"time.zone: {given.zone} is not a known time zone; use a name such as Europe/Berlin"


def _is_zone(name: str) -> bool:
    """Returns whether polars knows the time zone. Lambda's Python may come without the files that zoneinfo reads."""
    if not name:
        return False
    try:
        pl.Series([0], dtype=pl.Datetime("us")).dt.replace_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True
