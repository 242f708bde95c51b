"""duplicate_time: finds rows that repeat the time of an earlier row.

In an ordered stream, rows with the same time are next to each other, so comparing each row with the one before is enough.
If a row is out of order, its time may have occurred anywhere before, so the check requests a second pass that compares all
times (stream_qc.checks.uniqueness). Both are exact and use bounded memory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl

from stream_qc.checks.base import Again, Flags, time_of
from stream_qc.checks.uniqueness import UniqueCheck
from stream_qc.flags import FAIL, GOOD, MISSING, UNKNOWN
from stream_qc.reading.block import Block


class DuplicateTimeCheck:
    """Flags a row FAIL if an earlier row has its time, MISSING without a time, UNKNOWN if the cell is not a time."""

    test = "duplicate_time"

    def __init__(self, field: str) -> None:
        self.field = field
        self.needs = (field,)
        self._latest: dt.datetime | None = None
        self._row = 0  # the first row with the latest time
        self._late = False

    def update(self, block: Block) -> Flags | None:
        if self._late:
            return None
        rows = pl.DataFrame({"t": time_of(block, self.field)}).with_row_index("row", offset=block.first).drop_nulls()
        above = pl.DataFrame({"row": [self._row], "t": [self._latest]}, schema=rows.schema).drop_nulls()
        known = pl.concat([above, rows])
        times = known["t"]
        if not times.is_sorted():
            self._late = True
            return None
        first = known.select(
            pl.when((pl.col("t") != pl.col("t").shift(1)).fill_null(value=True))
            .then("row")
            .forward_fill()
            .alias("first")
        )["first"]
        repeated = known.with_columns(first).filter(pl.col("row") != pl.col("first"))
        if known.height:
            self._latest, self._row = times[-1], int(first[-1])
        given = block.given(self.field).is_null()
        flag = pl.when(given).then(MISSING).when(block.typed(self.field).is_null()).then(UNKNOWN).otherwise(GOOD)
        flags = pl.select(flag.cast(pl.UInt8).alias("f"))["f"]
        if repeated.height:
            flags = flags.scatter((repeated["row"] - block.first).to_list(), FAIL)
        seen = dict(zip(repeated["row"] - block.first, repeated["first"], strict=True))
        raw = block.cells(self.field)
        return Flags(
            block.first,
            flags,
            raw,
            lambda index: f"{self.field} {raw[index]} is already in row {seen[index] + 1} (duplicate_time)",
        )

    def finish(self) -> Iterable[Again]:
        if self._late:
            yield Again(UniqueCheck(self.field, self.test, (self.field,)))
