"""Keys that nearly ascend are compared as they come, without a second pass over the file."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import recent_keys
from stream_qc.checks.recent_keys import RecentKeys
from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import load
from tests.amount import examples

RULES = load("schema: {fields: [{name: id, type: integer, constraints: {unique: true}}]}")


@examples(1_000)
@given(steps=st.lists(st.sampled_from([0, 1, 1, 1, 1, 1, -1, -2, -5, -20, 9]), max_size=60), without=st.sets(st.integers(0, 59), max_size=8),
       size=st.integers(1, 12), kept=st.sampled_from([0, 50, 1_000]), kind=st.sampled_from([int, str]))  # fmt: skip
def test_rows_are_repeated_if_a_row_above_has_their_key(
    steps: list[int], without: set[int], size: int, kept: int, kind: type
) -> None:
    keys: list[Any] = [kind(1_000 + sum(steps[: index + 1])) for index in range(len(steps))]
    keys = [None if index in without else key for index, key in enumerate(keys)]
    first = [keys.index(key) for key in keys]
    recent = RecentKeys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_keys, "KEPT_BYTES", kept)
        for start in range(0, len(keys), size):
            end = min(start + size, len(keys))
            found = recent.repeated(start, pl.Series(keys[start:end], dtype=pl.Int64 if kind is int else pl.String))
            if found is None:
                assert any(step < 0 for step in steps)  # something goes back
                break
            assert found.rows() == [
                (row, first[row]) for row in range(start, end) if keys[row] is not None and first[row] < row
            ]


def passes(ids: list[int], block_bytes: int) -> tuple[int, int]:
    """Returns how many rows fail `unique`, and how often the file is read."""
    opened: list[BinaryIO] = []

    def open_stream() -> BinaryIO:
        opened.append(io.BytesIO("\n".join(["id", *map(str, ids), ""]).encode()))
        return opened[-1]

    reports = check_stream(open_stream, Format("csv", ""), RULES, [1], block_bytes=block_bytes)
    (found,) = (result for result in reports[1].results if result.test == "unique")
    return found.fail, len(opened)


@pytest.mark.parametrize("block_bytes", [40, 500, 1 << 20])
def test_few_keys_out_of_order_need_no_second_pass(block_bytes: int) -> None:
    ids = [*range(100), 50, 98, *range(100, 300), 250, 40, -1, *range(300, 400), -1]
    assert passes(ids, block_bytes) == (5, 1)


@pytest.mark.parametrize("block_bytes", [500, 1 << 20])
def test_many_keys_out_of_order_need_a_second_pass_only_if_some_repeat(block_bytes: int) -> None:
    ids = [index * 7_919 % 2_000 for index in range(2_000)]
    assert passes(ids, block_bytes) == (0, 1)
    assert passes([*ids, 5], block_bytes) == (1, 2)


def test_key_that_is_not_kept_any_more_needs_more_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_keys, "KEPT_BYTES", 200)
    assert passes([*range(1_000), 990], 100) == (1, 1)
    assert passes([*range(1_000), 5], 100) == (1, 3)
