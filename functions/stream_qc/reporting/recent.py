"""The last rows of a stream: their places on the time axis and their numbers. Checks may flag a row a little late."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from stream_qc.checks.base import finite
from stream_qc.reading.block import Block
from stream_qc.reporting.trace import NO_POINTS

KEPT = 2  # blocks


class Recent:
    """The last blocks of a stream.

    fields: whose numbers are kept; it may grow until the first block is seen. by_time: whether a row's place is its time, in
    milliseconds since 1970; otherwise it is its number, from 1.
    """

    def __init__(self, fields: Collection[str], *, by_time: bool) -> None:
        self._fields, self.by_time = fields, by_time
        self._parts: list[pl.DataFrame] = []

    def see(self, block: Block) -> None:
        """Takes the next block."""
        row = pl.int_range(block.first, block.first + block.height, eager=True)
        place = block.when().dt.epoch("ms") if self.by_time else row + 1
        numbers = [finite(block.number(field)).alias(f"y{index}") for index, field in enumerate(self._fields)]
        part = pl.DataFrame([row.alias("row"), place.cast(pl.Int64).alias("x"), *numbers])
        self._parts = [*self._parts[1 - KEPT :], part]

    def last(self, field: str) -> pl.DataFrame:
        """Returns the rows of the last block: row (from 0), x (its place) and y (its number)."""
        return self._of(self._parts[-1], field)

    def points(self, rows: pl.Series, field: str) -> pl.DataFrame:
        """Returns row, x and y of these rows, which ascend. x and y are null for a row that is no longer known."""
        found = []
        for part in self._parts:
            first = part["row"][0] if part.height else 0
            here = rows.filter((rows >= first) & (rows < first + part.height))
            found.append(self._of(part, field).select(pl.all().gather(here - first)))
        known = pl.concat(found) if found else NO_POINTS
        if known.height == rows.len():
            return known
        return rows.cast(pl.Int64).alias("row").to_frame().join(known, on="row", how="left", maintain_order="left")

    def _of(self, part: pl.DataFrame, field: str) -> pl.DataFrame:
        number = f"y{[*self._fields].index(field)}" if field in self._fields else None
        return part.select("row", "x", pl.col(number).alias("y") if number else pl.lit(None, pl.Float64).alias("y"))
