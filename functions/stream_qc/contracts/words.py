"""Translates the words of a contract to those of a rules file, and back."""

from __future__ import annotations

import re

API_VERSION, KIND = "v3.1.0", "DataContract"
IOOS_QC, OWN = "ioos_qc", "streamQC"  # engines of custom rules: QARTOD tests of a field, and the words of a rules file
TYPES = {
    "string": "string", "number": "number", "integer": "integer", "boolean": "boolean",
    "date": "date", "timestamp": "datetime", "time": "time",
}  # fmt: skip
MOST_BYTES = 10_000_000  # of a contract, which says the same as rules in more words
# Letters of java.time.format.DateTimeFormatter, and what strptime writes for them.
LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MM": "%m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "DDD": "%j", "EEE": "%a",
    "HH": "%H", "hh": "%I", "a": "%p", "mm": "%M", "ss": "%S", "SSSSSS": "%f", "X": "%z", "XX": "%z", "Z": "%z",
}  # fmt: skip
# For each logical type of a time, how ISO 8601 is written.
ISO = {
    "date": ("yyyy-MM-dd",),
    "time": ("HH:mm:ss",),
    "timestamp": (
        "YYYY-MM-DDTHH:mm:ss.SSSZ",
        "yyyy-MM-ddTHH:mm:ssZ",
        "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "yyyy-MM-dd'T'HH:mm:ssXXX",
    ),
}
PARTS = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+|.")


def strptime_of(pattern: str, kind: str) -> str | None:
    """Returns a pattern of DateTimeFormatter in the words of strptime; "default" for ISO 8601, None if it cannot be.

    kind: the logical type of the values.
    """
    if pattern in ISO[kind]:
        return "default"
    written = []
    for part in (match[0] for match in PARTS.finditer(pattern)):
        if part.startswith("'"):
            written.append((part[1:-1] or "'").replace("%", "%%"))
        elif part.isascii() and part.isalpha() and part != "T":
            if part not in LETTERS:
                return None
            written.append(LETTERS[part])
        else:
            written.append(part.replace("%", "%%"))
    return "".join(written)


def formatter_of(pattern: str) -> str | None:
    """Returns a pattern of strptime in the letters of DateTimeFormatter, None if it cannot be."""
    letters = {code: letter for letter, code in reversed(LETTERS.items())}
    written = []
    for part in re.findall(r"%:?\d?.|[^%]+", pattern):
        if part.startswith("%") and part not in letters:
            return None
        written.append(
            letters[part] if part.startswith("%") else re.sub(r"[A-Za-z]+", r"'\g<0>'", part.replace("'", "''"))
        )
    return "".join(written)


def whole_pattern(pattern: str) -> str:
    """Returns a pattern for whole texts that accepts the texts in which the given one matches anywhere, as in ODCS."""
    inner = pattern[1:-1]
    anchored = pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith("\\$") and "|" not in inner
    return inner if anchored else f"(?s:.*)(?:{pattern})(?s:.*)"
