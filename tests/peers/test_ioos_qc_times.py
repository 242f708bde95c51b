"""Compares the flags of the engine with those of ioos_qc 3.0.0 on irregular times (`make peers`).

The times have steps below a second, repeat, go back or are missing, and rows of several stations alternate. Values are
multiples of 1/8, so that sums and differences are exact, and limits are drawn from the values' own differences. Left out
is what floating-point rounding alone decides: limits that are not exact, and standard deviations next to a limit. Left out
too is what ioos_qc cannot do: flat_line_test and min_period below a second or with a missing time, and periods of times
that go back or are missing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import median
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from ioos_qc import qartod

from tests.peers.comparing import EXAMPLES, START, Values, blocks, engine_flags, instants, numbers, oracle, with_missing

Times = list[dt.datetime | None]

FORWARD = (0.0, 0.1, 0.5, 0.999, 1.0, 1.5, 60.0, 3600.0)
ANY_WAY = (*FORWARD, -0.1, -0.5, -1.5, -60.0)
value = st.sampled_from([0.0, 0.125, 0.25, 0.25, 0.375, 1.0, 1.0, 1.5, -3.25, 100.0, None, math.nan])


@st.composite
def series(
    draw: st.DrawFn, steps: tuple[float, ...], *, missing: bool = False, stations: tuple[int, ...] = (1, 2, 3)
) -> tuple[Values, Times]:
    """Draws values and their times. A few kinds of steps recur; each of the stations has a row at each time."""
    kinds = draw(st.lists(st.sampled_from(steps), min_size=1, max_size=3))
    together = draw(st.sampled_from(stations))
    taken = draw(st.lists(value, min_size=2, max_size=24))
    times: Times = []
    now = START
    for row in range(len(taken)):
        if row and row % together == 0:
            now += dt.timedelta(seconds=draw(st.sampled_from(kinds)))
        times.append(None if missing and draw(st.integers(0, 7)) == 0 else now)
    return taken, times


def known(taken: Values) -> list[float]:
    return [one for one in taken if one is not None and not math.isnan(one)]


def exact(limits: Sequence[Fraction]) -> list[float]:
    """Returns the limits that a float holds exactly. Whether others are exceeded is a matter of rounding."""
    return sorted({float(limit) for limit in limits if Fraction(float(limit)) == limit})


def differences(taken: Values) -> list[float]:
    """Returns the sizes of the steps between values, and half of them: limits that are just met."""
    fractions = [Fraction(one) for one in known(taken)]
    steps = [abs(two - one) for one in fractions for two in fractions]
    return exact([0, Fraction(1, 2), *steps, *(step / 2 for step in steps)])  # type: ignore[list-item]  # 0 is one


def seconds_between(times: Times) -> list[float]:
    pairs = itertools.pairwise(times)
    return [(two - one).total_seconds() for one, two in pairs if one is not None and two is not None]


@EXAMPLES
@given(st.lists(value, min_size=2, max_size=25), st.sampled_from(["average", "differential"]), st.data(), blocks)
def test_spike_test_at_its_limits(taken: Values, method: str, data: st.DataObject, block_bytes: int) -> None:
    limit = st.none() | st.sampled_from(differences(taken))
    parameters = {"suspect_threshold": data.draw(limit), "fail_threshold": data.draw(limit), "method": method}
    expected = oracle(qartod.spike_test, inp=numbers(taken), **parameters)
    assert engine_flags("spike_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


@EXAMPLES
@given(st.lists(value, min_size=1, max_size=25), st.data(), blocks)
def test_gross_range_test_at_its_limits(taken: Values, data: st.DataObject, block_bytes: int) -> None:
    bound = st.sampled_from(known(taken) or [0.0])
    ends = sorted(data.draw(st.lists(bound, min_size=4, max_size=4)))
    suspect = data.draw(st.sampled_from([None, (ends[1], ends[2])]))
    parameters = {"fail_span": (ends[0], ends[3]), "suspect_span": suspect}
    expected = oracle(qartod.gross_range_test, inp=numbers(taken), **parameters)
    assert engine_flags("gross_range_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


@EXAMPLES
@given(series(ANY_WAY, missing=True), st.data(), blocks)
def test_rate_of_change_test_on_irregular_times(
    drawn: tuple[Values, Times], data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    whole = {max(1, abs(math.floor(step))) for step in seconds_between(times)} or {1}
    rates = exact([Fraction(step) / seconds for step in differences(taken) for seconds in whole])
    # In ioos_qc the interval to a missing time is 292 years, so that any change is faster than 0 a second.
    limit = st.sampled_from([*(rate for rate in rates if rate or None not in times), 0.5])
    parameters = {"threshold": data.draw(limit), "fail_threshold": data.draw(st.none() | limit)}
    expected = oracle(qartod.rate_of_change_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("rate_of_change_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


@EXAMPLES
@given(series((1.0, 1.5, 2.9, 60.0, 60.5, -0.5), stations=(1, 1, 2)), st.data(), blocks)
def test_flat_line_test_on_irregular_times(drawn: tuple[Values, Times], data: st.DataObject, block_bytes: int) -> None:
    taken, times = drawn
    interval = math.floor(median(seconds_between(times)))
    assume(interval >= 1)  # below a second ioos_qc divides by zero
    seconds = st.sampled_from([0, interval, 2 * interval - 1, 2 * interval, 3.5 * interval, 100 * interval])
    parameters = {
        "suspect_threshold": data.draw(seconds),
        "fail_threshold": data.draw(seconds),
        "tolerance": data.draw(st.sampled_from(differences(taken))),
    }
    expected = oracle(qartod.flat_line_test, inp=numbers(taken), tinp=instants(times), **parameters)
    if len(taken) < 3:
        expected = with_missing(expected, taken)
    assert engine_flags("flat_line_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


@EXAMPLES
@given(
    series(FORWARD),
    st.sampled_from([0.1, 0.5, 0.999, 1, 1.5, 2, 60, 120, 7200]),
    st.sampled_from(["min_obs", "min_period"]),
    st.data(),
    blocks,
)
def test_attenuated_signal_test_range_in_a_period(
    drawn: tuple[Values, Times], period: float, fewest: str, data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    parameters = drawn_limits(data, taken, times, fewest) | {"test_period": period, "check_type": "range"}
    expected = oracle(qartod.attenuated_signal_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("attenuated_signal_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


@EXAMPLES
@given(
    series(FORWARD),
    st.sampled_from([0.1, 0.5, 0.999, 1, 1.5, 2, 60, 120, 7200]),
    st.sampled_from(["min_obs", "min_period"]),
    st.data(),
    blocks,
)
def test_attenuated_signal_test_std_in_a_period(
    drawn: tuple[Values, Times], period: float, fewest: str, data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    parameters = drawn_limits(data, taken, times, fewest) | {"test_period": period, "check_type": "std"}
    expected = oracle(qartod.attenuated_signal_test, inp=numbers(taken), tinp=instants(times), **parameters)
    found = engine_flags("attenuated_signal_test", parameters, {"time": times, "v": taken}, block_bytes)
    limits = (parameters["suspect_threshold"], parameters["fail_threshold"])
    rows = [row for row in range(len(taken)) if not near(deviation(taken, times, period, row), limits)]
    assert [found[row] for row in rows] == [expected[row] for row in rows]


@EXAMPLES
@given(series(ANY_WAY, missing=True), st.sampled_from(["std", "range"]), st.data(), blocks)
def test_attenuated_signal_test_of_a_whole_series(
    drawn: tuple[Values, Times], kind: str, data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    parameters = drawn_limits(data, taken, times, "") | {"check_type": kind}
    whole = deviation(taken, [START] * len(taken), 1, len(taken) - 1)
    assume(kind == "range" or not near(whole, (parameters["suspect_threshold"], parameters["fail_threshold"])))
    expected = oracle(qartod.attenuated_signal_test, inp=numbers(taken), tinp=instants(times), **parameters)
    assert engine_flags("attenuated_signal_test", parameters, {"time": times, "v": taken}, block_bytes) == expected


def drawn_limits(data: st.DataObject, taken: Values, times: Times, fewest: str) -> dict[str, Any]:
    """Draws thresholds and, if `fewest` names one, how many rows or seconds of rows a period needs."""
    limit = st.sampled_from(differences(taken))
    found: dict[str, Any] = {"suspect_threshold": data.draw(limit), "fail_threshold": data.draw(limit)}
    if fewest == "min_obs":
        found["min_obs"] = data.draw(st.sampled_from([None, 1, 2, 3]))
    elif fewest and median(seconds_between(times)) >= 1:  # below a second ioos_qc divides by zero
        found["min_period"] = data.draw(st.sampled_from([1, 3, 60, 130]))
    return found


def deviation(taken: Values, times: Times, period: float, row: int) -> float:
    """Returns the standard deviation of the values in the period that ends with the row; 0 if there are none."""
    end = times[row]
    assert end is not None
    start = end - dt.timedelta(seconds=period)
    window = [one for one, time in zip(taken[: row + 1], times[: row + 1], strict=True) if time and time > start]
    there = [Fraction(one) for one in known(window)]
    mean = sum(there) / len(there) if there else Fraction(0)
    return math.sqrt(sum((one - mean) ** 2 for one in there) / len(there)) if there else 0.0


def near(size: float, limits: tuple[float, float]) -> bool:
    """Returns whether rounding decides if the size is below a limit. It does not for a limit of 0: no size is below it."""
    return any(limit and abs(size - limit) < 1e-6 for limit in limits)


@EXAMPLES
@given(series((*ANY_WAY, 86400.0 * 9), missing=True), st.data(), blocks)
def test_climatology_test_on_irregular_times(
    drawn: tuple[Values, Times], data: st.DataObject, block_bytes: int
) -> None:
    taken, times = drawn
    bound = st.sampled_from(known(taken) or [0.0])
    span = st.tuples(bound, bound)
    when = st.sampled_from(
        [
            {"tspan": (1, 1), "period": "month"},
            {"tspan": (0, 0), "period": "hour"},
            {"tspan": (0, 1), "period": "second"},
            {"tspan": (1, 8), "period": "dayofyear"},
            {"tspan": (START.isoformat(), (START + dt.timedelta(seconds=1.5)).isoformat())},
        ]
    )
    seasons = st.builds(lambda of, v, f: {**of, "vspan": v, "fspan": f}, when, span, st.none() | span)
    config = data.draw(st.lists(seasons, min_size=1, max_size=3))
    expected = oracle(
        qartod.climatology_test,
        config=[dict(one) for one in config],
        inp=numbers(taken),
        tinp=instants(times),
        zinp=numbers([math.nan] * len(taken)),
    )
    found = engine_flags("climatology_test", {"config": config}, {"time": times, "v": taken}, block_bytes)
    assert found == with_missing(expected, taken)


@EXAMPLES
@given(series((*ANY_WAY, 3600.1, 3599.999), missing=True), st.sampled_from([0, 0.25, 1 / 60, 1, 2]), blocks)
def test_time_gap_test_on_irregular_times(drawn: tuple[Values, Times], span: float, block_bytes: int) -> None:
    _, times = drawn
    expected = oracle(qartod.time_gap_test, tinp=instants(times), fail_span=span)
    columns = {"time": times, "v": [1.0] * len(times)}
    assert engine_flags("time_gap_test", {"fail_span": span}, columns, block_bytes) == with_missing(expected, times)


@EXAMPLES
@given(series(ANY_WAY, missing=True), st.sampled_from([0.0, 0.5, -0.5, 0.1, 60.0]), blocks)
def test_time_span_tests_below_a_second(drawn: tuple[Values, Times], offset: float, block_bytes: int) -> None:
    _, times = drawn
    columns = {"time": times, "v": [1.0] * len(times)}
    border = START + dt.timedelta(seconds=offset)
    parameters: dict[str, Any] = {"fail_span": 1.0, "from_time": (border + dt.timedelta(hours=1)).isoformat()}
    expected = oracle(qartod.data_reception_test, tinp=instants(times), **parameters)
    assert engine_flags("data_reception_test", parameters, columns, block_bytes) == expected
    parameters = {"fail_span": (border.isoformat(), (border + dt.timedelta(seconds=0.5)).isoformat())}
    expected = oracle(qartod.impossible_date_test, tinp=instants(times), **parameters)
    assert engine_flags("impossible_date_test", parameters, columns, block_bytes) == expected
