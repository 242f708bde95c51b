"""Makes text from files and rules safe to print in an email or on a terminal."""

from __future__ import annotations


def printable(text: object) -> str:
    """Returns the text with unprintable characters escaped: line ends, terminal codes, bidirectional marks."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
