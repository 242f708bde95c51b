"""Recognises file formats by name. Imports nothing of ours, because the Lambdas that read no files use it too."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["csv", "ndjson", "parquet", "xlsx"]
Compression = Literal["", "gz", "zst"]

EXTENSIONS = (
    ".csv, .tsv, .ndjson, .jsonl, .json, .parquet, .xlsx, and .txt or .dat if the rules have a dialect; "
    "the text formats also with .gz or .zst"
)
ENDING = re.compile(
    r"\.(?:(?P<kind>csv|tsv|txt|dat|ndjson|jsonl|json)(?:\.(?P<compression>gz|zst))?|(?P<alone>parquet|xlsx))$",
    re.IGNORECASE | re.ASCII,
)
KINDS: dict[str, Kind] = {"ndjson": "ndjson", "jsonl": "ndjson", "json": "ndjson"}  # the others are csv
VAGUE = ("txt", "dat")


class Format(NamedTuple):
    """A file format: what the file holds, and how it is compressed. vague: the name does not say how the text is written."""

    kind: Kind
    compression: Compression
    vague: bool = False

    @property
    def can_be_cut(self) -> bool:
        """Returns whether such files have lines, or row groups, that can be read apart."""
        return self.kind != "xlsx" and not self.compression and not self.vague

    def __str__(self) -> str:
        return f"{self.kind}.{self.compression}" if self.compression else self.kind


def format_of(name: str) -> Format | None:
    """Returns the format that a file name ends in, ignoring case, or None if it is not supported."""
    ending = ENDING.search(name)
    if ending is None:
        return None
    if ending["alone"]:
        return Format("xlsx" if ending["alone"].lower() == "xlsx" else "parquet", "")
    word = ending["kind"].lower()
    compression: Compression = {"gz": "gz", "zst": "zst"}.get((ending["compression"] or "").lower(), "")  # type: ignore[assignment]
    return Format(KINDS.get(word, "csv"), compression, word in VAGUE)


def without_ending(name: str) -> str:
    """Returns the name without the ending of its format: `v1.2` for `v1.2.csv.gz`. Other endings stay."""
    return ENDING.sub("", name)
