"""attenuated_signal_test within each series of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol

import polars as pl

from stream_qc.checks.base import Again, Flagging, finite, spell, time_of
from stream_qc.checks.cadence import SECOND
from stream_qc.checks.in_series import LAST, SERIES, InSeries
from stream_qc.checks.series import Series
from stream_qc.checks.series_cadence import SeriesIntervals
from stream_qc.checks.spread import Deviation
from stream_qc.checks.windows import variations
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block

STEP = 512  # values of a series that wait to be added
LONGEST = 2**62  # microseconds, of all series one after the other


class Limits(Protocol):
    """The parameters of the test: those of AttenuatedSignalTest."""

    @property
    def suspect_threshold(self) -> float: ...
    @property
    def fail_threshold(self) -> float: ...
    @property
    def test_period(self) -> float | None: ...
    @property
    def min_period(self) -> float | None: ...
    @property
    def check_type(self) -> Literal["std", "range"]: ...
    def fewest(self, interval: int | None) -> int: ...
    def why(self, field: str, variation: float, flag: int, over: str) -> str: ...


class WholeSeriesInSeries(InSeries):
    """Gives each series one flag. The first pass computes them, the second gives them to the rows.

    spreads: `series`, and the `size` of its variation, if this is the second pass. Stretches cannot be joined as they are.
    """

    test = "attenuated_signal_test"
    above: ClassVar = {}

    def __init__(
        self, field: str, time: str, limits: Limits, series: Series, spreads: pl.DataFrame | None = None
    ) -> None:
        super().__init__(field, (field, time), series)
        self.time, self.limits, self._spreads = time, limits, spreads
        self._deviations: dict[int, Deviation] = {}
        self._extremes = pl.DataFrame(schema={"series": pl.Int64, "least": pl.Float64, "most": pl.Float64})

    @property
    def carried(self) -> object:
        return object()  # equal to nothing

    def values(self, block: Block) -> pl.DataFrame:
        return finite(block.number(self.field)).to_frame("v")

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        missing = pl.col("v").is_null()
        if self._spreads is None:
            self._add(known.filter(~missing & (SERIES >= 0)))
            return known.with_columns(pl.when(missing).then(MISSING).otherwise(UNKNOWN).alias("flag"))
        sizes = known.join(self._spreads, on="series", how="left", maintain_order="left")
        size = pl.col("size")
        flag = pl.when(missing).then(MISSING).when(size.is_null() | size.is_nan()).then(UNKNOWN)
        return sizes.with_columns(below(flag, size, self.limits).alias("flag"))

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        return judged.clear()

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        return self.limits.why(self.field, row["size"], row["flag"], "over the whole series")

    def finish(self) -> Iterable[Again]:
        if self._spreads is not None:
            return
        if self.limits.check_type == "std":
            found = {number: deviation.value() for number, deviation in self._deviations.items()}
            spreads = pl.DataFrame(
                {"series": [*found], "size": [*found.values()]}, {"series": pl.Int64, "size": pl.Float64}
            )
        else:
            spreads = self._extremes.select("series", (pl.col("most") - pl.col("least")).alias("size"))
        if spreads.height:
            yield Again(WholeSeriesInSeries(self.field, self.time, self.limits, self.series, spreads))

    def _add(self, there: pl.DataFrame) -> None:
        if self.limits.check_type == "std":
            for (number,), part in there.partition_by("series", as_dict=True).items():
                self._deviations.setdefault(number, Deviation(STEP)).add(part["v"])
            return
        value = pl.col("v")
        here = there.group_by("series").agg(value.min().alias("least"), value.max().alias("most"))
        both = pl.concat([self._extremes, here]).group_by("series")
        self._extremes = both.agg(pl.col("least").min(), pl.col("most").max())


class RollingInSeries(InSeries):
    """As RollingCheck, within each series. The series are put one after the other, a test_period apart, and judged as one.

    fewest: `series`, and the `fewest` rows that a period of it needs, if this is the second pass. Stretches cannot be joined as
    they are.
    """

    test = "attenuated_signal_test"
    above: ClassVar = {"v": pl.Float64, "t": pl.Datetime("us")}

    def __init__(
        self, field: str, time: str, limits: Limits, series: Series, fewest: pl.DataFrame | None = None
    ) -> None:
        super().__init__(field, (field, time), series)
        self.time, self.limits, self._fewest = time, limits, fewest
        self.unjudged = (
            f"no period of {limits.test_period:g} s of a series has enough values in time order; "
            "check the times, test_period, min_obs and min_period"
        )
        self._period = round((limits.test_period or 0) * SECOND)  # microseconds
        self._intervals = SeriesIntervals()
        self._interval: int | None = None  # of every series, in the first pass
        self._assumed: set[int] = set()  # the fewest rows, in the first pass
        self._last = pl.DataFrame(
            schema={"series": pl.Int64, "t": pl.Datetime("us"), "new": pl.Boolean}
        )  # the last row of each

    @property
    def carried(self) -> object:
        return object()  # equal to nothing

    def values(self, block: Block) -> pl.DataFrame:
        return pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        if self.limits.min_period is not None and self._fewest is None:
            self._count(known)
        time = pl.col("t")
        latest = time.cum_max().forward_fill().over("series")
        rows = known.with_columns((time == latest).fill_null(value=False).alias("in order"))
        rows = self._with_fewest(rows)
        parts = [self._variations(part) for part in rows.filter("in order").partition_by("fewest", maintain_order=True)]
        sizes = pl.concat(parts) if parts else pl.DataFrame(schema={"row": pl.Int64, "size": pl.Float64})
        rows = rows.join(sizes, on="row", how="left", maintain_order="left")
        size = pl.col("size")
        flag = pl.when(pl.col("v").is_null()).then(MISSING).when(size.is_null() | size.is_nan()).then(UNKNOWN)
        return rows.with_columns(below(flag, size, self.limits).alias("flag"))

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        known = judged.filter("in order")
        time = pl.col("t").to_physical()
        return known.filter(time > time.last().over("series") - self._period)

    def why(self, row: Mapping[str, Any], _: str | None) -> str:
        return self.limits.why(
            self.field, row["size"], row["flag"], f"over {spell(dt.timedelta(seconds=self.limits.test_period or 0))}"
        )

    def finish(self) -> Iterable[Again]:
        if self._fewest is not None or self.limits.min_period is None:
            return
        known = self._last.select("series").join(self._intervals.medians(), on="series", how="left")
        fewest = {one: self.limits.fewest(one) for one in known["interval"].unique()}
        exact = known.select("series", pl.col("interval").replace_strict(fewest, return_dtype=pl.Int64).alias("fewest"))
        if len({*exact["fewest"]} | self._assumed) > 1:
            yield Again(RollingInSeries(self.field, self.time, self.limits, self.series, exact))

    def _count(self, known: pl.DataFrame) -> None:
        """Counts the intervals of the new rows, including those out of order."""
        new = known.filter("new").select("series", "t", "new")
        last = self._last.filter(SERIES.is_in(new["series"].unique().implode()))
        both = pl.concat([last, new]).sort("series", maintain_order=True)
        self._intervals.add(both)
        others = self._last.filter(~SERIES.is_in(new["series"].unique().implode()))
        self._last = pl.concat(
            [others, both.filter(LAST & (SERIES >= 0)).with_columns(pl.lit(value=False).alias("new"))]
        )
        if self._interval is None and (medians := self._intervals.medians()["interval"]).len():
            self._interval = int(medians.mode().min())  # type: ignore[arg-type]  # a number

    def _with_fewest(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._fewest is not None:
            joined = rows.join(self._fewest, on="series", how="left", maintain_order="left")
            return joined.with_columns(pl.col("fewest").fill_null(self.limits.fewest(None)))
        assumed = self.limits.fewest(self._interval)
        self._assumed.add(assumed)
        return rows.with_columns(pl.lit(assumed, dtype=pl.Int64).alias("fewest"))

    def _variations(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Returns the `row` and the `size` of the variation of the period that ends with it."""
        us = pl.col("t").to_physical()
        spans = rows.group_by("series", maintain_order=True).agg(us.first().alias("first"), us.last().alias("last"))
        length = pl.col("last") - pl.col("first") + self._period
        if spans.select(length.cast(pl.Float64).sum()).item() > LONGEST and spans.height > 1:
            return pl.concat(self._variations(part) for part in rows.partition_by("series", maintain_order=True))
        starts = spans.with_columns((length.cum_sum() - length).alias("start"))
        one = rows.join(starts, on="series", how="left", maintain_order="left")
        axis = one.select("v", (us - pl.col("first") + pl.col("start")).cast(pl.Datetime("us")).alias("t"))
        limits = (self.limits.suspect_threshold, self.limits.fail_threshold)
        found = variations(axis, self._period, rows["fewest"][0], self.limits.check_type, limits)
        return rows.select("row", found.alias("size"))


def below(flag: Flagging, size: pl.Expr, limits: Limits) -> pl.Expr:
    """Returns the flag so far, or that of a variation of this size."""
    flag = flag.when(size < limits.fail_threshold).then(FAIL)
    return flag.when(size < limits.suspect_threshold).then(SUSPECT).otherwise(GOOD).cast(pl.UInt8)
