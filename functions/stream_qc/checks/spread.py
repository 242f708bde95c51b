"""How much a whole series varies, for attenuated_signal_test."""

from __future__ import annotations

import math

import polars as pl

SHOWN = 20
STEP = 65_536  # values


class Seen:
    """The extremes of the values, their count, and the rows of the first SHOWN of them, as (row, value as written)."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.count, self.least, self.most = 0, math.inf, -math.inf
        self.shown: list[tuple[int, str | None]] = []

    def add(self, values: pl.Series) -> None:
        """Adds values, Float64 without null or NaN."""
        if values.len():
            self.count += values.len()
            self.least = min(self.least, float(values.min()))  # type: ignore[arg-type]  # numbers
            self.most = max(self.most, float(values.max()))  # type: ignore[arg-type]

    def include(self, earlier: Seen) -> None:
        self.count += earlier.count
        self.least, self.most = min(self.least, earlier.least), max(self.most, earlier.most)
        self.shown = (earlier.shown + self.shown)[:SHOWN]


class Deviation:
    """The standard deviation of the population of values.

    Combines the deviations of `step` values at a time by the method of Chan, Golub and LeVeque (1979), so that its last digit
    does not depend on how the values come.
    """

    def __init__(self, step: int = STEP) -> None:
        self._step = step
        self._waiting = pl.Series(dtype=pl.Float64)  # values, until there are `step`
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, values: pl.Series) -> None:
        """Adds values, Float64 without null or NaN."""
        waiting = pl.concat([self._waiting, values], rechunk=True)
        for start in range(0, waiting.len() - self._step + 1, self._step):
            self._combine(waiting.slice(start, self._step))
        self._waiting = waiting.slice(waiting.len() - waiting.len() % self._step)

    def value(self) -> float:
        """Returns the deviation of the values, of which there is at least one. No more can be added after it."""
        if self._waiting.len():
            self._combine(self._waiting)
        return math.sqrt(self._squares / self._count)

    def _combine(self, there: pl.Series) -> None:
        count, mean = there.len(), float(there.mean())  # type: ignore[arg-type]  # numbers
        squares = float(((there - mean) ** 2).sum())
        step, total = mean - self._mean, self._count + count
        self._squares += squares + step * step * self._count * count / total
        self._mean += step * count / total
        self._count = total
