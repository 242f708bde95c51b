"""climatology_test: finds values outside the range for their season and depth (QARTOD Test 5, Climatology Test)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from stream_qc.checks.base import RowCheck, Test, finite, time_of
from stream_qc.checks.measures import Found, earliest, is_finite, latest, least, missing, most, total, within
from stream_qc.checks.seasons import PERIODS, Season, Seasons, Span
from stream_qc.checks.times import time_mistakes
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


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
        spans = _SeasonSpans(self.config)

        def judge(block: Block) -> pl.Series:
            times, values = time_of(block, time), finite(block.number(field))
            empty = pl.Series([None], dtype=pl.Float64).new_from_index(0, block.height)
            rows = pl.DataFrame({"t": times, "v": values, "z": empty if axis is None else finite(block.number(axis))})
            start, end, good = times.min(), times.max(), None
            if isinstance(start, dt.datetime) and isinstance(end, dt.datetime) and not times.null_count():
                good = spans.always_good(start, end)
            if good is None:
                return spans.flags(rows)
            doubtful = (~values.is_between(*good)).fill_null(value=True).arg_true()
            flags = pl.Series("flag", [GOOD], dtype=pl.UInt8).new_from_index(0, block.height)
            return flags.scatter(doubtful, spans.flags(rows.select(pl.all().gather(doubtful))))

        def proves(_: Block, found: Found) -> bool:
            start, end = found[earliest(time)], found[latest(time)]
            if start is None or found[times_missing] or not is_finite(found, field):
                return False
            good = spans.always_good(start, end)
            return good is not None and within(found, field, *good)

        def explain(value: float) -> str:
            return f"{field} {float(value):g} is outside the range of its season (climatology_test)"

        times_missing = missing(time)
        return RowCheck(
            field,
            "climatology_test",
            judge,
            explain,
            also_needs=(time,),  # not z: without a depth, seasons without a zspan still apply
            measures=(earliest(time), latest(time), times_missing, least(field), most(field), total(field)),
            unjudged="no season in config covers the time and depth of any row; check tspan, period and zspan",
            proves=proves,
        )


class _SeasonSpans:
    """The spans of the seasons, and which of them apply."""

    def __init__(self, config: Sequence[Season]) -> None:
        self._seasons = Seasons(config)
        everything = (-math.inf, math.inf)
        rows: list[tuple[bool, float, float, float, float]] = [(True, *everything, *everything)]  # for no season
        rows += [(False, *_ordered(one.fspan or everything), *_ordered(one.vspan)) for one in config]
        self._spans = pl.DataFrame(rows, schema=["none", "fail_low", "fail_high", "low", "high"], orient="row")
        self._latest: set[int] = set()  # seasons that were asked for
        self._good: Span | None = None  # in each of them

    def always_good(self, start: dt.datetime, end: dt.datetime) -> Span | None:
        """Returns the values that are GOOD at any time from start to end and at any depth; None if none is."""
        seasons = self._seasons.between(start, end)
        if seasons != self._latest:
            self._latest, self._good = seasons, self._good_in(seasons)
        return self._good

    def _good_in(self, seasons: set[int]) -> Span | None:
        possible = self._spans.select(pl.all().gather([number + 1 for number in seasons]))
        if possible["none"].any():
            return None
        low, high = pl.max_horizontal("fail_low", "low").max(), pl.min_horizontal("fail_high", "high").min()
        return possible.select(low.alias("low"), high.alias("high")).row(0)

    def flags(self, rows: pl.DataFrame) -> pl.Series:
        """Returns the flags of rows with `t`, a time, `v`, a value, and `z`, a depth."""
        spans = self._spans.select(pl.all().gather(self._seasons.of(rows["t"], rows["z"]) + 1))
        return spans.with_columns(rows["v"]).select(FLAG)["flag"]


FLAG = (
    pl.when(pl.col("v").is_null())
    .then(MISSING)
    .when("none")
    .then(UNKNOWN)
    .when(~pl.col("v").is_between("fail_low", "fail_high"))
    .then(FAIL)
    .when(~pl.col("v").is_between("low", "high"))
    .then(SUSPECT)
    .otherwise(GOOD)
    .cast(pl.UInt8)
    .alias("flag")
)


def _ordered(span: Span) -> Span:
    return (span[0], span[1]) if span[0] <= span[1] else (span[1], span[0])
