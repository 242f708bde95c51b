"""flat_line_test: finds values that stay the same for too long (QARTOD Test 8, Flat Line Test)."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from stream_qc.cells import Joined, Raw
from stream_qc.checks.base import Again, Clean, Flagging, Flags, Late, Test, finite, seconds, show_time, spell, time_of
from stream_qc.checks.cadence import Intervals, rows_in
from stream_qc.checks.flat_line_in_series import FEWEST_ROWS, FlatLineInSeries, spread
from stream_qc.checks.measures import Found, even, is_finite, longest_interval, missing, shortest_interval, total
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName


class FlatLineTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: seconds; tolerance: in the field's units.

    A threshold is converted to k = int(threshold / median interval) rows, for which intervals of a second and more are in
    whole seconds. A row is flagged if the k + 1 rows that end with it, without missing values, differ by less than the
    tolerance.
    """

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    units: ClassVar = {"suspect_threshold": "s", "fail_threshold": "s"}
    suspect_threshold: float
    fail_threshold: float
    tolerance: float = 0

    def mistakes(self) -> list[str]:
        return [*seconds("suspect_threshold", self.suspect_threshold), *seconds("fail_threshold", self.fail_threshold)]

    def check(self, field: str, axes: Axes) -> FlatLineCheck:
        return FlatLineCheck(field, axes["time"], self)

    def check_in_series(self, field: str, axes: Axes, series: Series) -> FlatLineInSeries:
        return FlatLineInSeries(field, axes["time"], self, series)

    def counts(self, interval: int) -> tuple[int, int] | None:
        """Returns k for the suspect and the fail threshold, or None if the times do not advance. interval: in microseconds."""
        if interval <= 0:
            return None
        return rows_in(self.suspect_threshold, interval), rows_in(self.fail_threshold, interval)

    def why(self, field: str, raw: str | None, flag: int, start: dt.datetime | None, end: dt.datetime | None) -> str:
        """Returns the reason for a flag. start, end: the times of the first and the last row of the flat line."""
        name, seconds = ("fail", self.fail_threshold) if flag == FAIL else ("suspect", self.suspect_threshold)
        span = f" from {show_time(start)} to {show_time(end)}" if start and end else ""
        return (
            f"{field} stays at {raw}, within {self.tolerance:g},{span}: "
            f"for {spell(dt.timedelta(seconds=seconds))} or longer (flat_line_test {name}_threshold)"
        )


class FlatLineCheck:
    """Keeps the last k rows. stream_qc.checks.cadence explains how k is known before the stream ends."""

    test = "flat_line_test"
    unjudged = (
        "the median interval between times is not above zero, so the thresholds cannot be converted to rows; "
        "check the times, and set `series` if the file holds several stations"
    )

    def __init__(self, field: str, time: str, limits: FlatLineTest, interval: int | None = None) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self.measures = (total(field), shortest_interval(time), longest_interval(time), missing(time))
        self._interval = interval  # microseconds; 0 if the times do not advance
        self._intervals = Intervals()
        self._above: deque[pl.DataFrame] = deque()  # at least the last k rows
        self._held = 0  # rows in them
        self._waiting: list[tuple[pl.DataFrame, Raw]] = []  # blocks, until there are FEWEST_ROWS
        self._end = 0  # the number of the row after the last one seen
        self.collected = (self._intervals,)

    @property
    def carried(self) -> object:
        counts = self.limits.counts(self._interval) if self._interval is not None else None
        if counts is None:
            return self._interval, [rows.rows() for rows, _ in self._waiting]
        above = pl.concat(self._above).tail(max(counts)) if self._above else None
        return counts, [] if above is None else above.rows()

    def prove(self, block: Block, found: Found) -> Clean | None:
        counts = self.limits.counts(self._interval) if self._interval is not None else None
        if counts is None or not block.height or not is_finite(found, self.field):
            return None
        known = pl.concat([*(rows["v"] for rows in self._above), block.number(self.field)])
        count, above = min(counts), known.len() - block.height
        if self.limits.tolerance > 0 and not self._is_never_flat(known.slice(max(0, above - count)), count):
            return None
        self._intervals.add(time_of(block, self.time), even(found, self.time))
        self._keep(pl.DataFrame({"v": block.number(self.field), "t": time_of(block, self.time)}), max(counts))
        self._end = block.first + block.height
        without = block.typed(self.field).null_count()
        return Clean(block.height - without, without)

    def update(self, block: Block) -> Flags | None:
        rows = self._values(block)
        raw: Raw = block.cells(self.field)
        self._end = block.first + block.height
        self._intervals.add(rows["t"])
        if self._interval is not None:
            return self._flags(rows, self._interval, raw)
        self._waiting.append((rows, raw))
        rows, raw = self._waited()
        if rows.height < FEWEST_ROWS:
            return None
        self._waiting = []
        self._interval = self._intervals.median() or 0
        return self._flags(rows, self._interval, raw)

    def finish(self) -> Iterable[Flags | Late | Again]:
        if self._waiting:
            rows, raw = self._waited()
            flag = pl.when(pl.col("v").is_null()).then(MISSING).otherwise(GOOD)  # as ioos_qc flags so few rows
            flags = rows.select(flag.cast(pl.UInt8).alias("f"))["f"]
            yield Flags(0, flags, raw, lambda _: "")
        exact = self._intervals.median()
        if (
            self._interval is not None
            and exact is not None
            and self.limits.counts(exact) != self.limits.counts(self._interval)
        ):
            yield Again(FlatLineCheck(self.field, self.time, self.limits, exact))

    def _values(self, block: Block) -> pl.DataFrame:
        return pl.DataFrame({"v": finite(block.number(self.field)), "t": time_of(block, self.time)})

    def _waited(self) -> tuple[pl.DataFrame, Raw]:
        parts = [(raw, 0, rows.height) for rows, raw in self._waiting]
        return pl.concat([rows for rows, _ in self._waiting]), Joined(parts)

    def _is_never_flat(self, values: pl.Series, count: int) -> bool:
        """Returns whether it is certain that no count + 1 rows differ by less than the tolerance.

        These rows contain a whole group of half as many, and none of their `count` steps is as large as the tolerance.
        """
        size, tolerance = (count + 2) // 2, self.limits.tolerance
        groups = values.head(values.len() // size * size).reshape((-1, size)).arr
        if ((groups.max() - groups.min()) >= tolerance).all(ignore_nulls=False):
            return True
        large = (values.diff().abs() >= tolerance).arg_true()  # the numbers of rows: the step to each is large
        if not large.len():
            return False
        between = int(large.diff().max() or 1) - 1  # type: ignore[arg-type]  # numbers
        return bool(max(large[0] - 1, between, values.len() - 1 - large[-1]) < count)

    def _keep(self, rows: pl.DataFrame, most: int) -> None:
        """Keeps these rows and, of the rows above, as many as the longest flat line needs."""
        self._above.append(rows)
        self._held += rows.height
        while self._above and self._held - self._above[0].height >= most:
            self._held -= self._above.popleft().height

    def _flags(self, rows: pl.DataFrame, interval: int, raw: Raw) -> Flags:
        counts = self.limits.counts(interval)
        above = pl.concat([*self._above, rows.clear()])
        if counts is not None:
            above = above.tail(max(counts))
            self._keep(rows, max(counts))
        skip = above.height
        known = pl.concat([above, rows])
        first = self._end - known.height
        value = pl.col("v")
        flag: Flagging = pl.when(value.is_null()).then(MISSING)
        if counts is None:
            flag = flag.when(pl.lit(value=True)).then(UNKNOWN)
        else:
            flag = flag.when(self._flat(counts[1], first)).then(FAIL).when(self._flat(counts[0], first)).then(SUSPECT)
        flags = known.select(flag.otherwise(GOOD).cast(pl.UInt8).alias("f"))["f"]

        def why(index: int) -> str:
            row = skip + index
            failed = flags[row] == FAIL
            count = (counts or (0, 0))[1 if failed else 0]
            start, end = known["t"][max(0, row - count)], known["t"][row]
            return self.limits.why(self.field, raw[index], flags[row], start, end)

        return Flags(first + skip, flags[skip:], raw, why)

    def _flat(self, count: int, first: int) -> pl.Expr:
        whole = pl.int_range(pl.len()) + first >= count  # no window starts before the stream
        return whole & (spread(count) < self.limits.tolerance)
