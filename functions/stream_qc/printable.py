"""Text from files and rules, made safe for a line that people read: an email's, a terminal's."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text with what is not printable escaped: line ends, terminal codes, marks that turn the direction of writing."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
