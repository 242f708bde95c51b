"""time_order: finds rows that are earlier than a row above. Equal times are in order; duplicate_time finds those."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import polars as pl

from stream_qc.checks.base import Clean, Flags, show_time, time_of
from stream_qc.checks.in_series import InSeries
from stream_qc.checks.measures import Found, shortest_interval
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING
from stream_qc.reading.block import Block

LATE = pl.when(pl.col("time") < pl.col("latest")).then(FAIL).otherwise(GOOD)
FLAG = pl.when(pl.col("time").is_null()).then(MISSING).otherwise(LATE).cast(pl.UInt8).alias("flag")


class TimeOrderCheck:
    """Flags a row FAIL if its time is before the latest time above, MISSING if it has no time."""

    test = "time_order"
    unjudged = ""
    collected = ()

    def __init__(self, field: str) -> None:
        self.field = field
        self.needs = (field,)
        self.measures = (shortest_interval(field),)
        self._latest: dt.datetime | None = None

    @property
    def carried(self) -> object:
        return self._latest

    def prove(self, block: Block, found: Found) -> Clean | None:
        times = time_of(block, self.field)
        if not block.height or times.null_count() or (found[shortest_interval(self.field)] or 0) < 0:
            return None
        if self._latest is not None and times[0] < self._latest:
            return None
        self._latest = times[-1]
        return Clean(block.height)

    def update(self, block: Block) -> Flags:
        time = time_of(block, self.field)
        above = pl.concat([pl.Series([self._latest], dtype=pl.Datetime("us")), time])
        latest = above.cum_max().forward_fill().head(time.len())
        frame = pl.DataFrame({"time": time, "latest": latest})
        flags = frame.select(FLAG)["flag"]
        newest = time.max()
        if isinstance(newest, dt.datetime) and (self._latest is None or newest > self._latest):
            self._latest = newest

        def why(index: int) -> str:
            return too_early(self.field, time[index], frame["latest"][index])

        return Flags(block.first, flags, block.cells(self.field), why)

    def finish(self) -> Iterable[Flags]:
        return ()


class TimeOrderInSeries(InSeries):
    """As TimeOrderCheck, within each series."""

    test = "time_order"
    above: ClassVar = {"latest": pl.Datetime("us")}

    def __init__(self, field: str, series: Series) -> None:
        super().__init__(field, (field,), series)

    def values(self, block: Block) -> pl.DataFrame:
        return time_of(block, self.field).to_frame("t")

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        time, latest = pl.col("t"), pl.col("latest")
        rows = known.with_columns(latest.fill_null(time).cum_max().forward_fill().over("series"))
        flag = pl.when(time.is_null()).then(MISSING).when(time < latest).then(FAIL).otherwise(GOOD)
        return rows.with_columns(flag.alias("flag"))

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        return too_early(self.field, row["t"], row["latest"])


def too_early(field: str, time: dt.datetime, latest: dt.datetime) -> str:
    """Returns the reason for a time that is before the latest one above."""
    return f"{field} {show_time(time)} is before {show_time(latest)} in a row above (time_order)"
