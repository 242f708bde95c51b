"""Compares the tests of profiles, positions and whole files with ioos_qc 3.0.0, as test_ioos_qc does the others.

One more difference is intended: an infinite number is a missing one, but in gross_range_test and for ioos_qc's percentiles.
"""

from __future__ import annotations

import datetime as dt

import shapely  # type: ignore[import-untyped]  # no stubs
from hypothesis import assume, example, given
from hypothesis import strategies as st
from ioos_qc import argo, axds, qartod

from tests.peers.comparing import EXAMPLES, START, Values, blocks, engine_flags, instants, numbers, oracle, with_missing

density = st.sampled_from([1024.0, 1024.5, 1024.75, 1025.0, 1026.0, None])
depth = st.sampled_from([0.0, 1.0, 2.0, 2.0, 5.0, 10.0, None])
limit = st.sampled_from([None, -0.5, -0.25, 0.0, 0.25])


@EXAMPLES
@given(st.lists(st.tuples(density, depth), min_size=1, max_size=20), limit, limit, blocks)
def test_density_inversion_test(
    rows: list[tuple[float | None, float | None]], suspect: float | None, fail: float | None, block_bytes: int
) -> None:
    assume(suspect is not None or fail is not None)
    inp, zinp = [list(column) for column in zip(*rows, strict=True)]
    parameters = {"suspect_threshold": suspect, "fail_threshold": fail}
    expected = oracle(qartod.density_inversion_test, inp=numbers(inp), zinp=numbers(zinp), **parameters)
    if len(rows) == 1 and None in rows[0]:
        expected = [9]  # ioos_qc: not evaluated
    assert engine_flags("density_inversion_test", parameters, {"z": zinp, "v": inp}, block_bytes) == expected


@EXAMPLES
@given(st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.5, 10.0, None]), min_size=2, max_size=20), st.booleans(), blocks)
def test_pressure_increasing_test(taken: Values, ordered: bool, block_bytes: int) -> None:
    if ordered:
        taken = sorted(taken, key=lambda one: -(one or 0))
    expected = with_missing(oracle(argo.pressure_increasing_test, inp=numbers(taken)), taken)
    assert engine_flags("pressure_increasing_test", {}, {"v": taken, "w": taken}, block_bytes) == expected


place = st.tuples(
    st.sampled_from([0.0, 45.5, 45.501, 89.9, None]), st.sampled_from([-179.99, 179.99, 7.0, 7.002, None]),
    st.sampled_from([0, 1, 60, 60.5, 3600]),
)  # fmt: skip


@EXAMPLES
@example([(89.9, -179.99, 0), (89.9, 179.99, 0)], (2.59, 100.0), 1)  # metres within one second
@given(st.lists(place, min_size=1, max_size=12), st.sampled_from([(1.0, 3.0), (2.59, 100.0), (0.0, 0.0)]), blocks)
def test_speed_test(
    places: list[tuple[float | None, float | None, float]], limits: tuple[float, float], block_bytes: int
) -> None:
    lat, lon, steps = [list(column) for column in zip(*places, strict=True)]
    times = [START + dt.timedelta(seconds=sum(steps[: row + 1])) for row in range(len(steps))]
    parameters = {"suspect_threshold": limits[0], "fail_threshold": limits[1]}
    expected = oracle(argo.speed_test, lon=numbers(lon), lat=numbers(lat), tinp=instants(times), **parameters)
    expected = with_missing(with_missing(expected, lat), lon)
    columns = {"time": times, "lat": lat, "lon": lon, "v": [1.0] * len(lat)}
    assert engine_flags("speed_test", parameters, columns, block_bytes) == expected


@EXAMPLES
@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, float("inf"), None]), min_size=1, max_size=12),
    st.sampled_from([(0.0, 1.0), (None, 1.0), (0.0, None), (0.5, 0.5)]), st.booleans(), st.booleans(), blocks,
)  # fmt: skip
def test_valid_range_test(
    taken: Values, span: tuple[float | None, float | None], start: bool, end: bool, block_bytes: int
) -> None:
    parameters = {"valid_span": span, "start_inclusive": start, "end_inclusive": end}
    expected = oracle(axds.valid_range_test, inp=numbers(taken), **parameters)
    assert engine_flags("valid_range_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


corner = st.tuples(*[st.sampled_from([-1.0, 0.0, 0.1, 0.3, 1.0, 2.0])] * 2)
coordinate = st.sampled_from([-1.0, 0.0, 0.1, 0.2, 0.25, 0.3, 1.0, 1.5, 2.0, None]) | st.floats(-2, 2)


@EXAMPLES
@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=20),
    st.sampled_from([[0.0, 0.1, 1.0, 2.0]]) | st.lists(corner, min_size=3, max_size=6, unique=True),
    st.sampled_from(["outside", "inside"]), blocks,
)  # fmt: skip
def test_location_bounds_test(
    places: list[tuple[float | None, float | None]],
    shape: list[float | tuple[float, float]],
    area: str,
    block_bytes: int,
) -> None:
    lat, lon = [list(column) for column in zip(*places, strict=True)]
    as_ioos = shape if isinstance(shape[0], float) else tuple(shape)
    assume(isinstance(shape[0], float) or shapely.Polygon(shape).is_valid)
    expected = oracle(qartod.location_bounds_test, lon=numbers(lon), lat=numbers(lat), shape=as_ioos, flag_area=area)
    columns = {"lat": lat, "lon": lon, "v": [1.0] * len(lat)}
    parameters = {"shape": shape, "flag_area": area}
    assert engine_flags("location_bounds_test", parameters, columns, block_bytes) == expected


@EXAMPLES
@given(
    st.lists(st.sampled_from([0.0, 1.0, 1.25, 3.0, 3.0, 100.0, -7.1, None]), min_size=1, max_size=25),
    st.sampled_from([(5, 95), (0, 99), (25.5, 50), (50, 50)]), st.sampled_from([0.0, 0.5]), blocks,
)  # fmt: skip
def test_percentile_range_test(taken: Values, shares: tuple[float, float], pad: float, block_bytes: int) -> None:
    assume(any(one is not None for one in taken))
    parameters = {"low_percentile": shares[0], "hi_percentile": shares[1], "pad": pad}
    expected = oracle(qartod.percentile_range_test, inp=numbers(taken), **parameters)
    assert engine_flags("percentile_range_test", parameters, {"v": taken, "w": taken}, block_bytes) == expected


@EXAMPLES
@given(st.lists(st.sampled_from([0, 1, 60, 60, 7200, None]), min_size=1, max_size=12), blocks)
def test_duplicate_timestamp_test(offsets: list[int | None], block_bytes: int) -> None:
    times = [None if offset is None else START + dt.timedelta(seconds=offset) for offset in offsets]
    expected = oracle(argo.duplicate_timestamp_test, tinp=instants(times))
    columns = {"time": times, "v": [1.0] * len(times)}
    assert engine_flags("duplicate_timestamp_test", {}, columns, block_bytes) == expected
