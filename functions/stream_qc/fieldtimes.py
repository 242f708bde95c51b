"""Parses dates and times. Each function returns null for text that is not in the field's format."""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import Any

import polars as pl

from stream_qc import iso_times
from stream_qc.schema import Field, TimeParts

# YYYY-MM-DDThh:mm[:ss[.fraction]][zone], with a T or a space. A pattern is tried only on cells that no earlier pattern
# matched. The first two are special cases of the others that polars parses ten times as fast.
ISO_DATETIMES = (
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    *(f"%Y-%m-%d{gap}{clock}{zone}" for clock in ("%H:%M:%S%.f", "%H:%M") for gap in "T " for zone in ("", "%#z")),
)

# The default formats. polars also accepts fewer digits, leading spaces and a second 60, which these do not allow.
DEFAULT_FORMS = {
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "time": r"^\d{2}:\d{2}:[0-5]\d(\.\d+)?$",
    "datetime": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:[0-5]\d(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?$",
}

# The codes of a pattern whose digits are counted, as Python's strptime does; any text for the others.
FORMS = {
    "%Y": r"\d{4}", "%y": r"\d{2}", "%j": r"\d{1,3}", "%d": r"( \d|\d{1,2})", "%.f": r"(\.\d+)?", "%%": "%",
    "%F": r"\d{4}-\d{1,2}-\d{1,2}", "%T": r"\d{1,2}:\d{1,2}:\d{1,2}", "%R": r"\d{1,2}:\d{1,2}",
    **dict.fromkeys(("%m", "%H", "%I", "%M", "%S"), r"\d{1,2}"),
}  # fmt: skip
ANY = ".+"
# Formats of a datetime that is a number since 1970, with the microseconds of one.
EPOCHS = {"epoch-seconds": 10**6, "epoch-milliseconds": 10**3}
FIRST_DAY, LAST_DAY = ((day - dt.date(1970, 1, 1)).days for day in (dt.date.min, dt.date.max))
UNITS_A_DAY = {"d": 1, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def utc(time: Any) -> dt.datetime:
    """Returns the time in UTC without a zone. Text must be ISO 8601. Raises ValueError if it is not a time."""
    if isinstance(time, str):
        whole, point, fraction = time.partition(".")
        digits = fraction.rstrip("Z").partition("+")[0]
        # Python accepts microseconds only; times written by numpy, which rules may contain, have nanoseconds.
        time = dt.datetime.fromisoformat(whole + point + fraction.replace(digits, digits[:6], 1) if digits else time)
    if isinstance(time, dt.date) and not isinstance(time, dt.datetime):
        time = dt.datetime.combine(time, dt.time())
    if not isinstance(time, dt.datetime):
        raise ValueError(f"{time!r} is not a time")  # not TypeError: it comes from a rules file
    return time if time.tzinfo is None else time.astimezone(dt.UTC).replace(tzinfo=None)


def _in_form(times: pl.Series, cells: pl.Series, field: Field) -> pl.Series:
    """Returns the times with null where the cell is not in the field's format, although polars reads it."""
    in_form = cells.str.contains(DEFAULT_FORMS[field.type] if field.format == "default" else form_of(field.format))
    if not in_form.all():
        times = times.set(~in_form.fill_null(value=False), None)
    if field.format == "default":
        return times
    if times.dtype == pl.Date or "f" in field.format:
        return times
    # A second 60 becomes the next minute. Printing the time again shows it.
    sixty = cells.str.contains("60", literal=True).fill_null(value=False) & (times.dt.second() == 0).fill_null(
        value=False
    )
    return times.set(sixty & (times.dt.strftime(field.format) != cells), None) if sixty.any() else times


@functools.cache
def form_of(pattern: str) -> str:
    """Returns a regular expression for what Python's strptime reads with a pattern, by the number of its digits.

    polars also reads fewer digits of a year, and blanks where there are none in the pattern.
    """

    def form(part: str) -> str:
        if part.isspace():
            return r"\s+"
        return FORMS.get(part, ANY) if part[0] == "%" else re.escape(part)

    return "^" + "".join(map(form, re.findall(r"%[.#]?.|\s+|.", pattern, re.DOTALL))) + "$"


def date(cells: pl.Series, field: Field) -> pl.Series:
    """Returns the cells as dates."""
    form = "%Y-%m-%d" if field.format == "default" else field.format
    return _in_form(within_calendar(_pivot_of_posix(cells.str.to_date(form, strict=False), form)), cells, field)


def time(cells: pl.Series, field: Field) -> pl.Series:
    """Returns the cells as times of day."""
    times = cells.str.to_time("%H:%M:%S%.f" if field.format == "default" else field.format, strict=False)
    return _in_form(times, cells, field)


def datetime(cells: pl.Series, field: Field) -> pl.Series:
    """Returns the cells as Datetime in microseconds, in UTC without a zone."""
    if field.format in EPOCHS:
        return within_calendar(since_epoch(cells.str.strip_chars().cast(pl.Float64, strict=False), field.format))
    if field.format == "default" and (times := iso_times.parse(cells)) is not None:
        return times
    patterns = _likely_first(cells, ISO_DATETIMES) if field.format == "default" else (field.format,)
    found = _strptime(cells, patterns[0])
    for pattern in patterns[1:]:
        if found.null_count() == cells.null_count():
            break
        found = found.zip_with(found.is_not_null(), _strptime(cells, pattern))
    odd = cells.str.starts_with("--")  # polars reads --20 as the year 20
    return _in_form(within_calendar(found.set(odd, None) if odd.any() else found), cells, field)


def assembled(texts: pl.Series, parts: TimeParts) -> pl.Series:
    """Returns the times in UTC that are written in several cells, joined by a blank, in the zone of the parts.

    Of an hour that occurs twice when clocks are put back, a time is taken for the first. A time in an hour that is left out
    when they are put forward is null, as is text that is no time.
    """
    texts = texts + parts.more if parts.more else texts
    found = pl.Series(texts.name, [None], dtype=pl.Datetime("us")).new_from_index(0, texts.len())
    for form in parts.formats:
        if found.null_count() == texts.null_count():
            break
        here = _in_form(within_calendar(_strptime(texts, form)), texts, Field("", "datetime", form))
        found = found.zip_with(found.is_not_null(), here)
    if parts.zone is None or found.null_count() == found.len():
        return found
    local = found.dt.replace_time_zone(parts.zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def since_epoch(numbers: pl.Series, form: str) -> pl.Series:
    """Returns the times of numbers that count seconds or milliseconds since 1970 in UTC, to the microsecond."""
    us = (numbers * EPOCHS[form]).round()
    return us.set(~us.is_between(-1e17, 1e18).fill_null(value=True), None).cast(pl.Int64).cast(pl.Datetime("us"))


def _likely_first(cells: pl.Series, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the patterns, first the one that the first cell matches. To try a pattern on cells of another is slow."""
    first = cells.slice(cells.is_not_null().arg_max() or 0, 1)
    likely = next((pattern for pattern in patterns if not _strptime(first, pattern).null_count()), patterns[0])
    return (likely, *(pattern for pattern in patterns if pattern != likely))


def within_calendar(times: pl.Series) -> pl.Series:
    """Returns the times with null for years outside 1 to 9999, which ISO 8601 and Python do not support."""
    if times.dtype not in (pl.Date, pl.Datetime) or times.len() == times.null_count():
        return times
    day = UNITS_A_DAY[getattr(times.dtype, "time_unit", "d")]
    first, last = FIRST_DAY * day, LAST_DAY * day + day - 1
    units = times.to_physical()  # polars panics on the year of a distant date
    if units.min() >= first and units.max() <= last:  # type: ignore[operator]  # there are times
        return times
    return times.set(~units.is_between(first, last).fill_null(value=False), None)


def _pivot_of_posix(times: pl.Series, pattern: str) -> pl.Series:
    """Returns the times with year 69 of `%y` as 1969, as POSIX and Python have it; polars reads it as 2069."""
    if "%y" not in pattern.replace("%%", ""):
        return times
    wrong = (times.dt.year() == 2069).fill_null(value=False)
    return times.zip_with(~wrong, times.dt.offset_by("-100y")) if wrong.any() else times


def _strptime(cells: pl.Series, pattern: str) -> pl.Series:
    return _pivot_of_posix(_parsed(cells, pattern), pattern)


def _parsed(cells: pl.Series, pattern: str) -> pl.Series:
    if ("%H" in pattern or "%I" in pattern) and "%M" not in pattern:
        cells, pattern = cells + " 00", f"{pattern} %M"  # polars reads no hour without minutes
    if "z" in pattern.replace("%%", ""):
        aware = cells.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        return aware.dt.replace_time_zone(None)
    if not any(code in pattern for code in ("%H", "%I", "%T", "%X", "%c", "%s", "%R", "%r")):
        return cells.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))  # a date means midnight
    return cells.str.to_datetime(pattern, strict=False, time_unit="us", cache=False)  # few times repeat
