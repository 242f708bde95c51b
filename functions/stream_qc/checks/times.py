"""impossible_date_test and data_reception_test: find impossible times and late data (ioos_qc; GTSPP manual, 1.2)."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import polars as pl

from stream_qc.checks.base import RowCheck, Test, fail_where, hours, show_time, time_of
from stream_qc.checks.measures import Found, earliest, is_between, latest
from stream_qc.fieldtimes import utc
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class ImpossibleDateTest(Test, frozen=True):
    """fail_span: [from, to], both inclusive, in ISO 8601. A time outside the span, or in the future, is FAIL."""

    process: ClassVar[int] = 3
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    fail_span: tuple[Any, Any] | None = None

    def mistakes(self) -> list[str]:
        return time_mistakes("fail_span", self.fail_span or ())

    def check(self, field: str, axes: Axes) -> RowCheck:
        time, now = axes["time"], axes.now or utc(dt.datetime.now(dt.UTC))
        first, last = (utc(one) for one in self.fail_span) if self.fail_span else (None, None)

        def judge(block: Block) -> pl.Series:
            value = pl.col("t")
            bad = value > now
            if first is not None and last is not None:
                bad = bad | ~value.is_between(first, last)
            return fail_where(time_of(block, time).to_frame("t").select(bad.alias("bad"))["bad"])

        def proves(_: Block, found: Found) -> bool:
            return is_between(found, time, first, min(last or now, now))

        def explain(value: dt.datetime) -> str:
            shown = utc(value)
            if shown > now:
                return f"{time} {show_time(shown)} is in the future (impossible_date_test)"
            side, limit = ("before", first) if first is not None and shown < first else ("after", last)
            return f"{time} {show_time(shown)} is {side} {show_time(limit or now)} (impossible_date_test fail_span)"

        return RowCheck(
            field,
            "impossible_date_test",
            judge,
            explain,
            reads=time,
            measures=(earliest(time), latest(time)),
            proves=proves,
        )


class DataReceptionTest(Test, frozen=True):
    """fail_span: hours, rounded down to whole seconds. from_time: ISO 8601, by default now. An older time is FAIL."""

    process: ClassVar[int] = 3
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    units: ClassVar = {"fail_span": "h"}
    fail_span: float = 6
    from_time: Any = None

    def mistakes(self) -> list[str]:
        given = () if self.from_time is None else (self.from_time,)
        found = time_mistakes("from_time", given) + hours("fail_span", self.fail_span)
        return found or self._before_year_one()

    def _oldest(self, now: dt.datetime | None = None) -> dt.datetime:
        return utc(self.from_time or now or dt.datetime.now(dt.UTC)) - dt.timedelta(seconds=int(self.fail_span * 3600))

    def _before_year_one(self) -> list[str]:
        try:
            self._oldest()
        except OverflowError:
            return [f"fail_span: {self.fail_span:g} hours before from_time is before the year 1"]
        return []

    def check(self, field: str, axes: Axes) -> RowCheck:
        time = axes["time"]
        oldest = self._oldest(axes.now)

        def judge(block: Block) -> pl.Series:
            return fail_where(time_of(block, time).to_frame("t").select((pl.col("t") < oldest).alias("bad"))["bad"])

        def explain(value: dt.datetime) -> str:
            return (
                f"{time} {show_time(utc(value))} is before {show_time(oldest)}, "
                f"which is {self.fail_span:g} h before {'from_time' if self.from_time else 'now'} (data_reception_test fail_span)"
            )

        return RowCheck(
            field,
            "data_reception_test",
            judge,
            explain,
            reads=time,
            measures=(earliest(time), latest(time)),
            proves=lambda _, found: is_between(found, time, oldest, None),
        )


def time_mistakes(name: str, values: tuple[Any, ...]) -> list[str]:
    """Returns a mistake for each value that is not a time."""
    found = []
    for value in values:
        try:
            utc(value)
        except (ValueError, OverflowError):
            found.append(f"{name}: {value!r} is not a time in ISO 8601")
    return found
