"""Keeps values out of results: `redact` of a rules file. What remains is which row fails, when, and which test it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stream_qc.schema import TimeParts

REDACTED = "(redacted)"
EVERY_FIELD = ("*",)


def hides(redact: tuple[str, ...], fields: Iterable[str]) -> bool:
    """Returns whether the values of one of the fields must not be shown. redact: the fields of the rules, or EVERY_FIELD."""
    return redact == EVERY_FIELD or not {*redact}.isdisjoint(fields)


def with_times(names: Iterable[str], parts_of_times: Iterable[Mapping[str, TimeParts]]) -> tuple[str, ...]:
    """Returns these fields and those that show their values: a time that is put together shows its parts, and they show it.

    parts_of_times: of every schema that the file is read by.
    """
    groups = [{name, *parts.fields} for times in parts_of_times for name, parts in times.items()]
    found = dict.fromkeys(names)
    for _ in groups:  # each may lead to the next
        for group in groups:
            if not group.isdisjoint(found):
                found |= dict.fromkeys(sorted(group))
    return (*found,)


def without_values(reason: str, field: str, test: str) -> str:
    """Returns the reason for a flag without values: `v fails (spike_test fail_threshold)`."""
    words = re.search(r"\(([a-zA-Z_ ]+)\)$", reason)
    return f"{field} fails ({words[1] if words else test})"
