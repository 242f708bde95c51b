"""Timestamps: UTC, ISO 8601 with microseconds, which sort as text."""

from __future__ import annotations

import datetime as dt


def timestamp(time: dt.datetime) -> str:
    """Returns the time as a timestamp."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Returns the current time as a timestamp."""
    return timestamp(dt.datetime.now(dt.UTC))


def complete(time: str | None) -> str | None:
    """Returns a shorter time, such as 2026-11-01 or 2026-11-01T12:00Z, as the timestamp of its first moment."""
    if time is None:
        return None
    begun = time.removesuffix("Z")
    return begun + "0000-00-00T00:00:00.000000"[len(begun) :] + "Z"


def over_after(milliseconds_left: int) -> dt.timedelta:
    """Returns the time after which an invocation with this time left is over, also by a clock that differs by a fifth of it."""
    return dt.timedelta(milliseconds=1.2 * milliseconds_left)
