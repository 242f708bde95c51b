"""`unique`, `primaryKey` and repeated times: finds values that occur more than once in the stream.

Memory is bounded: for each row, 128 bits of hash and the start of its text are kept until there are SPILL_ROWS of them; then
they are written to temporary files, partitioned by the hash, so that equal keys are in the same part. At the end, each file
is read once and compared with the keys of its part so far. A repeated row is FAIL; the first row with its key is GOOD. (In
a thousand million rows, the chance that two keys share a hash is below one in 10 to the 20th.)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from stream_qc.checks.base import Flags, Late
from stream_qc.flags import FAIL, GOOD, MISSING, UNKNOWN
from stream_qc.reading.block import Block

SPILL_ROWS = 300_000
PARTS = 64
SHOWN = 20
TEXT = 80  # characters kept of each cell of a key, for examples
KEYS = ["h1", "h2"]


class UniqueCheck:
    """Flags rows that repeat the values of an earlier row in the fields `needs`.

    A row in which all of these fields are missing is MISSING for `unique` and repeated times, and FAIL for a primary key,
    which must have a value (Table Schema, primaryKey).
    """

    def __init__(self, field: str, test: str, needs: tuple[str, ...], *, absent_fails: bool = False) -> None:
        self.field, self.test, self.needs = field, test, needs
        self.absent_fails = absent_fails
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    def update(self, block: Block) -> Flags:
        columns: list[pl.Series] = []
        for index, name in enumerate(self.needs):
            value, absent = block.typed(name), block.given(name).is_null()
            if value.dtype.is_float():  # NaN is missing in every check
                value, absent = value.fill_nan(None), absent | value.is_nan().fill_null(value=False)
            columns += [value.alias(f"k{index}"), absent.alias(f"absent{index}")]
            columns += [block.text(name).fill_null("").alias(f"raw{index}")]
        count = range(len(self.needs))
        all_absent = pl.all_horizontal(f"absent{index}" for index in count)
        # A cell that is not of its type has no value to compare; the check `type` flags it.
        unread = pl.any_horizontal(pl.col(f"k{index}").is_null() & ~pl.col(f"absent{index}") for index in count)
        no_value = FAIL if self.absent_fails else MISSING
        key = pl.struct(f"k{index}" for index in count)
        frame = pl.DataFrame(columns).select(
            key.hash(seed=1).alias("h1"),
            key.hash(seed=2).alias("h2"),
            # A copy, because a view would keep the whole text of its block in memory.
            pl.concat_str(
                [
                    pl.lit(""),
                    pl.concat_str([pl.col(f"raw{index}").str.slice(0, TEXT) for index in count], separator=", "),
                ]
            ).alias("raw"),
            pl.int_range(block.first, block.first + block.height, dtype=pl.Int64).alias("row"),
            pl.when(all_absent).then(no_value).when(unread).then(UNKNOWN).otherwise(GOOD).cast(pl.UInt8).alias("flag"),
        )
        if block.malformed:
            frame = frame.with_columns(
                pl.when(block.well_formed).then("flag").otherwise(MISSING).cast(pl.UInt8).alias("flag")
            )
        self._hold(frame.filter(pl.col("flag") == GOOD).drop("flag"))
        return Flags(
            block.first, frame["flag"], frame["raw"], lambda _: f"{', '.join(self.needs)} has no value ({self.test})"
        )

    def finish(self) -> Iterator[Late]:
        """Yields the repeated rows, file by file, with the first row of their key."""
        names = ", ".join(self.needs)
        for files in self._parts():
            seen: pl.DataFrame | None = None  # the keys of the part, each with its first row
            for rows in files:
                firsts = rows.group_by(KEYS).agg(pl.col("row").min().alias("first"))
                if seen is not None:
                    before = seen.rename({"first": "before"})
                    firsts = firsts.join(before, on=KEYS, how="left").with_columns(
                        pl.coalesce("before", "first").alias("first")
                    )
                    seen = pl.concat([seen, firsts.filter(pl.col("before").is_null()).drop("before")])
                else:
                    seen = firsts
                held = rows.join(firsts.select(*KEYS, "first"), on=KEYS)
                repeated = held.filter(pl.col("row") != pl.col("first")).sort("row")
                shown = repeated.select("row", "raw", "first").head(SHOWN).rows()
                yield Late(
                    was=GOOD,
                    flag=FAIL,
                    count=repeated.height,
                    rows=repeated["row"],
                    shown=[
                        (row, raw, f"{names} {raw} is already in row {first + 1} ({self.test})")
                        for row, raw, first in shown
                    ],
                )
        self.close()

    def close(self) -> None:
        """Removes the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _hold(self, frame: pl.DataFrame) -> None:
        self._held.append(frame)
        self._held_rows += frame.height
        if self._held_rows >= SPILL_ROWS:
            self._spill()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="stream-qc-")
        frame = pl.concat(self._held)
        part = frame.select(pl.col("h1") % PARTS).to_series()
        for (number,), rows in (
            frame.with_columns(part.alias("part")).partition_by("part", as_dict=True, include_key=False).items()
        ):
            rows.write_parquet(Path(self._folder.name, f"{number}-{self._files}.parquet"), compression="lz4")
        self._files += 1
        self._held, self._held_rows = [], 0

    def _parts(self) -> Iterator[Iterator[pl.DataFrame]]:
        """Yields the keys in partitions, so that equal keys are in the same one. The files of a partition are in row order."""
        if self._folder is None:
            if self._held:
                yield iter([pl.concat(self._held)])
            return
        if self._held:
            self._spill()
        for number in range(PARTS):
            paths = (Path(self._folder.name, f"{number}-{file}.parquet") for file in range(self._files))
            yield (pl.read_parquet(path) for path in paths if path.exists())
