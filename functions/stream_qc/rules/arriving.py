"""`arrival` of a rules file: how often a file must come."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from stream_qc.rules.converting import convert
from stream_qc.rules.model import Arrival, ArrivalGiven

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
MOST = 366 * 86400


def arrival_of(given: Any, mistakes: list[str]) -> Arrival | None:
    """Returns the arrival that the rules ask for, or None. Adds a mistake, with its place, for one that cannot be."""
    if given is None:
        return None
    found = convert(given, ArrivalGiven, "arrival", mistakes)
    if found is None:
        return None
    every = _span(found.every, "arrival.every", 1, mistakes)
    grace = _span(found.grace, "arrival.grace", 0, mistakes)
    return Arrival(dt.timedelta(seconds=every), dt.timedelta(seconds=grace))


def _span(text: str, place: str, least: int, mistakes: list[str]) -> int:
    """Returns a span in seconds."""
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", text)
    if parts is None:
        mistakes.append(f"{place}: {text!r} is no span; expected a number and one of s, min, h, d, such as 15 min")
        return least
    seconds = round(float(parts[1]) * UNITS[parts[2]])
    if not least <= seconds <= MOST:
        mistakes.append(f"{place}: {text} is out of range; it must be from {least} s to {MOST // 86400} d")
    return seconds
