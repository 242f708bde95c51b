"""Compares the flags of the engine with those of ioos_qc 3.0.0 on random series and block sizes (`make peers`).

One difference is intended: here a missing input is MISSING in every test. ioos_qc flags it GOOD in a climatology_test with
a period and in a flat_line_test of fewer than three rows, gives the first row of a time_gap_test the flag of the second,
computes a haversine distance from it, and lets a missing depth match any zspan.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from ioos_qc import qartod

from tests.peers.comparing import EXAMPLES, START, Values, blocks, engine_flags, instants, numbers, oracle, with_missing

value = st.sampled_from([0.0, 1.0, 1.0, 1.5, 2.0, -3.25, 10.0, 999.99, 1e-9, None, math.nan])
values = st.lists(value, min_size=1, max_size=25)
threshold = st.sampled_from([None, 0.0, 0.4, 0.5, 1.0, 2.5, 25.0])


@st.composite
def series(draw: st.DrawFn, steps: tuple[float, ...] = (0, 1, 60, 60, 60, 3600)) -> tuple[Values, list[dt.datetime]]:
    """Draws values and ordered times."""
    taken = draw(values)
    step = st.sampled_from(steps)
    times = [START]
    for _ in taken[1:]:
        times.append(times[-1] + dt.timedelta(seconds=draw(step)))
    return taken, times


@EXAMPLES
@given(values, threshold, threshold, st.sampled_from(["average", "differential"]), blocks)
def test_spike_test(taken: Values, suspect: float | None, fail: float | None, method: str, block_bytes: int) -> None:
    parameters = {"suspect_threshold": suspect, "fail_threshold": fail, "method": method}
    assume(not (method == "differential" and len(taken) < 2))  # ioos_qc raises
    expected = oracle(qartod.spike_test, inp=numbers(taken), **parameters)
    assert engine_flags("spike_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


@EXAMPLES
@given(
    st.lists(value | st.sampled_from([math.inf, -math.inf]), min_size=1, max_size=25),
    st.sampled_from([None, (0.0, 2.0), (1.0, 1.0)]),
    blocks,
)
def test_gross_range_test(taken: Values, suspect: tuple[float, float] | None, block_bytes: int) -> None:
    parameters = {"fail_span": (-3.25, 10.0), "suspect_span": suspect}
    expected = oracle(qartod.gross_range_test, inp=numbers(taken), **parameters)
    assert engine_flags("gross_range_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


@EXAMPLES
@given(series(), st.sampled_from([0.0, 0.01, 1.0]), st.sampled_from([None, 0.5, 5.0]), blocks)
def test_rate_of_change_test(
    drawn: tuple[Values, list[dt.datetime]], limit: float, fail: float | None, block_bytes: int
) -> None:
    taken, times = drawn
    parameters = {"threshold": limit, "fail_threshold": fail}
    expected = oracle(qartod.rate_of_change_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("rate_of_change_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


@EXAMPLES
@given(
    series((60, 60, 60, 90, 3600)),
    st.sampled_from([0, 59, 60, 130, 300]),
    st.sampled_from([60, 200, 600]),
    st.sampled_from([0.0, 0.01, 0.6, 3.0]),
    blocks,
)
def test_flat_line_test(
    drawn: tuple[Values, list[dt.datetime]], suspect: int, fail: int, tolerance: float, block_bytes: int
) -> None:
    taken, times = drawn
    parameters = {"suspect_threshold": suspect, "fail_threshold": fail, "tolerance": tolerance}
    expected = oracle(qartod.flat_line_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("flat_line_test", parameters, {"time": times, "v": taken}, block_bytes) == with_missing(
        expected, taken
    )


@EXAMPLES
@given(
    series((1, 60, 60, 60, 3600)),
    st.sampled_from([None, 60, 180, 4000]),
    st.sampled_from([(None, None), (2, None), (None, 120), (None, 1)]),
    st.sampled_from(["std", "range"]),
    st.sampled_from([(0.75, 0.5), (5.0, 0.0), (400.0, 0.1)]),
    blocks,
)
def test_attenuated_signal_test(
    drawn: tuple[Values, list[dt.datetime]],
    period: int | None,
    fewest: tuple[int | None, int | None],
    kind: str,
    limits: tuple[float, float],
    block_bytes: int,
) -> None:
    taken, times = drawn
    parameters = {
        "suspect_threshold": limits[0], "fail_threshold": limits[1], "test_period": period,
        "min_obs": fewest[0], "min_period": fewest[1], "check_type": kind,
    }  # fmt: skip
    assume(len(taken) > 1)
    expected = oracle(qartod.attenuated_signal_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("attenuated_signal_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


PERIODS: list[dict[str, Any]] = [
    {"tspan": (1, 2), "period": "month"},
    {"tspan": (0, 400), "period": "dayofyear"},
    {"tspan": (1, 1), "period": "weekofyear"},
    {"tspan": (2, 5), "period": "dayofweek"},
    {"tspan": (1, 1), "period": "quarter"},
    {"tspan": (0, 12), "period": "hour"},
    {"tspan": ("2020-01-01", "2020-06-01"), "period": None},
]
season = st.builds(
    lambda when, vspan, fspan, zspan: {**when, "vspan": vspan, "fspan": fspan, "zspan": zspan},
    st.sampled_from(PERIODS),
    st.sampled_from([(0.0, 2.0), (1.0, 10.0)]),
    st.sampled_from([None, (-3.25, 20.0)]),
    st.sampled_from([None, (0.0, 10.0)]),
)


@EXAMPLES
@given(series((3600, 86400 * 20)), st.lists(season, min_size=1, max_size=3), st.data(), blocks)
def test_climatology_test(
    drawn: tuple[Values, list[dt.datetime]], config: list[dict[str, Any]], data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    depths = data.draw(st.lists(st.sampled_from([1.0, 5.0, 10.0, 11.0]), min_size=len(taken), max_size=len(taken)))
    expected = oracle(
        qartod.climatology_test,
        config=[dict(one) for one in config],
        inp=numbers(taken),
        tinp=instants(times),
        zinp=numbers(depths),
    )
    columns = {"time": times, "z": depths, "v": taken}
    assert engine_flags("climatology_test", {"config": config}, columns, block_bytes) == with_missing(expected, taken)


@EXAMPLES
@given(
    st.lists(
        st.tuples(
            st.sampled_from([-91.0, -90.0, 0.0, 45.5, 45.6, None]), st.sampled_from([-181.0, 180.0, 7.0, 7.01, None])
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([None, 3000.0, 12_000.0]),
    st.sampled_from(["haversine", "wgs84"]),
    blocks,
)
def test_location_test(
    places: list[tuple[float | None, float | None]], range_max: float | None, method: str, block_bytes: int
) -> None:
    lat, lon = [list(axis) for axis in zip(*places, strict=True)]
    assume(range_max is None or method == "wgs84" or None not in [*lat, *lon])
    expected = oracle(
        qartod.location_test, lat=numbers(lat), lon=numbers(lon), range_max=range_max, range_method=method
    )
    parameters = {"range_max": range_max, "range_method": method}
    assert (
        engine_flags("location_test", parameters, {"lat": lat, "lon": lon, "v": [1.0] * len(lat)}, block_bytes)
        == expected
    )


@EXAMPLES
@given(
    st.lists(st.sampled_from([0, 10, 7200, 7201, 90_000, None]), min_size=2, max_size=20),
    st.sampled_from([0.0, 1.0, 2.0, 2.5]),
    blocks,
)
def test_time_gap_test(offsets: list[int | None], span: float, block_bytes: int) -> None:
    times = [None if offset is None else START + dt.timedelta(seconds=offset) for offset in offsets]
    expected = oracle(qartod.time_gap_test, tinp=instants(times), fail_span=span)
    assert engine_flags(
        "time_gap_test", {"fail_span": span}, {"time": times, "v": [1.0] * len(times)}, block_bytes
    ) == with_missing(expected, offsets)


@EXAMPLES
@given(st.lists(st.sampled_from([-100_000, 0, 21_600, 21_601, None]), min_size=1, max_size=12), blocks)
def test_data_reception_and_impossible_date_tests(offsets: list[int | None], block_bytes: int) -> None:
    times = [None if offset is None else START + dt.timedelta(seconds=offset) for offset in offsets]
    columns = {"time": times, "v": [1.0] * len(times)}
    from_time = (START + dt.timedelta(seconds=21_600 + 21_600)).isoformat()
    expected = oracle(qartod.data_reception_test, tinp=instants(times), from_time=from_time)
    assert engine_flags("data_reception_test", {"from_time": from_time}, columns, block_bytes) == expected
    span = (START.isoformat(), (START + dt.timedelta(seconds=21_600)).isoformat())
    expected = oracle(qartod.impossible_date_test, tinp=instants(times), fail_span=span)
    assert engine_flags("impossible_date_test", {"fail_span": span}, columns, block_bytes) == expected


@EXAMPLES
@given(
    st.lists(st.text("0AF,;", min_size=1, max_size=8), min_size=1, max_size=10),
    st.integers(0, 6),
    st.sampled_from(["char", "byte"]),
    st.sampled_from([None, ",", ";"]),
    blocks,
)
def test_syntax_test(texts: list[str], nchar: int, lentype: str, delimiter: str | None, block_bytes: int) -> None:
    parameters = {"nchar": nchar, "lentype": lentype, "delimiter": delimiter}
    expected = oracle(qartod.syntax_test, inp=np.array(texts), **parameters)
    assert engine_flags("syntax_test", parameters, {"v": texts, "w": texts}, block_bytes, "string") == expected
