"""The hashes of a stream's keys, 8 bytes for each, to find those that occur more than once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from stream_qc import scratch

RUN = 2_000_000  # hashes that are sorted together
HELD = 2  # runs in memory; the others are in temporary files


class Hashes:
    """Collects hashes in sorted runs, in memory and then in temporary files. They may come in any order."""

    def __init__(self) -> None:
        self._new: list[pl.Series] = []
        self._new_count = 0
        self._runs: list[pl.Series] = []
        self._files: list[Path] = []
        self._folders: list[tempfile.TemporaryDirectory[str]] = []  # this one's, and those of earlier stretches

    def __getstate__(self) -> dict[str, Any]:
        """Returns the hashes without files, which other processes do not have."""
        runs = [*self._runs, *(pl.read_parquet(path)["h"] for path in self._files)]
        return {**vars(self), "_runs": runs, "_files": [], "_folders": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Sets the hashes. A file that the state names is not one of this process."""
        vars(self).update(state, _files=[], _folders=[])

    def forget(self) -> None:
        self._new, self._new_count = [], 0
        self.close()

    def include(self, earlier: Hashes) -> None:
        earlier._sort()
        self._files += earlier._files
        self._folders += earlier._folders
        for run in earlier._runs:
            self._keep(run)

    def add(self, hashes: pl.Series) -> None:
        """Adds hashes, UInt64."""
        self._new.append(hashes)
        self._new_count += hashes.len()
        if self._new_count >= RUN:
            self._sort()

    def repeated(self) -> pl.Series:
        """Returns the hashes that were added more than once, ascending, and forgets all of them."""
        self._sort()
        parts = len(self._files) + 1
        edges = [part * 2**64 // parts for part in range(parts)]
        found = [_repeated(self._between(first, last)) for first, last in zip(edges, [*edges[1:], None], strict=True)]
        self.close()
        return pl.concat(found)

    def close(self) -> None:
        """Removes the temporary files."""
        self._runs, self._files = [], []
        for folder in self._folders:
            folder.cleanup()
        self._folders = []

    def _sort(self) -> None:
        run = pl.concat([pl.Series(dtype=pl.UInt64), *self._new]).sort()
        self._new, self._new_count = [], 0
        self._keep(run)

    def _keep(self, run: pl.Series) -> None:
        if len(self._runs) < HELD:
            self._runs.append(run)
            return
        if not self._folders:
            self._folders.append(scratch.folder())
        path = Path(self._folders[0].name, f"{len(self._files)}.parquet")
        run.to_frame("h").write_parquet(path, compression="uncompressed", row_group_size=RUN // 8)
        self._files.append(path)

    def _between(self, first: int, last: int | None) -> pl.Series:
        """Returns the sorted hashes from `first` up to `last`, without it."""
        parts = []
        for run in self._runs:
            end = run.len() if last is None else run.search_sorted(last)
            start = run.search_sorted(first)
            parts.append(run.slice(start, end - start))
        within = pl.col("h") >= first if last is None else pl.col("h").is_between(first, last, closed="left")
        parts += [pl.scan_parquet(path).filter(within).collect()["h"] for path in self._files]
        return pl.concat(parts).sort()


def _repeated(ascending: pl.Series) -> pl.Series:
    return ascending.filter(ascending == ascending.shift(1)).unique().sort()
