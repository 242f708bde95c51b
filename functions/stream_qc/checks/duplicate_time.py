"""Repeated times: no two rows have the same one.

In a stream that is in order the rows of one time stand side by side, and one look at the row above is enough. Where a row
comes late its time may have been anywhere above, so the check asks for a second pass that compares all of them
(stream_qc.checks.uniqueness). Both are exact, and neither holds more than its share in memory.
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
    """FAIL for a row whose time a row above holds; MISSING without a time, UNKNOWN where the cell is no time."""

    test = "duplicate_time"

    def __init__(self, field: str) -> None:
        self.field = field
        self.needs = (field,)
        self._latest: dt.datetime | None = None
        self._row = 0  # the first that holds the latest time
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
