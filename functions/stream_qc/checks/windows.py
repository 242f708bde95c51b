"""How much a series varies within the period that ends with each row, for attenuated_signal_test."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import polars as pl

from stream_qc.checks.base import largest

Kind = Literal["std", "range"]
GROUPS = 8  # into which the rows of a period are cut, to find how little it can vary
LARGE = 1e100  # its square has room for a sum
MOST = 2**62  # of the keys of rows
FEW = 100  # rows, or outliers, of a block that are looked at one by one
FAR = 1000  # an outlier is so many times as far from the median as half of the values
NEAR = 1e-9  # a share: rounding in a rolling standard deviation is far smaller


def variations(rows: pl.DataFrame, period: int, fewest: int, kind: Kind, thresholds: tuple[float, ...]) -> pl.Series:
    """Returns the variation of each period (t - period, t] up to and including its row; null if it has too few values.

    rows: `v`, Float64 with null for missing, and `t`, Datetime in ascending order; equal times are in the order of the rows,
    and a period does not include later rows of an equal time, as in pandas. period: in microseconds, above 0. fewest: the
    values that a period needs. kind: `std` or `range`; a period with a missing value has no range. thresholds: a standard
    deviation close to one of them is computed from the values of its period alone, so that the rounding of a rolling sum
    decides nothing.
    """
    known = _with_keys(rows, period)
    if known is None:
        return _one_by_one(rows, range(rows.height), period, fewest, kind)
    keyed, width = known
    window = {"window_size": f"{width}i", "closed": "right", "min_samples": max(1, fewest)}
    value = pl.col("v")
    if kind == "range":
        gap = value.is_null().cast(pl.Int8).rolling_max_by("key", window_size=f"{width}i", closed="right")
        spread = value.rolling_max_by("key", **window) - value.rolling_min_by("key", **window)  # type: ignore[arg-type]
        return keyed.select(pl.when(gap == 0).then(spread).alias("spread"))["spread"]
    middle = rows["v"].median() or 0.0
    spread = (value - middle).rolling_std_by("key", **window, ddof=0)  # type: ignore[arg-type]
    found = keyed.select(spread.alias("spread"))["spread"]
    scale = NEAR * largest((rows["v"] - middle).abs())
    size = pl.col("spread")
    near = pl.any_horizontal(~size.is_finite(), *((size - limit).abs() <= scale for limit in thresholds))
    doubtful = found.to_frame().select(near.fill_null(value=False)).to_series()
    if doubtful.sum() > FEW:
        for places, exact in _apart_from_outliers(rows, period, fewest, thresholds):
            found, doubtful = found.scatter(places, exact), doubtful.scatter(places, values=False)
    places = doubtful.arg_true()
    return found.scatter(places, _one_by_one(rows, places, period, fewest, kind)) if places.len() else found


def _apart_from_outliers(
    rows: pl.DataFrame, period: int, fewest: int, thresholds: tuple[float, ...]
) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Yields the places and the standard deviations of the periods without an outlier, if there are few of those.

    An outlier leaves an error of rounding in a rolling sum when it has left the period, so each stretch between two outliers is
    rolled by itself.
    """
    distance = (rows["v"] - rows["v"].median()).abs()
    far = (distance > FAR * (distance.median() or 0.0)).fill_null(value=False).arg_true()  # type: ignore[operator]
    if not 0 < far.len() <= FEW:
        return
    for above, end in itertools.pairwise([-1, *far, rows.height]):
        stretch = rows.slice(above + 1, end - above - 1)
        if not stretch.height:
            continue
        found = variations(stretch, period, fewest, "std", thresholds)
        since = stretch["t"].to_physical() - period
        apart = (since >= rows["t"].to_physical()[above]).arg_true() if above >= 0 else pl.int_range(end, eager=True)
        yield apart + (above + 1), found.gather(apart)


def least_variation(
    rows: pl.DataFrame, above: int, period: int, fewest: int, kind: Kind, longest: int | None = None
) -> float:
    """Returns a lower bound of the variation of the periods that end after the first `above` rows; -1 if none is known.

    rows: `v` and `t` as for `variations`; a row without a value has no part in a standard deviation, and leaves a range
    without a lower bound. -1 also if a period may have fewer values than `fewest`. The rows are cut into groups. Each period
    contains several of them whole, and varies at least as the group that varies least. longest: the longest step of time between
    two rows, if it is known.
    """
    there = rows
    if rows["v"].null_count():
        if kind == "range":
            return -1
        above -= rows["v"].head(above).null_count()
        there, longest = rows.drop_nulls("v"), None
    longest = longest or there["t"].to_physical().diff().max()  # type: ignore[assignment]  # a number
    if not isinstance(longest, int) or longest <= 0:
        return -1
    rows_at_least = -(-period // longest)
    size = (rows_at_least + 1) // 2 if kind == "range" else max(2, rows_at_least // GROUPS)
    count = there.height // size
    whole = (rows_at_least + 1) // size - 1  # in a period: at most size - 1 of its rows are above the first whole group
    if whole < 1 or not count or rows_at_least < fewest or above < rows_at_least - 1:
        return -1
    values = there["v"] if kind == "range" else there["v"] - there["v"][0]  # small numbers keep their digits
    groups = values.head(count * size).reshape((-1, size)).arr
    if kind == "range":
        return float((groups.max() - groups.min()).min() or 0)  # type: ignore[arg-type]  # numbers
    squares = float(groups.var(ddof=0).min() or 0) * size  # type: ignore[arg-type]  # about the mean of each group
    # A period with more rows has more groups, but up to 2 size - 2 of its rows may be in none.
    deviation = math.sqrt(squares * whole / (size * (whole + 2) - 2))
    most = max(abs(values.min()), abs(values.max()))  # type: ignore[arg-type]  # numbers
    return max(0.0, deviation - NEAR * (deviation + most)) if most < LARGE else -1


def _with_keys(rows: pl.DataFrame, period: int) -> tuple[pl.DataFrame, int] | None:
    """Returns the rows with an ascending `key`, and the width of a period in keys; None if no such keys fit into 64 bits.

    polars takes every row of an equal key into a window, so rows of an equal time get different ones: all times are
    multiplied, which makes room to count the rows within each.
    """
    time = pl.col("t").to_physical()
    steps = rows.select(time.diff().fill_null(0)).to_series()
    if rows.height < 2 or (steps.tail(-1).min() or 0) > 0:  # type: ignore[operator]
        return rows.select("v", time.alias("key")), period
    unit = math.gcd(*steps.unique().to_list()) or 1
    width = -(-period // unit)
    # A longer step than a period separates rows as well as any other.
    place = (steps // unit).clip(upper_bound=width).cum_sum()
    row = pl.int_range(pl.len())
    count = (
        steps.to_frame("step")
        .select(row - pl.when(pl.col("step") != 0).then(row).forward_fill().fill_null(0))
        .to_series()
    )
    most = int(largest(count)) + 1
    if (int(place[-1]) + width) * 2 * most >= MOST:
        return None
    return pl.DataFrame({"v": rows["v"], "key": place * (2 * most) + count}), width * 2 * most - most


def _one_by_one(rows: pl.DataFrame, numbers: Iterable[int], period: int, fewest: int, kind: Kind) -> pl.Series:
    """Returns the variation of the periods that end with these rows, each from the values of its own rows."""
    rows = rows.rechunk()  # or the last digit of a deviation depends on how the rows came
    times, found = rows["t"].to_physical(), list[Any]()
    for number in numbers:
        start = times.search_sorted(times[number] - period, side="right")
        values = rows["v"].slice(start, number + 1 - start)
        there = values.drop_nulls()
        if there.len() < max(1, fewest) or (kind == "range" and values.null_count()):
            found.append(None)
        else:
            found.append(_deviation(there) if kind == "std" else there.max() - there.min())  # type: ignore[operator]
    return pl.Series(found, dtype=pl.Float64)


def _deviation(values: pl.Series) -> float:
    found = values.std(ddof=0)
    if not math.isfinite(found):  # type: ignore[arg-type]  # a number
        found = (values - values[0]).std(ddof=0)  # a sum of large values may be infinite
    return found  # type: ignore[return-value]
