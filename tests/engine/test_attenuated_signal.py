"""attenuated_signal_test with repeated times and at its thresholds: the flags of ioos_qc, wherever blocks are cut."""

from __future__ import annotations

import datetime as dt
import io
import math
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import windows
from stream_qc.checks.windows import least_variation, variations
from tests.amount import examples
from tests.engine.checking import results
from tests.engine.test_qartod import MINUTES, flags, rules_for

BLOCKS = [1, 30, 64, 1000, 16 << 20]
HOURS = [time for time in MINUTES if time.endswith(":00:00")]
WEAK = {"suspect_threshold": 0.5, "fail_threshold": 0.1}


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize("kind", ["range", "std"])
def test_period_ends_at_the_row_among_rows_of_one_time(kind: str, block_bytes: int) -> None:
    """Two stations. The first row of each hour is alone in its period; the second follows it."""
    columns = {"time": [time for time in HOURS[:3] for _ in "AB"], "v": [5, 9] * 3}
    parameters = {**WEAK, "test_period": 3600, "check_type": kind}
    assert flags("attenuated_signal_test", parameters, columns, block_bytes) == [4, 1, 4, 1, 4, 1]


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_fewest_rows_are_counted_up_to_the_row(block_bytes: int) -> None:
    columns = {"time": HOURS[:1] * 3 + HOURS[1:2] * 3, "v": [1, 1, 1, 1, 1, 1]}
    parameters = {**WEAK, "test_period": 3600, "min_obs": 3}
    assert flags("attenuated_signal_test", parameters, columns, block_bytes) == [2, 2, 4, 2, 2, 4]


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_missing_value_affects_later_rows_of_its_time_only(block_bytes: int) -> None:
    columns: dict[str, Any] = {"time": HOURS[:1] * 4, "v": [1, 5, None, 5]}
    parameters = {**WEAK, "test_period": 3600, "check_type": "range"}
    assert flags("attenuated_signal_test", parameters, columns, block_bytes) == [4, 1, 9, 2]


def test_parquet_flags_rows_of_one_time_as_csv_does() -> None:
    times = [dt.datetime(2020, 1, 1, hour) for hour in range(3) for _ in "AB"]
    frame, file = pl.DataFrame({"time": times, "v": [5.0, 9.0] * 3}), io.BytesIO()
    frame.write_parquet(file)
    rules = rules_for("attenuated_signal_test", {**WEAK, "test_period": 3600, "check_type": "range"}, ["time", "v"])
    found = results(file.getvalue(), rules, "x.parquet")["3#v#attenuated_signal_test"]
    assert (found.good, found.fail) == (3, 3)


@pytest.mark.slow
def test_many_rows_of_one_time_are_flagged_each_at_its_row() -> None:
    """Three rows an hour, of which the first is alone in its period and the second like it."""
    hours = 20_000
    times = pl.datetime_range(dt.datetime(2000, 1, 1), interval="1h", end=dt.datetime(2000, 1, 1) + dt.timedelta(hours=hours - 1), eager=True)  # fmt: skip
    frame = pl.DataFrame({"time": times, "v": [[5.0, 5.0, 9.0]] * hours}).explode("v")
    rules = rules_for("attenuated_signal_test", {**WEAK, "test_period": 3600, "check_type": "range"}, ["time", "v"])
    data = frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S")
    found = results(data, rules)["3#v#attenuated_signal_test"]
    assert (found.good, found.fail) == (hours, 2 * hours)


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize(
    ("values", "deviation"),
    [([-1, 1] * 8, 1), ([0.25, 0.75] * 9, 0.25), ([0, 4, 0, 4, 2, 2, 2, 2] * 3, 2**0.5), ([3, 3, 3], 0)],
)
def test_deviation_of_a_whole_series_at_its_threshold_is_not_below_it(
    values: list[float], deviation: float, block_bytes: int
) -> None:
    columns = {"time": MINUTES[: len(values)], "v": values}
    parameters = {"suspect_threshold": deviation, "fail_threshold": deviation}
    found = set(flags("attenuated_signal_test", parameters, columns, block_bytes))
    assert found == set(flags("attenuated_signal_test", parameters, columns, 16 << 20))
    if deviation != 2**0.5:  # the square root of two is not a float, so both answers are right
        assert found == {1}


@pytest.mark.slow
@pytest.mark.parametrize("block_bytes", [60, 300])
def test_deviation_of_a_period_at_its_threshold_does_not_depend_on_blocks(block_bytes: int) -> None:
    """One digit more or less, by the order of a sum, would change the flag."""
    values = [4 if row % 5 == 4 else None if row == 31 else 3 for row in range(60)]
    columns = {"time": MINUTES[:60], "v": values}
    for period in (300, 1500, 1800):
        parameters = {"suspect_threshold": 0.4, "fail_threshold": 0.2, "test_period": period}
        expected = flags("attenuated_signal_test", parameters, columns, 16 << 20)
        assert flags("attenuated_signal_test", parameters, columns, block_bytes) == expected, period


@examples(600)
@given(values=st.lists(st.integers(-40, 40), min_size=2, max_size=30), scale=st.sampled_from([1, 0.1, 0.7, 1e6 / 3]),
       kind=st.sampled_from(["std", "range"]), block_bytes=st.integers(1, 300))  # fmt: skip
def test_whole_series_at_its_own_deviation_does_not_depend_on_blocks(
    values: list[int], scale: float, kind: str, block_bytes: int
) -> None:
    taken = [value * scale for value in values]
    spread = pl.Series(taken).std(ddof=0) if kind == "std" else max(taken) - min(taken)
    columns = {"time": MINUTES[: len(taken)], "v": taken}
    parameters = {"suspect_threshold": spread, "fail_threshold": spread, "check_type": kind}
    expected = flags("attenuated_signal_test", parameters, columns, 16 << 20)
    assert flags("attenuated_signal_test", parameters, columns, block_bytes) == expected


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_large_offset_does_not_hide_a_small_deviation(block_bytes: int) -> None:
    columns = {"time": MINUTES[:20], "v": [1e8 + 0.25, 1e8 + 0.75] * 10}
    parameters = {"suspect_threshold": 0.26, "fail_threshold": 0.24}
    assert set(flags("attenuated_signal_test", parameters, columns, block_bytes)) == {3}


@examples(600)
@given(rows=st.lists(st.tuples(st.sampled_from([0, 1, 1, 1, 2]), st.one_of(st.none(), *[st.integers(-9, 9)] * 9)),
                     min_size=30, max_size=60),
       above=st.integers(2, 20), period=st.integers(3, 24), fewest=st.integers(0, 4),
       kind=st.sampled_from(["std", "range"]), offset=st.sampled_from([0, 1e9]))  # fmt: skip
def test_no_period_varies_less_than_the_lower_bound(
    rows: list[tuple[int, int | None]], above: int, period: int, fewest: int, kind: Any, offset: float
) -> None:
    seconds = pl.Series([step for step, _ in rows], dtype=pl.Int64).cum_sum()
    values = pl.Series([None if value is None else value + offset for _, value in rows], dtype=pl.Float64)
    frame = pl.DataFrame({"v": values, "t": (seconds * 1_000_000).cast(pl.Datetime("us"))})
    bound = least_variation(frame, above, period * 1_000_000, fewest, kind)
    exact = variations(frame, period * 1_000_000, fewest, kind, ())[above:]
    judged = exact.filter(values[above:].is_not_null())
    if bound >= 0 and judged.len():
        assert not judged.null_count()
        assert bound <= float(judged.min())  # type: ignore[arg-type]  # numbers


@pytest.mark.slow
@pytest.mark.parametrize("outlier", [1e6, 1e12, 1e308])
def test_deviations_after_an_outlier_are_those_of_their_periods_alone(
    outlier: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    one_by_one = windows._one_by_one

    def counted(rows: pl.DataFrame, numbers: Any, *more: Any) -> pl.Series:
        looked.append(len(numbers))
        return one_by_one(rows, numbers, *more)

    monkeypatch.setattr(windows, "_one_by_one", counted)
    draw = random.Random(1)
    values = [draw.gauss(5, 1) for _ in range(3_000)]
    values[1_000] = values[2_500] = outlier
    values[1_200:1_300] = [5.0] * 100
    times = [dt.datetime(2020, 1, 1) + dt.timedelta(seconds=row) for row in range(3_000)]
    rows = pl.DataFrame({"v": values, "t": times}, schema_overrides={"t": pl.Datetime("us")})
    found = variations(rows, 30_000_000, 1, "std", (0.5, 0.1))
    assert sum(looked) < 500
    for row in (999, 1_000, 1_029, 1_030, 1_031, 1_229, 1_230, 1_299, 1_310, 2_499, 2_529, 2_530, 2_999):
        expected = pl.Series(values[max(0, row - 29) : row + 1]).std(ddof=0)
        if isinstance(expected, float) and math.isfinite(expected):
            assert found[row] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_deviation_of_values_whose_sum_is_infinite(block_bytes: int) -> None:
    columns: dict[str, Any] = {"time": [f"2020-01-01T00:00:0{row}" for row in range(3)], "v": [-1e308, -1e308, -1e160]}
    parameters = {"suspect_threshold": 3, "fail_threshold": 0.3, "test_period": 3, "min_obs": 1}
    assert flags("attenuated_signal_test", parameters, columns, block_bytes) == [4, 4, 1]
