"""Counts of values, or of spans of them, without keeping all in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from stream_qc import scratch


class Counts:
    """Parts of a table of counts. A value may be in several; its count is their sum. Beyond `most` rows, they go to files.

    keys: the columns that tell the values apart. smallest, largest: the column of which the smallest, and the
    one of which the largest value is kept. Of the column `n`, the sum is.
    """

    def __init__(self, keys: Sequence[str], most: int, smallest: str = "", largest: str = "") -> None:
        self._keys, self._most = keys, most
        self._smallest, self._largest = smallest, largest
        self.forget()

    def __getstate__(self) -> dict[str, Any]:
        """Returns the counts without files, which other processes do not have."""
        parts = [*self.parts()]
        held = sum(part.height for part in parts)
        return {**vars(self), "_parts": parts, "_held": held, "_files": [], "_folders": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Sets the counts. A file that the state names is not one of this process."""
        vars(self).update(state, _files=[], _folders=[])

    def forget(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._held = 0
        self._files: list[Path] = []
        self._folders: list[tempfile.TemporaryDirectory[str]] = []  # this one's, and those of earlier stretches

    def include(self, earlier: Counts) -> None:
        self._parts += earlier._parts
        self._held += earlier._held
        self._files += earlier._files
        self._folders += earlier._folders
        self._make_room()

    def add(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        self._held += part.height
        self._make_room()

    def parts(self) -> Iterator[pl.DataFrame]:
        yield from self._parts
        yield from (pl.read_parquet(path) for path in self._files)

    @property
    def spilled(self) -> bool:
        """Whether there are files."""
        return bool(self._files)

    def merge(self) -> None:
        """Puts the parts in memory together."""
        if self._parts:
            merged = self.merged(self._parts)
            self._parts, self._held = [merged], merged.height

    def merged(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Returns parts as one, in which each value is once."""
        sums = [pl.col("n").sum()]
        sums += [pl.col(self._smallest).min()] if self._smallest else []
        sums += [pl.col(self._largest).max()] if self._largest else []
        return pl.concat(parts).group_by(self._keys).agg(*sums)

    def _make_room(self) -> None:
        if self._held <= self._most:
            return
        self.merge()
        if self._held <= self._most // 2:
            return
        if not self._folders:
            self._folders.append(scratch.folder())
        self._files.append(Path(self._folders[0].name, f"{len(self._files)}.parquet"))
        self._parts[0].write_parquet(self._files[-1])
        self._parts, self._held = [], 0
