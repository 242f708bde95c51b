"""density_inversion_test: finds water that is denser than the water below it (QARTOD manual for temperature and salinity)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.checks.base import Flagging, Late, Test, finite
from stream_qc.checks.in_series import FIRST, LAST, SERIES, InSeries, after, before
from stream_qc.checks.series import OneSeries, Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class DensityInversionTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: in the field's units. The two rows of a step are flagged if the density changes by less
    than the threshold towards the greater depth or pressure. A threshold that is not given is off.
    """

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("z",)
    suspect_threshold: float | None = None
    fail_threshold: float | None = None

    def mistakes(self) -> list[str]:
        if self.suspect_threshold is None and self.fail_threshold is None:
            return ["give suspect_threshold, fail_threshold or both; without them no row would be flagged"]
        return []

    def check(self, field: str, axes: Axes) -> DensityInversionCheck:
        return DensityInversionCheck(field, axes["z"], self, OneSeries())

    def check_in_series(self, field: str, axes: Axes, series: Series) -> DensityInversionCheck:
        return DensityInversionCheck(field, axes["z"], self, series)


class DensityInversionCheck(InSeries):
    """A row without a density or a depth is MISSING, and so is the row after it, as in ioos_qc. The only row of a series is
    UNKNOWN.
    """

    test = "density_inversion_test"
    unjudged = "a density is compared with the one above it, and no two rows in a row have a density and a depth"
    above: ClassVar = {"v": pl.Float64, "z": pl.Float64, "change": pl.Float64, "final": pl.UInt8}
    waits = LAST

    def __init__(self, field: str, depth: str, limits: DensityInversionTest, series: Series) -> None:
        super().__init__(field, (field, depth), series)
        self.depth, self.limits = depth, limits

    def values(self, block: Block) -> pl.DataFrame:
        fields = {"v": self.field, "z": self.depth}
        return pl.DataFrame({name: finite(block.number(field)) for name, field in fields.items()})

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        value, depth, change = pl.col("v"), pl.col("z"), pl.col("change")
        there = value.is_not_null() & depth.is_not_null()
        step = (value - before(value)) * (depth - before(depth)).sign()
        rows = known.with_columns(step.alias("change")).with_columns(
            pl.min_horizontal(change, after(change)).alias("change"),
            (there & before(there).fill_null(value=True)).alias("there"),
        )
        final: Flagging = pl.when(~pl.col("there")).then(MISSING)
        for threshold, flag in ((self.limits.fail_threshold, FAIL), (self.limits.suspect_threshold, SUSPECT)):
            if threshold is not None:
                final = final.when(change < threshold).then(flag)
        rows = rows.with_columns(final.when(FIRST & LAST).then(UNKNOWN).otherwise(GOOD).cast(pl.UInt8).alias("final"))
        decided = ~LAST | (pl.col("final") == MISSING)  # the next row may make any other worse
        return rows.with_columns(pl.when(decided).then("final").otherwise(UNKNOWN).alias("flag"))

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        return judged.filter(LAST | (SERIES.shift(-2) != SERIES).fill_null(value=True))

    def finish(self) -> Iterable[Late]:
        return self._late(self._above.filter("waits").with_columns(pl.col("final").alias("flag")))

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        failed = row["flag"] == FAIL
        name, limit = ("fail", self.limits.fail_threshold) if failed else ("suspect", self.limits.suspect_threshold)
        return (
            f"{self.field} {raw} is beside a step of {row['change']:g} towards the greater {self.depth}, below {limit:g} "
            f"(density_inversion_test {name}_threshold)"
        )
