"""pressure_increasing_test: finds pressures that do not go on in one direction (Argo quality control manual, test 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.checks.base import Again, Test, finite
from stream_qc.checks.in_series import SERIES, InSeries, before
from stream_qc.checks.series import OneSeries, Series
from stream_qc.flags import GOOD, MISSING, SUSPECT
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class PressureIncreasingTest(Test, frozen=True):
    """Flags a row SUSPECT if its value is not above the one in the row above; in a series that decreases, not below."""

    module: ClassVar[str] = "argo"
    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True

    def check(self, field: str, _: Axes) -> PressureIncreasingCheck:
        return PressureIncreasingCheck(field, OneSeries())

    def check_in_series(self, field: str, _: Axes, series: Series) -> PressureIncreasingCheck:
        return PressureIncreasingCheck(field, series)


class PressureIncreasingCheck(InSeries):
    """A series decreases if its last value is below its first and none is missing, as in ioos_qc. The first pass takes every
    series to increase; if one does not, there is a second pass. The first row, and a row after a missing value, are GOOD.

    decreasing: the numbers of the series that decrease, in the second pass.
    """

    test = "pressure_increasing_test"
    above: ClassVar = {"v": pl.Float64}

    def __init__(self, field: str, series: Series, decreasing: list[int] | None = None) -> None:
        super().__init__(field, (field,), series)
        self._decreasing = decreasing
        self._ends = pl.DataFrame(
            schema={"series": pl.Int64, "start": pl.Float64, "end": pl.Float64, "whole": pl.Boolean}
        )

    @property
    def carried(self) -> object:
        return object()  # equal to nothing: stretches cannot be joined as they are

    def values(self, block: Block) -> pl.DataFrame:
        return finite(block.number(self.field)).to_frame("v")

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        value = pl.col("v")
        if self._decreasing is None:
            new = known.filter("new").group_by("series", maintain_order=True)
            here = new.agg(
                value.first().alias("start"), value.last().alias("end"), value.is_not_null().all().alias("whole")
            )
            ends = pl.concat([self._ends, here]).group_by("series", maintain_order=True)
            self._ends = ends.agg(pl.col("start").first(), pl.col("end").last(), pl.col("whole").all())
        up = pl.when(SERIES.is_in(self._decreasing or [])).then(-1).otherwise(1)
        rows = known.with_columns((up * (value - before(value))).alias("step"), up.alias("up"))
        flag = pl.when(value.is_null()).then(MISSING).when(pl.col("step") <= 0).then(SUSPECT).otherwise(GOOD)
        return rows.with_columns(flag.alias("flag"))

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        side = "above" if row["up"] > 0 else "below"
        return f"{self.field} {raw} is not {side} the value in the row above (pressure_increasing_test)"

    def finish(self) -> Iterable[Again]:
        if self._decreasing is None:
            down = self._ends.filter(pl.col("whole") & (pl.col("end") < pl.col("start")))["series"].to_list()
            if down:
                yield Again(PressureIncreasingCheck(self.field, self.series, down))
