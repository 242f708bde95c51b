"""time_gap_test: finds gaps between rows that are too long (QARTOD Test 1, Timing/Gap Test)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.cells import Cells, Joined, Raw
from stream_qc.checks.base import Clean, Flags, Test, hours, show_time, spell, time_of
from stream_qc.checks.in_series import FIRST, LAST, InSeries, after, before
from stream_qc.checks.measures import Found, longest_interval
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class TimeGapTest(Test, frozen=True):
    """fail_span: hours, rounded down to whole seconds. It tests the time axis, whichever field it is listed under."""

    process: ClassVar[int] = 3
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    units: ClassVar = {"fail_span": "h"}
    fail_span: float = 2

    def mistakes(self) -> list[str]:
        return hours("fail_span", self.fail_span)

    def check(self, field: str, axes: Axes) -> TimeGapCheck:
        return TimeGapCheck(field, axes["time"], self._span())

    def check_in_series(self, field: str, axes: Axes, series: Series) -> TimeGapInSeries:
        return TimeGapInSeries(field, axes["time"], self._span(), series)

    def _span(self) -> dt.timedelta:
        return dt.timedelta(seconds=int(self.fail_span * 3600))


class TimeGapCheck:
    """Flags a row FAIL after a gap longer than the span. The first row gets the flag of the second, as in ioos_qc.

    A row without a time is MISSING. A row after one without a time, and the only row of a stream, are UNKNOWN.
    """

    test = "time_gap_test"
    collected = ()
    unjudged = "no two rows in a row have times, so there is no gap to measure"

    def __init__(self, field: str, time: str, span: dt.timedelta) -> None:
        self.field, self.time, self.span = field, time, span
        self.needs = (time,)
        self.measures = (longest_interval(time),)
        self._before = pl.Series(dtype=pl.Datetime("us"))  # the last time of the block before
        self._waiting: Raw | None = None  # the first row, until there is a second

    @property
    def carried(self) -> object:
        return self._before.to_list(), self._waiting is None

    def prove(self, block: Block, found: Found) -> Clean | None:
        times = time_of(block, self.time)
        if block.height < 2 or times.null_count() or self._before.null_count():
            return None
        longest = dt.timedelta(microseconds=found[longest_interval(self.time)])
        if longest > self.span or (self._before.len() and times[0] - self._before[0] > self.span):
            return None
        self._before = times.tail(1)
        waiting, self._waiting = self._waiting, None
        return Clean(block.height + (1 if waiting else 0))

    def update(self, block: Block) -> Flags | None:
        if not block.height:
            return None
        raw: Raw = block.cells(self.time)
        times = pl.concat([self._before, time_of(block, self.time)])
        skip = self._before.len()  # the row above was flagged with its own block
        self._before = times.tail(1)
        if times.len() == 1:
            self._waiting = raw
            return None
        if self._waiting:
            raw, skip, self._waiting = Joined([(self._waiting, 0, 1), (raw, 0, block.height)]), 0, None
        return Flags(
            first=block.first + block.height - times.len() + skip,
            flags=self._flags(times)[skip:],
            raw=raw,
            why=lambda index: self._why(times, index + skip),
        )

    def finish(self) -> Iterable[Flags]:
        if self._waiting:
            flag = MISSING if self._before[0] is None else UNKNOWN
            yield Flags(0, pl.Series([flag], dtype=pl.UInt8), self._waiting, lambda _: "")

    def _flags(self, times: pl.Series) -> pl.Series:
        """Returns the flags of two or more times. The first gets the flag of the second, or UNKNOWN if that is MISSING."""
        time = pl.col("time")
        flags = times.to_frame("time").select(
            pl.when(time.is_null())
            .then(MISSING)
            .when(time.shift(1).is_null())
            .then(UNKNOWN)
            .when(time.diff() > self.span)
            .then(FAIL)
            .otherwise(GOOD)
            .cast(pl.UInt8)
            .alias("flag")
        )["flag"]
        if times[0] is not None:
            flags[0] = UNKNOWN if flags[1] == MISSING else flags[1]
        return flags

    def _why(self, times: pl.Series, index: int) -> str:
        row = max(index, 1)  # the first row is flagged for the gap after it
        return too_long(times[row - 1], times[row], self.span)


class TimeGapInSeries(InSeries):
    """As TimeGapCheck, within each series: the first row of a series gets the flag of its second."""

    test = "time_gap_test"
    unjudged = "no series has two consecutive rows with times, so there is no gap to measure"
    above: ClassVar = {"t": pl.Datetime("us"), "begins": pl.Boolean}
    waits = LAST & pl.col("begins")

    def __init__(self, field: str, time: str, span: dt.timedelta, series: Series) -> None:
        super().__init__(field, (time,), series)
        self.time, self.span = time, span

    def values(self, block: Block) -> pl.DataFrame:
        return time_of(block, self.time).to_frame("t")

    def cells(self, block: Block) -> Cells:
        return block.cells(self.time)

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        time, start, end = pl.col("t"), pl.col("start"), pl.col("end")
        # The gap that a row is flagged for: the one above it, or below the first row of its series.
        rows = known.with_columns(pl.col("begins").fill_null(FIRST)).with_columns(
            pl.when("begins").then(time).otherwise(before(time)).alias("start"),
            pl.when("begins").then(after(time)).otherwise(time).alias("end"),
        )
        flag = pl.when(time.is_null()).then(MISSING).when(start.is_null() | end.is_null()).then(UNKNOWN)
        return rows.with_columns(flag.when(end - start > self.span).then(FAIL).otherwise(GOOD).alias("flag"))

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        return too_long(row["start"], row["end"], self.span)


def too_long(start: dt.datetime, end: dt.datetime, limit: dt.timedelta) -> str:
    """Returns the reason for a gap that is longer than the limit."""
    return (
        f"no row for {spell(end - start)}, from {show_time(start)} to {show_time(end)}; "
        f"the limit is {spell(limit)} (time_gap_test fail_span)"
    )
