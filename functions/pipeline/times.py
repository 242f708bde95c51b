"""Timestamps: UTC, ISO 8601 with microseconds, which sort as text."""

from __future__ import annotations

import datetime as dt
import re

from pipeline.errors import InvalidInput

DAY, CLOCK = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", r"([01][0-9]|2[0-3]):[0-5][0-9]"
TIME = rf"^{DAY}(T{CLOCK}(:[0-5][0-9](\.[0-9]{{1,6}})?)?)?Z?$"  # UTC, whole or in part


def timestamp(time: dt.datetime) -> str:
    """Returns the time as a timestamp."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Returns the current time as a timestamp."""
    return timestamp(dt.datetime.now(dt.UTC))


def first_of(name: str, time: str | None) -> str | None:
    """Returns the first moment of a time, such as 2026-11-01 or 2026-11-01T12:00Z, as a timestamp.

    Raises InvalidInput, with this name of the parameter, for what is not a valid time.
    """
    return _completed(name, time, "0000-01-01T00:00:00.000000")


def last_of(name: str, time: str | None) -> str | None:
    """Returns the last moment of a time, as text that sorts after every timestamp in it. Raises InvalidInput as first_of does."""
    return _completed(name, time, "9999-12-31T23:59:59.999999")


def _completed(name: str, time: str | None, rest: str) -> str | None:
    if time is None:
        return None
    if not re.fullmatch(TIME, time):
        raise InvalidInput(
            f"{name}: {time!r} is not a valid time; write it as 2026-11-01, 2026-11-01T12:00 or 2026-11-01T12:00:00Z"[
                :300
            ]
        )
    begun = time.removesuffix("Z")
    return begun + rest[len(begun) :] + "Z"


def over_after(milliseconds_left: int) -> dt.timedelta:
    """Returns the time after which an invocation with this time left is over, also by a clock that differs by a fifth of it."""
    return dt.timedelta(milliseconds=1.2 * milliseconds_left)
