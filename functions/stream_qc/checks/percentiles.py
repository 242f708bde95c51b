"""Percentiles of all values of a field, without keeping all of them in memory."""

from __future__ import annotations

import math

import polars as pl

from stream_qc.checks.counts import Counts

MOST_VALUES = 500_000  # different ones in memory
BINS = 50_000


class Values:
    """Counts how often each value occurs."""

    def __init__(self) -> None:
        self.count = 0
        self._counts = Counts(["v"], MOST_VALUES)

    def forget(self) -> None:
        self.count = 0
        self._counts.forget()

    def include(self, earlier: Values) -> None:
        self.count += earlier.count
        self._counts.include(earlier._counts)

    def add(self, values: pl.Series) -> None:
        """Adds values, Float64 without null, NaN or infinity."""
        if values.len():
            self.count += values.len()
            same = (values + 0.0).alias("v").to_frame().group_by("v")  # -0.0 and 0.0 are the same value
            self._counts.add(same.agg(pl.len().cast(pl.Int64).alias("n")))

    def percentile(self, share: float) -> float:
        """Returns the value below which a share (0 to 100) of the values is, interpolated as numpy does by default."""
        place = (self.count - 1) * (share / 100)
        rank = int(place)
        low, high = self._at(rank), self._at(min(rank + 1, self.count - 1))
        part = place - rank
        return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part

    def _at(self, rank: int) -> float:
        """Returns the value with this rank in ascending order. Narrows it down, with memory for BINS of them."""
        value, number = pl.col("v"), pl.col("bin")
        low = min(float(part["v"].min()) for part in self._counts.parts())  # type: ignore[arg-type]  # numbers
        high = max(float(part["v"].max()) for part in self._counts.parts())  # type: ignore[arg-type]
        while low < high:
            scale = 0.5 if math.isinf(high - low) else 1.0
            place = (value * scale - low * scale) / (high * scale - low * scale) * BINS
            bins = pl.concat(
                part.filter(value.is_between(low, high))
                .group_by(place.floor().clip(0, BINS - 1).alias("bin"))
                .agg(pl.col("n").sum(), value.min().alias("low"), value.max().alias("high"))
                for part in self._counts.parts()
            )
            bins = bins.group_by(number).agg(pl.col("n").sum(), pl.col("low").min(), pl.col("high").max()).sort("bin")
            ends = bins["n"].cum_sum()
            chosen = int((ends <= rank).sum())
            rank -= int(ends[chosen] - bins["n"][chosen])
            low, high = bins["low"][chosen], bins["high"][chosen]
        return low
