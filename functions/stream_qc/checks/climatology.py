"""climatology_test: finds values outside the range for their season and depth (QARTOD Test 5, Climatology Test)."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import msgspec
import polars as pl

from stream_qc.checks.base import RowCheck, Test, finite, time_of
from stream_qc.checks.times import time_mistakes
from stream_qc.fieldtypes import utc
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

# The names are those of pandas, which ioos_qc uses. Weeks are ISO weeks; Monday is day 0.
PERIODS: dict[str, pl.Expr] = {
    "year": pl.col("t").dt.year(),
    "quarter": pl.col("t").dt.quarter(),
    "month": pl.col("t").dt.month(),
    "week": pl.col("t").dt.week(),
    "weekofyear": pl.col("t").dt.week(),
    "day": pl.col("t").dt.day(),
    "dayofyear": pl.col("t").dt.ordinal_day(),
    "day_of_year": pl.col("t").dt.ordinal_day(),
    "dayofweek": pl.col("t").dt.weekday() - 1,
    "day_of_week": pl.col("t").dt.weekday() - 1,
    "weekday": pl.col("t").dt.weekday() - 1,
    "hour": pl.col("t").dt.hour(),
    "minute": pl.col("t").dt.minute(),
    "second": pl.col("t").dt.second(),
}
Span = tuple[float, float]


class Season(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """tspan: [from, to] in the unit of the period, or times if there is no period. vspan, fspan: in the field's units.
    zspan: in the units of the z axis. All bounds are inclusive and may be given in either order.
    """

    tspan: tuple[Any, Any]
    vspan: Span
    fspan: Span | None = None
    zspan: Span | None = None
    period: str | None = None


class ClimatologyTest(Test, frozen=True):
    """config: the seasons. If several apply to a row, the last one counts."""

    process: ClassVar[int] = 2
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    may_use_axes: ClassVar[tuple[AxisName, ...]] = ("z",)
    config: list[Season]

    def mistakes(self) -> list[str]:
        found = []
        if not self.config:
            found.append("config: the list is empty, so no value would be evaluated")
        for index, season in enumerate(self.config):
            place = f"config[{index}]"
            if season.period is None:
                found += time_mistakes(f"{place}.tspan", season.tspan)
            elif season.period not in PERIODS:
                found.append(f"{place}.period: {season.period} is not supported; expected one of: {', '.join(PERIODS)}")
            elif not all(isinstance(one, int | float) for one in season.tspan):
                found.append(
                    f"{place}.tspan: {list(season.tspan)} must be two numbers, because the period is {season.period}"
                )
        return found

    def parameter_axes(self) -> dict[str, AxisName]:
        return {f"config[{index}].zspan": "z" for index, season in enumerate(self.config) if season.zspan is not None}

    def check(self, field: str, axes: Axes) -> RowCheck:
        time, axis = axes["time"], axes.z

        def judge(block: Block) -> pl.Series:
            empty = pl.Series("z", [None], dtype=pl.Float64).new_from_index(0, block.height)
            frame = pl.DataFrame(
                {
                    "v": finite(block.number(field)),
                    "t": time_of(block, time),
                    "z": empty if axis is None else finite(block.number(axis)),
                }
            )
            return frame.select(seasonal_flags(self.config).alias("f"))["f"]

        def explain(value: float) -> str:
            return f"{field} {float(value):g} is outside the range of its season (climatology_test)"

        # z is not listed: without a depth, seasons without a zspan still apply.
        return RowCheck(field, "climatology_test", judge, explain, also_needs=(time,))


def seasonal_flags(seasons: list[Season]) -> pl.Expr:
    """Returns an expression for the flag of a value `v` at the time `t` and the depth `z`, by the last season that applies."""
    value = pl.col("v")
    flag = pl.lit(UNKNOWN)
    for season in seasons:
        fail = ~value.is_between(*_ordered(season.fspan)) if season.fspan else pl.lit(value=False)
        suspect = ~value.is_between(*_ordered(season.vspan))
        judged = pl.when(fail).then(FAIL).when(suspect).then(SUSPECT).otherwise(GOOD)
        flag = pl.when(_applies(season)).then(judged).otherwise(flag)
    return pl.when(value.is_null()).then(MISSING).otherwise(flag).cast(pl.UInt8)


def _applies(season: Season) -> pl.Expr:
    if season.period is None:
        times: list[dt.datetime] = sorted(utc(one) for one in season.tspan)
        within = pl.col("t").is_between(times[0], times[1])
    else:
        within = PERIODS[season.period].is_between(*_ordered(season.tspan))
    if season.zspan is not None:
        within = within & pl.col("z").is_between(*_ordered(season.zspan))
    return within.fill_null(value=False)


def _ordered(span: tuple[Any, Any]) -> tuple[Any, Any]:
    return (span[0], span[1]) if span[0] <= span[1] else (span[1], span[0])
