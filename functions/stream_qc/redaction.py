"""Keeps values out of results: `redact` of a rules file. What remains is which row fails, when, and which test it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable

REDACTED = "(redacted)"
EVERY_FIELD = ("*",)


def hides(redact: tuple[str, ...], fields: Iterable[str]) -> bool:
    """Returns whether the values of one of the fields must not be shown. redact: the fields of the rules, or EVERY_FIELD."""
    return redact == EVERY_FIELD or not {*redact}.isdisjoint(fields)


def without_values(reason: str, field: str, test: str) -> str:
    """Returns the reason for a flag without values: `v fails (spike_test fail_threshold)`."""
    words = re.search(r"\(([a-zA-Z_ ]+)\)$", reason)
    return f"{field} fails ({words[1] if words else test})"
