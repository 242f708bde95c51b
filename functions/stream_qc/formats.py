"""The file formats, recognised by name. Imports nothing: the light Lambdas use it too."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["csv", "ndjson", "parquet"]
Compression = Literal["", "gz", "zst"]

EXTENSIONS = ".csv, .ndjson, .jsonl, .parquet; the text formats also with .gz or .zst"
# The state machine strips the same endings, in JSONata; a test compares the two.
ENDING = re.compile(
    r"\.(?:(?P<kind>csv|ndjson|jsonl)(?:\.(?P<compression>gz|zst))?|(?P<parquet>parquet))$", re.IGNORECASE | re.ASCII
)


class Format(NamedTuple):
    """What a file's name says of its content."""

    kind: Kind
    compression: Compression

    def __str__(self) -> str:
        return f"{self.kind}.{self.compression}" if self.compression else self.kind


def format_of(name: str) -> Format | None:
    """The format that a file's name ends in, matched without case; None where it is none of ours."""
    ending = ENDING.search(name)
    if ending is None:
        return None
    if ending["parquet"]:
        return Format("parquet", "")
    kind: Kind = "csv" if ending["kind"].lower() == "csv" else "ndjson"
    compression: Compression = {"gz": "gz", "zst": "zst"}.get((ending["compression"] or "").lower(), "")  # type: ignore[assignment]
    return Format(kind, compression)


def without_ending(name: str) -> str:
    """The name without its format's ending: `v1.2.csv.gz` is `v1.2`. Unchanged where the ending is none of ours."""
    return ENDING.sub("", name)
