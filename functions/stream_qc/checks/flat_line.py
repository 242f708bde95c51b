"""flat_line_test: finds values that stay the same for too long (QARTOD Test 8, Flat Line Test)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from stream_qc.cells import Cells
from stream_qc.checks.base import Again, Flagging, Flags, Late, Test, finite, seconds, show_time, time_of
from stream_qc.checks.cadence import Intervals, rows_in
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes, AxisName

FEWEST_ROWS = 3


class FlatLineTest(Test, frozen=True):
    """suspect_threshold, fail_threshold: seconds; tolerance: in the field's units.

    A threshold is converted to k = int(threshold / median interval) rows, for which intervals of a second and more are in
    whole seconds. A row is flagged if the k + 1 rows that end with
    it, without missing values, differ by less than the tolerance.
    """

    process: ClassVar[int] = 3
    needs_numbers: ClassVar[bool] = True
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)
    suspect_threshold: float
    fail_threshold: float
    tolerance: float = 0

    def mistakes(self) -> list[str]:
        return [*seconds("suspect_threshold", self.suspect_threshold), *seconds("fail_threshold", self.fail_threshold)]

    def check(self, field: str, axes: Axes) -> FlatLineCheck:
        return FlatLineCheck(field, axes["time"], self)


class FlatLineCheck:
    """Keeps the last k rows. stream_qc.checks.cadence explains how k is known before the stream ends."""

    test = "flat_line_test"

    def __init__(self, field: str, time: str, limits: FlatLineTest, interval: int | None = None) -> None:
        self.field, self.time, self.limits = field, time, limits
        self.needs = (field, time)
        self._interval = interval  # microseconds
        self._intervals = Intervals()
        self._carried: pl.DataFrame | None = None
        self._waiting: list[pl.DataFrame] = []  # rows read before the first interval is known
        self._rows = 0

    def update(self, block: Block) -> Flags | None:
        times = time_of(block, self.time)
        cells = block.cells(self.field)
        self._spell = cells.spell
        rows = pl.DataFrame({"v": finite(block.number(self.field)), "t": times, "raw": cells.column})
        self._intervals.add(times)
        self._rows += rows.height
        if self._interval is None:
            self._waiting.append(rows)
            self._interval = self._intervals.median()
            if self._interval is None or self._rows < FEWEST_ROWS:
                self._interval = None
                return None
            rows, self._waiting = pl.concat(self._waiting), []
        return self._flags(rows, self._interval)

    def finish(self) -> Iterable[Flags | Late | Again]:
        if self._waiting:
            rows = pl.concat(self._waiting)
            flag = GOOD if self._rows < FEWEST_ROWS else UNKNOWN  # enough rows, but no two with times
            flags = rows.select(pl.when(pl.col("v").is_null()).then(MISSING).otherwise(flag).cast(pl.UInt8).alias("f"))[
                "f"
            ]
            yield Flags(0, flags, Cells(rows["raw"], self._spell), lambda _: "")
        exact = self._intervals.median()
        if self._interval is not None and exact is not None and self._counts(exact) != self._counts(self._interval):
            yield Again(FlatLineCheck(self.field, self.time, self.limits, exact))

    def _counts(self, interval: int) -> tuple[int, int] | None:
        """Returns k for the suspect and the fail threshold, or None if the times do not advance. interval: in microseconds."""
        if interval <= 0:
            return None
        return rows_in(self.limits.suspect_threshold, interval), rows_in(self.limits.fail_threshold, interval)

    def _flags(self, rows: pl.DataFrame, interval: int) -> Flags:
        counts = self._counts(interval)
        skip = 0 if self._carried is None else self._carried.height
        known = rows if self._carried is None else pl.concat([self._carried, rows])
        first = self._rows - known.height
        value = pl.col("v")
        flag: Flagging = pl.when(value.is_null()).then(MISSING)
        if counts is None:
            flag = flag.when(pl.lit(value=True)).then(UNKNOWN)
        else:
            flag = flag.when(self._flat(counts[1], first)).then(FAIL).when(self._flat(counts[0], first)).then(SUSPECT)
            self._carried = known.tail(max(counts))
        flags = known.select(flag.otherwise(GOOD).cast(pl.UInt8).alias("f"))["f"]

        raw = Cells(known["raw"][skip:], self._spell)

        def why(index: int) -> str:
            row = skip + index
            failed = flags[row] == FAIL
            count = (counts or (0, 0))[1 if failed else 0]
            start, end = known["t"][max(0, row - count)], known["t"][row]
            spell = f" from {show_time(start)} to {show_time(end)}" if start and end else ""
            name, seconds = (
                ("fail", self.limits.fail_threshold) if failed else ("suspect", self.limits.suspect_threshold)
            )
            return (
                f"{self.field} stays at {raw[index]}, within {self.limits.tolerance:g},{spell}: "
                f"longer than {seconds:g} s (flat_line_test {name}_threshold)"
            )

        return Flags(first + skip, flags[skip:], raw, why)

    def _flat(self, count: int, first: int) -> pl.Expr:
        size = count + 1
        span = pl.col("v").rolling_max(size, min_samples=1) - pl.col("v").rolling_min(size, min_samples=1)
        whole = pl.int_range(pl.len()) + first >= count  # no window starts before the stream
        return whole & (span.abs() < self.limits.tolerance)
