"""The key of a row: its values in one or more fields."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from stream_qc.cells import Cells
from stream_qc.flags import FAIL, GOOD, MISSING, UNKNOWN
from stream_qc.reading.block import Block

SHOWN_CHARACTERS = 80  # of each cell of a key, in an example


@dataclass(frozen=True)
class Key:
    """fields: those that make up the key. test: the check's name. absent_fails: whether a row without a key is FAIL.

    every: whether all rows with a repeated key are flagged, SUSPECT, and not only those after the first, FAIL.
    compared: the field whose values are compared among rows that agree in the others. A row without it is MISSING, and a row
    without one of the others is UNKNOWN.
    """

    fields: tuple[str, ...]
    test: str
    absent_fails: bool = False
    compared: str = ""
    every: bool = False

    def values(self, block: Block, name: str) -> pl.Series:
        """Returns a field's values, times as numbers. NaN is missing in every check, and -0.0 is 0.0."""
        values = block.typed(name)
        if values.dtype.is_float():
            return block.number(name) + 0.0
        if values.dtype == pl.Boolean:
            return values.cast(pl.UInt8)
        return values.cast(pl.Int64) if values.dtype.is_temporal() else values

    def frame(self, block: Block) -> pl.DataFrame:
        """Returns the values as the columns k0, k1 …"""
        return pl.DataFrame([self.values(block, name).alias(f"k{index}") for index, name in enumerate(self.fields)])

    def hashes(self, block: Block) -> pl.Series:
        """Returns 64 bits for each row. Equal keys have equal hashes; equal hashes do not prove equal keys."""
        frame = self.frame(block)
        columns = frame.columns
        key = pl.col(columns[0]) if len(columns) == 1 else pl.struct(columns)
        return frame.select(key.hash(seed=1).alias("h"))["h"]

    def flags(self, block: Block) -> pl.Series:
        """Returns GOOD where a row has a key, MISSING (or FAIL) if all of its fields are missing or it is malformed.

        UNKNOWN where a cell is not of its type: it has no value to compare, and the check `type` flags it.
        """
        values = [self.values(block, name) for name in self.fields]
        if not block.malformed and not any(column.null_count() for column in values):
            return pl.repeat(GOOD, block.height, dtype=pl.UInt8, eager=True)
        columns: list[pl.Series] = []
        for index, (name, value) in enumerate(zip(self.fields, values, strict=True)):
            given = block.given(name).is_null()
            if value.dtype.is_float():
                given = given | block.typed(name).is_nan().fill_null(value=False)
            columns += [value.is_null().alias(f"none{index}"), given.alias(f"absent{index}")]
        count = range(len(self.fields))
        absent = pl.all_horizontal(f"absent{index}" for index in count)
        unread = pl.any_horizontal(pl.col(f"none{index}") & ~pl.col(f"absent{index}") for index in count)
        no_value = FAIL if self.absent_fails else MISSING
        if self.compared:
            absent = pl.col(f"absent{self.fields.index(self.compared)}")
            unread = pl.any_horizontal(f"none{index}" for index in count)
        flag = pl.when(absent).then(no_value).when(unread).then(UNKNOWN).otherwise(GOOD).cast(pl.UInt8)
        flags = pl.DataFrame(columns).select(flag.alias("flag"))["flag"]
        return flags.set(~block.well_formed, MISSING) if block.malformed else flags

    def cells(self, block: Block) -> KeyCells:
        return KeyCells([block.cells(name) for name in self.fields])

    def no_value(self, _: int) -> str:
        """Returns the reason for a row without a key."""
        return f"{', '.join(self.fields)} has no value ({self.test})"

    def repeats(self, raw: str | None, first: int) -> str:
        """Returns the reason for a repeated key. raw: its cells. first: the 0-based row that has it first."""
        where = "in several rows, first in" if self.every else "already in"
        return f"{', '.join(self.fields)} {raw} is {where} row {first + 1} ({self.test})"


class KeyCells:
    """The cells of a key as one text."""

    def __init__(self, cells: list[Cells]) -> None:
        self._cells = cells

    def __getitem__(self, index: int) -> str:
        return self.gather(pl.Series([index]))[0]

    def gather(self, indices: pl.Series) -> list[str]:
        """Returns the keys of several rows."""
        rows = zip(*(cells.gather(indices) for cells in self._cells), strict=True)
        return [", ".join((cell or "")[:SHOWN_CHARACTERS] for cell in row) for row in rows]

    def times(self, indices: pl.Series) -> pl.Series:
        return self._cells[0].times(indices)
