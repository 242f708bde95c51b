"""The median interval, which flat_line_test and attenuated_signal_test turn seconds into rows by."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import cadence
from stream_qc.checks.cadence import SECOND, Intervals
from tests.amount import examples


@examples(1000)
@given(
    times=st.integers(0, 3).flatmap(
        lambda unit: st.lists(st.integers(-50, 200).map(lambda n: n * 10 ** (3 * unit)), min_size=2)
    ),
    block=st.integers(1, 9),
    most_counts=st.sampled_from([3, 200_000]),
)
def test_median_is_that_of_all_intervals(times: list[int], block: int, most_counts: int) -> None:
    intervals = Intervals()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cadence, "MOST_COUNTS", most_counts)
        patch.setattr(cadence, "BINS", most_counts)
        for start in range(0, len(times), block):
            intervals.add(pl.Series(times[start : start + block]).cast(pl.Datetime("us")))
        median = intervals.median()
    steps = sorted(after - before for before, after in itertools.pairwise(times))
    middle = (steps[(len(steps) - 1) // 2] + steps[len(steps) // 2]) // 2
    assert median == (middle if 0 <= middle < SECOND else middle // SECOND * SECOND)


def test_one_time_has_no_interval() -> None:
    intervals = Intervals()
    intervals.add(pl.Series([0, None]).cast(pl.Datetime("us")))
    assert intervals.median() is None
