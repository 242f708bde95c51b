"""Timestamps: UTC, ISO 8601 with microseconds, which sort as text."""

from __future__ import annotations

import datetime as dt


def timestamp(time: dt.datetime) -> str:
    """Returns the time as a timestamp."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Returns the current time as a timestamp."""
    return timestamp(dt.datetime.now(dt.UTC))
