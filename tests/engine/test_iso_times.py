"""Times in the commonest form are read as Python reads them, and any other text is left to the slower way."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.iso_times import parse
from tests.amount import examples

TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)).map(lambda time: time.replace(microsecond=0))
EDGES = st.sampled_from([dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59), dt.datetime(2000, 2, 29), dt.datetime(1970, 1, 1)])  # fmt: skip


@examples(2_000)
@given(times=st.lists(st.one_of(TIMES, EDGES), min_size=1, max_size=5), separator=st.sampled_from("T "), zone=st.sampled_from(["", "Z"]))  # fmt: skip
def test_times_are_those_of_python(times: list[dt.datetime], separator: str, zone: str) -> None:
    found = parse(pl.Series([time.isoformat(separator) + zone for time in times]))
    assert found is not None
    assert found.to_list() == times


@examples(500)
@given(start=st.one_of(TIMES, EDGES), step=st.sampled_from([1, 60, 3_600, 86_400, 2_600_000, 31_000_000]), rows=st.integers(1, 60))  # fmt: skip
def test_times_that_share_their_year_or_month_are_those_of_python(start: dt.datetime, step: int, rows: int) -> None:
    room = int((dt.datetime(9999, 12, 31, 23, 59, 59) - start).total_seconds()) // step + 1
    times = [start + dt.timedelta(seconds=step * row) for row in range(min(rows, room))]
    found = parse(pl.Series([time.isoformat() for time in times]))
    assert found is not None
    assert found.to_list() == times


@examples(5_000)
@given(time=st.one_of(TIMES, EDGES), place=st.integers(0, 19), character=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("0123456789:-+ TZtz/;é")))  # fmt: skip
def test_changed_character_is_read_only_if_it_is_still_a_time(time: dt.datetime, place: int, character: str) -> None:
    text = time.isoformat() + "Z"
    changed = text[:place] + character + text[place + 1 :]
    found = parse(pl.Series([text, changed]))
    try:
        digits = [changed[start : start + 2] for start in (0, 2, 5, 8, 11, 14, 17)]
        regular = all(pair.isascii() and pair.isdigit() for pair in digits) and [changed[at] for at in (4, 7, 10, 13, 16, 19)] == list("--T::Z")  # fmt: skip
        expected = dt.datetime.fromisoformat(changed.removesuffix("Z")) if regular and len(changed) == 20 else None
    except ValueError:
        expected = None
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.to_list() == [time, expected]


@pytest.mark.parametrize(
    "text",
    [
        "0000-01-01T00:00:00Z", "2020-00-01T00:00:00Z", "2020-13-01T00:00:00Z", "2020-01-00T00:00:00Z",
        "2021-02-29T00:00:00Z", "2020-04-31T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:60Z", "2020-01-01t00:00:00Z", "2020-01-01T00:00:00+0", "20200-1-01T00:00:00Z", "", None,
    ],
)  # fmt: skip
def test_other_text_is_not_a_time_in_this_form(text: str | None) -> None:
    assert parse(pl.Series([text], dtype=pl.String)) is None
    assert parse(pl.Series(["2020-01-01T00:00:00Z", text], dtype=pl.String)) is None


def test_forms_are_not_mixed() -> None:
    assert parse(pl.Series(["2020-01-01T00:00:00Z", "2020-01-01T00:00:00"])) is None
    assert parse(pl.Series(["2020-01-01T00:00:00Z", "2020-01-01 00:00:00Z"])) is None
    assert parse(pl.Series(dtype=pl.String)) is None
