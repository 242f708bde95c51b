"""spike_test: finds values that differ too much from their neighbours (QARTOD Test 6, Spike Test)."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import polars as pl

from stream_qc.cells import Joined, Raw
from stream_qc.checks.base import Clean, Flags, Test, finite
from stream_qc.checks.in_series import LAST, SERIES, InSeries, after, before
from stream_qc.checks.measures import Found, is_finite, least, longest_step, most, total, within
from stream_qc.checks.series import Series
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

    def check_in_series(self, field: str, _: Axes, series: Series) -> SpikeInSeries:
        return SpikeInSeries(field, self, series)

    def size(self, value: pl.Expr, above: pl.Expr, below: pl.Expr) -> pl.Expr:
        """Returns how much a value differs from its neighbours; null if one of the three is missing."""
        if self.method == "average":
            return (value - (above + below) / 2).abs()
        before, after = value - above, below - value
        size = pl.when(before * after >= 0).then(0.0).otherwise(pl.min_horizontal(before.abs(), after.abs()))
        return pl.when(before.is_not_null() & after.is_not_null()).then(size)

    def flag(self, value: pl.Expr, size: pl.Expr) -> pl.Expr:
        flag = pl.when(value.is_null()).then(MISSING).when(size.is_null()).then(UNKNOWN)
        if self.fail_threshold:
            flag = flag.when(size > self.fail_threshold).then(FAIL)
        if self.suspect_threshold:
            flag = flag.when(size > self.suspect_threshold).then(SUSPECT)
        return flag.otherwise(GOOD).cast(pl.UInt8)

    def why(self, field: str, raw: str | None, size: float, flag: int) -> str:
        above = self.fail_threshold if flag == FAIL else self.suspect_threshold
        name = "fail_threshold" if flag == FAIL else "suspect_threshold"
        return f"{field} {raw} differs from its neighbours by {size:.6g}, more than {above:g} (spike_test {name})"


# A value differs from its neighbours by at most the longest step. This factor leaves room for rounding.
ROUNDING = 3
MOST_SUMMED = sys.float_info.max / 2  # the sum of two larger values may be infinite


class SpikeCheck:
    """Flags a row when the next one is known. The first row, the last row and neighbours of missing values are UNKNOWN."""

    test = "spike_test"
    collected = ()
    unjudged = "a value is compared with the ones above and below it, and no three rows in a row have values"

    def __init__(self, field: str, limits: SpikeTest) -> None:
        self.field, self.limits = field, limits
        self.needs = (field,)
        self.measures = (total(field), longest_step(field), least(field), most(field))
        self._limit = min((one for one in (limits.fail_threshold, limits.suspect_threshold) if one), default=math.inf)
        size = self._size(pl.col("v"))
        self._largest = size.max()
        self._finite_size = pl.when(size.is_finite()).then(size).alias("size")
        # The last two values of the block before. The last one is not flagged yet.
        self._above = pl.Series(dtype=pl.Float64)
        self._cells: tuple[Raw, int] | None = None  # the cells of that block, and their number

    @property
    def carried(self) -> object:
        return self._above.to_list()

    def prove(self, block: Block, found: Found) -> Clean | None:
        values = block.number(self.field)
        if block.height < 2 or values.null_count() or self._above.null_count() or not is_finite(found, self.field):
            return None
        if not within(found, self.field, -MOST_SUMMED, MOST_SUMMED):
            return None
        first = itertools.pairwise([*self._above, *values.head(2)])
        size = ROUNDING * max(found[longest_step(self.field)] or 0, *(abs(below - above) for above, below in first))
        if size > self._limit:
            size = pl.concat([self._above, values]).to_frame("v").select(self._largest).item() or 0
        if not size <= self._limit or not math.isfinite(size):
            return None
        flagged = block.height if self._above.len() else block.height - 1  # without the last, with the one that waited
        unknown = 1 if self._above.len() < 2 else 0  # the first row of the stream
        self._keep(block, values.tail(2))
        return Clean(flagged - unknown, 0, unknown)

    def update(self, block: Block) -> Flags | None:
        if not block.height:
            return None
        known = pl.concat([self._above, finite(block.number(self.field))])
        raw: Raw = block.cells(self.field)
        start = max(0, self._above.len() - 1)
        if self._cells:
            before, height = self._cells
            raw = Joined([(before, height - 1, 1), (raw, 0, block.height)])
        found = self._flags(known, start, known.len() - 1, block.first + block.height - known.len(), raw)
        self._keep(block, known.tail(2))
        return found

    def finish(self) -> Iterable[Flags]:
        if self._cells:
            raw, height = self._cells
            end = self._above.len()
            last = self._flags(self._above, end - 1, end, self._rows - end, Joined([(raw, height - 1, 1)]))
            if last is not None:
                yield last

    def _keep(self, block: Block, last: pl.Series) -> None:
        self._above = pl.Series(last.to_list(), dtype=pl.Float64)  # a copy, which does not keep the block
        self._cells = block.cells(self.field), block.height
        self._rows = block.first + block.height

    def _flags(self, values: pl.Series, start: int, end: int, first: int, raw: Raw) -> Flags | None:
        """Returns the flags of values[start:end]. first: the row of values[0]. raw: the cells from `start`."""
        if end <= start:
            return None
        sizes = self._sizes(values)
        judged = pl.DataFrame({"v": values, "size": sizes})
        flags = judged.select(self.limits.flag(pl.col("v"), pl.col("size")).alias("flag"))["flag"]

        def why(index: int) -> str:
            return self.limits.why(self.field, raw[index], sizes[start + index], flags[start + index])

        return Flags(first + start, flags[start:end], raw, why)

    def _size(self, value: pl.Expr) -> pl.Expr:
        return self.limits.size(value, value.shift(1), value.shift(-1))

    def _sizes(self, values: pl.Series) -> pl.Series:
        return values.to_frame("v").select(self._finite_size)["size"]


class SpikeInSeries(InSeries):
    """As SpikeCheck, within each series."""

    test = "spike_test"
    unjudged = (
        "a value is compared with the ones above and below it, and no series has three consecutive rows with values"
    )
    above: ClassVar = {"v": pl.Float64}
    waits = LAST

    def __init__(self, field: str, limits: SpikeTest, series: Series) -> None:
        super().__init__(field, (field,), series)
        self.limits = limits

    def values(self, block: Block) -> pl.DataFrame:
        return finite(block.number(self.field)).to_frame("v")

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        value, size = pl.col("v"), pl.col("size")
        sizes = known.with_columns(self.limits.size(value, before(value), after(value)).alias("size"))
        return sizes.with_columns(pl.when(size.is_finite()).then(size)).with_columns(
            self.limits.flag(value, size).alias("flag")
        )

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        return judged.filter(LAST | (SERIES.shift(-2) != SERIES).fill_null(value=True))

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        return self.limits.why(self.field, raw, row["size"], row["flag"])
