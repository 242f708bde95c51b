"""`unique`, `primaryKey` and repeated times: values that the stream holds more than once.

Exact in memory that does not grow with the stream: the keys are held until there are SPILL_ROWS of them, then written
to temporary files, parted by their hash so that equal keys share a file. Each file is looked at once, at the end. A
repeated row is flagged FAIL; the first that held its key is GOOD.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from stream_qc.checks.base import Flags, Late
from stream_qc.flags import FAIL, GOOD, MISSING

if TYPE_CHECKING:
    from stream_qc.reading.block import Block

SPILL_ROWS = 1_000_000
PARTS = 64
SHOWN = 20


class UniqueCheck:
    """No two rows hold the same values in `needs`.

    Rows in which every one of these fields is missing are MISSING for `unique` and a repeated time, and FAIL for a
    primary key, which must have a value (Table Schema, primaryKey).
    """

    def __init__(self, field: str, test: str, needs: tuple[str, ...], *, absent_fails: bool = False) -> None:
        self.field, self.test, self.needs = field, test, needs
        self.absent_fails = absent_fails
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    def update(self, block: Block) -> Flags:
        keys = pl.DataFrame([block.typed(name).alias(f"k{index}") for index, name in enumerate(self.needs)])
        raw = pl.DataFrame([block.text(name).alias(name) for name in self.needs]).select(
            pl.concat_str(pl.all().fill_null(""), separator=", ").alias("raw")
        )["raw"]
        absent = keys.select(pl.all_horizontal(pl.all().is_null()).alias("absent"))["absent"]
        frame = keys.with_columns(raw, pl.int_range(block.first, block.first + block.height, dtype=pl.Int64).alias("row"))
        self._hold(frame.filter(~absent & block.well_formed))
        flags = pl.DataFrame({"absent": absent}).select(
            pl.when(pl.col("absent")).then(FAIL if self.absent_fails else MISSING).otherwise(GOOD).cast(pl.UInt8).alias("flag")
        )["flag"]
        if block.malformed:
            flags = flags.set(~block.well_formed, MISSING)
        return Flags(block.first, flags, raw, lambda _: f"{', '.join(self.needs)} has no value ({self.test})")

    def finish(self) -> Late:
        """The repeated rows. Each says which row held its key first."""
        count, shown = 0, pl.DataFrame()
        for part in self._parts():
            keys = part.columns[:-2]
            part = part.sort("row").with_columns(pl.col("row").first().over(keys).alias("seen"))  # noqa: PLW2901
            repeated = part.filter(pl.col("row") != pl.col("seen"))
            count += repeated.height
            shown = pl.concat([shown, repeated.select("row", "raw", "seen").head(SHOWN)]).sort("row").head(SHOWN) if shown.height else (
                repeated.select("row", "raw", "seen").head(SHOWN)
            )
        self.close()
        names = ", ".join(self.needs)
        return Late(count, [(row, raw, f"{names} {raw} is already in row {seen + 1} ({self.test})") for row, raw, seen in shown.iter_rows()])

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
        part = frame.select(pl.struct(pl.all().exclude("row", "raw")).hash(seed=0) % PARTS).to_series()
        for (number,), rows in frame.with_columns(part.alias("part")).partition_by("part", as_dict=True, include_key=False).items():
            rows.write_parquet(Path(self._folder.name, f"{number}-{self._files}.parquet"), compression="lz4")
        self._files += 1
        self._held, self._held_rows = [], 0

    def _parts(self) -> list[pl.DataFrame]:
        if self._folder is None:
            return [pl.concat(self._held)] if self._held else []
        if self._held:
            self._spill()
        folder = Path(self._folder.name)
        return [pl.read_parquet(sorted(folder.glob(f"{number}-*.parquet"))) for number in range(PARTS) if any(folder.glob(f"{number}-*"))]
