"""spike_test: finds values that differ too much from their neighbours (QARTOD Test 6, Spike Test)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import polars as pl

from stream_qc.cells import Cells
from stream_qc.checks.base import Flags, Test, finite
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class SpikeTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: in the field's units; a threshold that is 0 or not given is off.

    method: `average` measures the distance from the mean of both neighbours; `differential` takes the smaller of the two
    steps if they have opposite signs.
    """

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    suspect_threshold: float | None = None
    fail_threshold: float | None = None
    method: Literal["average", "differential"] = "average"

    def check(self, field: str, _: Axes) -> SpikeCheck:
        return SpikeCheck(field, self)


class SpikeCheck:
    """Flags a row when the next one is known. The first row, the last row and neighbours of missing values are UNKNOWN."""

    test = "spike_test"

    def __init__(self, field: str, limits: SpikeTest) -> None:
        self.field, self.limits = field, limits
        self.needs = (field,)
        self._carried: pl.DataFrame | None = None  # the last two rows; the last is not flagged yet
        self._rows = 0

    def update(self, block: Block) -> Flags | None:
        cells = block.cells(self.field)
        self._spell = cells.spell
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "raw": cells.column})
        due = 0 if self._carried is None else self._carried.height - 1
        known = rows if self._carried is None else pl.concat([self._carried, rows])
        self._rows = block.first + block.height
        self._carried = known.tail(2)
        return self._flags(known, due, known.height - 1)

    def finish(self) -> Iterable[Flags]:
        if self._carried is not None:
            last = self._flags(self._carried, self._carried.height - 1, self._carried.height)
            if last is not None:
                yield last

    def _flags(self, known: pl.DataFrame, start: int, end: int) -> Flags | None:
        if end <= start:
            return None
        value = pl.col("v")
        before, after = value - value.shift(1), value.shift(-1) - value
        if self.limits.method == "average":
            size = (value - (value.shift(1) + value.shift(-1)) / 2).abs()
        else:
            size = pl.when(before * after >= 0).then(0.0).otherwise(pl.min_horizontal(before.abs(), after.abs()))
            size = pl.when(before.is_not_null() & after.is_not_null()).then(size)
        judged = known.select(size.alias("size"), "v").with_columns(
            pl.when(pl.col("size").is_finite()).then("size").alias("size")
        )
        flag = pl.when(value.is_null()).then(MISSING).when(pl.col("size").is_null()).then(UNKNOWN)
        if self.limits.fail_threshold:
            flag = flag.when(pl.col("size") > self.limits.fail_threshold).then(FAIL)
        if self.limits.suspect_threshold:
            flag = flag.when(pl.col("size") > self.limits.suspect_threshold).then(SUSPECT)
        flags = judged.select(flag.otherwise(GOOD).cast(pl.UInt8).alias("flag"))["flag"]
        sizes = judged["size"]
        raw = Cells(known["raw"][start:end], self._spell)

        def why(index: int) -> str:
            above = self.limits.fail_threshold if flags[start + index] == FAIL else self.limits.suspect_threshold
            name = "fail_threshold" if flags[start + index] == FAIL else "suspect_threshold"
            return (
                f"{self.field} {raw[index]} differs from its neighbours by {sizes[start + index]:.6g}, "
                f"more than {above:g} (spike_test {name})"
            )

        return Flags(self._rows - known.height + start, flags[start:end], raw, why)
