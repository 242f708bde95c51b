"""The time axis that the rules put together: from several fields, or from local times."""

from __future__ import annotations

import itertools

import polars as pl

from stream_qc.rules.model import Document, TimeOf
from stream_qc.schema import Field, TimeParts

# The patterns of numbers, in this order: 13 or 2013, 1, 31, 12, 59, 59.
NUMBERS = (("%Y", "%y"), ("%m",), ("%d",), ("%H",), ("%M",), ("%S",))
DEFAULTS = {
    "date": ("%Y-%m-%d",),
    "time": ("%H:%M:%S%.f", "%H:%M"),
    "datetime": ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"),
}


def time_name(document: Document) -> str | None:
    """Returns the name of the time axis. One that is put together is `time`, or its fields if the file has a `time`."""
    given = document.time
    if not isinstance(given, TimeOf):
        return given
    fields = document.schema.get("fields") or []
    taken = any(isinstance(field, dict) and field.get("name") == "time" for field in fields)
    return " ".join(given.fields) if taken else "time"


def parts_of(given: TimeOf, fields: dict[str, Field], mistakes: list[str]) -> TimeParts:
    """Returns how the time is put together. Adds a mistake for what cannot be."""
    patterns, numbers = list[tuple[str, ...]](), 0
    for name in given.fields:
        field = fields.get(name, Field(name))
        if field.format != "default":
            patterns.append((field.format,))
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
    more = ("", " 01 01", " 01")[numbers] if 0 < numbers < 3 and numbers == len(given.fields) else ""
    if given.zone is not None and not _is_zone(given.zone):
        mistakes.append(f"time.zone: {given.zone} is no time zone; give its name, for example Europe/Berlin")
    codes = {"": "", " 01 01": " %m %d", " 01": " %d"}[more]
    formats = tuple(" ".join(one) + codes for one in itertools.product(*patterns))
    return TimeParts(tuple(given.fields), formats, more, given.zone)


def _is_zone(name: str) -> bool:
    """Returns whether polars knows the time zone. Lambda's Python may come without the files that zoneinfo reads."""
    try:
        pl.Series([0], dtype=pl.Datetime("us")).dt.replace_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True
