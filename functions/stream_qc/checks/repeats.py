"""The second pass of the checks of uniqueness: which of the rows with equal hashes have equal keys."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from stream_qc import scratch
from stream_qc.checks.base import Clean, Flags, Late
from stream_qc.checks.keys import Key
from stream_qc.checks.measures import Found
from stream_qc.flags import FAIL, GOOD, SUSPECT
from stream_qc.reading.block import Block

SPILL_ROWS = 300_000
PARTS = 64
MARKS = 2**20
SHOWN = 20


class RepeatCheck:
    """Compares the keys of the rows whose hash is one of those that are `repeated`, which ascend.

    Keeps those rows, with the cells of their keys; more than SPILL_ROWS of them go to temporary files, partitioned by the hash,
    so that equal keys are in the same part. At the end, each part is read once. Stretches cannot be checked apart: each carries
    on the rows of the one above.
    """

    measures = ()
    collected = ()
    unjudged = ""

    def __init__(self, field: str, key: Key, repeated: pl.Series) -> None:
        self.field, self.test, self.needs = field, key.test, key.fields
        self._key, self._repeated = key, repeated
        self._marks = pl.repeat(value=False, n=MARKS, eager=True).scatter((repeated % MARKS).unique(), values=True)
        self._names = [f"k{index}" for index in range(len(key.fields))]
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    @property
    def carried(self) -> object:
        return self._held_rows, self._files

    def prove(self, _block: Block, _found: Found) -> Clean | None:
        return None

    def update(self, block: Block) -> Flags:
        flags, hashes = self._key.flags(block), self._key.hashes(block)
        chosen = self._chosen(hashes)
        chosen = chosen.filter(flags.gather(chosen) == GOOD)
        cells = self._key.cells(block)
        if chosen.len():
            rows = (
                self._key.frame(block)
                .with_columns(hashes.alias("h"))
                .with_row_index("row", offset=block.first)
                .gather(chosen)
                .with_columns(
                    pl.Series("raw", cells.gather(chosen), dtype=pl.String), block.when().gather(chosen).alias("when")
                )
            )
            self._hold(rows)
        return Flags(block.first, flags, cells, self._key.no_value)

    def finish(self) -> Iterator[Late]:
        """Yields the repeated rows, part by part, with the first row of their key."""
        for files in self._parts():
            seen: pl.DataFrame | None = None  # the keys of the part, each with its first row
            for rows in [pl.concat(files)] if self._key.every else files:
                firsts = rows.group_by(self._names).agg(pl.col("row").min().alias("first"))
                if seen is not None:
                    before = seen.rename({"first": "before"})
                    firsts = firsts.join(before, on=self._names, how="left", nulls_equal=True).with_columns(
                        pl.coalesce("before", "first").alias("first")
                    )
                    seen = pl.concat([seen, firsts.filter(pl.col("before").is_null()).drop("before")])
                else:
                    seen = firsts
                held = rows.join(firsts.select(*self._names, "first"), on=self._names, nulls_equal=True)
                repeats = pl.col("row") != pl.col("first")
                repeated = held.filter(repeats.any().over(self._names) if self._key.every else repeats).sort("row")
                shown = repeated.select("row", "raw", "first").head(SHOWN).rows()
                yield Late(
                    was=GOOD,
                    flag=SUSPECT if self._key.every else FAIL,
                    count=repeated.height,
                    rows=repeated["row"],
                    shown=[(row, raw, self._key.repeats(raw, first)) for row, raw, first in shown],
                    times=repeated["when"],
                )
        self.close()

    def close(self) -> None:
        """Removes the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _chosen(self, hashes: pl.Series) -> pl.Series:
        """Returns the places of the hashes that are repeated. The marks leave out most of the others, before the search."""
        places = self._marks.gather(hashes % MARKS).arg_true()
        possible = hashes.gather(places)
        nearest = self._repeated.search_sorted(possible).clip(upper_bound=self._repeated.len() - 1)
        return places.filter(self._repeated.gather(nearest) == possible)

    def _hold(self, frame: pl.DataFrame) -> None:
        self._held.append(frame)
        self._held_rows += frame.height
        if self._held_rows >= SPILL_ROWS:
            self._spill()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = scratch.folder()
        frame = pl.concat(self._held).with_columns((pl.col("h") % PARTS).alias("part"))
        for (number,), rows in frame.partition_by("part", as_dict=True, include_key=False).items():
            rows.write_parquet(Path(self._folder.name, f"{number}-{self._files}.parquet"), compression="lz4")
        self._files += 1
        self._held, self._held_rows = [], 0

    def _parts(self) -> Iterator[Iterator[pl.DataFrame]]:
        """Yields the rows in parts, so that equal keys are in the same one. The files of a part are in row order."""
        if self._folder is None:
            if self._held:
                yield iter([pl.concat(self._held)])
            return
        if self._held:
            self._spill()
        for number in range(PARTS):
            paths = (Path(self._folder.name, f"{number}-{file}.parquet") for file in range(self._files))
            yield (pl.read_parquet(path) for path in paths if path.exists())
