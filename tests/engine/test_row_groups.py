"""Parquet files are cut between their row groups. A footer that cannot be trusted leaves the file to one pass."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.engine import check_stream
from stream_qc.parts.footer import RowGroup, UnknownFooterError, row_groups
from stream_qc.parts.row_groups import footer_of
from stream_qc.rules import load
from stream_qc.vocabulary import PROCESSES
from tests.amount import examples
from tests.engine.in_parts import PARQUET, Cutting, as_parquet, in_parts, parts_of, table_of, text_of


def footer_in(content: bytes) -> bytes:
    return content[-int.from_bytes(content[-8:-4], "little") - 8 :]


FOOTER = footer_in(as_parquet(table_of(60), 7))


@pytest.mark.parametrize("how", [{}, {"compression": "snappy"}, {"statistics": False}, {"compression": "uncompressed"}])
def test_row_groups_are_found_where_they_are(how: dict[str, Any]) -> None:
    content = as_parquet(table_of(1000), 70, **how)
    read = io.BytesIO(content).getbuffer()
    groups = row_groups(footer_of(lambda start, end: io.BytesIO(read[start:end]), len(content)))
    assert [group.rows for group in groups] == [70] * 14 + [20]
    assert groups[0].start == 4
    assert all(one.end <= other.start for one, other in pairwise(groups))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda content: content[:-1] + b"X", "it does not end as a Parquet file does"),
        (lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1", "its footer would have 2,147,483,655 bytes"),
        (lambda content: content[:-40] + b"\xff" * 32 + content[-8:], ""),
        (lambda content: content[:3], "it does not end as a Parquet file does"),
    ],
)
def test_a_footer_that_is_damaged_is_left_to_one_pass(damage: Callable[[bytes], bytes], why: str) -> None:
    content = damage(as_parquet(table_of(1000), 70))
    parts, found = parts_of(content, PARQUET, Cutting(part_bytes=100))
    assert found.startswith(why)
    assert bool(parts) != bool(found)


@examples(200)
@given(st.binary(max_size=200))
def test_any_footer_is_read_or_refused(footer: bytes) -> None:
    with contextlib.suppress(UnknownFooterError):
        row_groups(footer)


@examples(300)
@given(at=st.integers(0, len(FOOTER) - 1), byte=st.integers(0, 255))
def test_a_footer_with_a_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    footer = bytearray(FOOTER)
    footer[at] = byte
    with contextlib.suppress(UnknownFooterError):
        row_groups(bytes(footer))


@pytest.mark.parametrize("value", [10, {}, [{}]])
def test_a_footer_whose_columns_are_no_structs_is_refused(value: Any) -> None:
    for groups in ([{1: [{3: value}], 3: 10}], [{1: [value], 3: 10}], [{1: value, 3: 10}], [value], value):
        with pytest.raises(UnknownFooterError):
            row_groups(_thrift({3: 10, 4: groups}))


def test_a_part_of_a_parquet_file_that_is_damaged_makes_the_file_unreadable() -> None:
    content = bytearray(as_parquet(table_of(1000), 70))
    content[len(content) // 3 : len(content) // 3 + 30] = b"\xff" * 30
    asked = load("schema: {fields: [{name: n, type: integer}]}")
    found, why = in_parts(bytes(content), PARQUET, asked, Cutting(part_bytes=100))
    assert not why
    for process in PROCESSES:
        (report,) = check_stream(lambda: io.BytesIO(content), PARQUET, asked, [process]).values()
        assert found[process] == text_of(report)
        assert "damaged" in str(found[process])


def _thrift(value: Any) -> bytes:
    """A number as zigzag, or a struct, a list of structs or of texts, in Thrift's compact protocol; enough for a footer."""
    if isinstance(value, int):
        number, found = (value << 1) ^ (value >> 63), b""
        while number > 127:
            found, number = found + bytes([number & 127 | 128]), number >> 7
        return found + bytes([number])
    if isinstance(value, list):
        kind = 8 if isinstance(value[0], bytes) else 12
        return bytes([len(value) << 4 | kind]) + b"".join(
            bytes([len(one)]) + one if kind == 8 else _thrift(one) for one in value
        )
    kinds = {int: 6, list: 9, dict: 12}
    found, last = b"", 0
    for field, one in sorted(value.items()):
        found += bytes([(field - last) << 4 | kinds[type(one)]]) + _thrift(one)
        last = field
    return found + b"\0"


def footer(rows: int = 10, *, whole: int = 10, values: int = 10, data: int = 50, dictionary: int | None = 4) -> bytes:
    at = {} if dictionary is None else {11: dictionary}
    column = {3: {3: [b"v"], 5: values, 7: 80, 9: data, **at}}
    return _thrift({3: whole, 4: [{1: [column], 3: rows}]})


def test_a_row_group_begins_where_polars_reads_it() -> None:
    assert row_groups(footer()) == [RowGroup(4, 84, 10)]
    assert row_groups(footer(dictionary=None)) == [RowGroup(50, 130, 10)]


@pytest.mark.parametrize(
    "lie",
    [
        {"whole": 11}, {"rows": 9}, {"rows": 9, "whole": 9}, {"rows": 0, "whole": 0, "values": 0}, {"dictionary": 60}, {"dictionary": 0},
        {"dictionary": -4}, {"data": -100}, {"rows": 2**40, "whole": 2**40, "values": 2**40},
    ],
)  # fmt: skip
def test_a_footer_that_contradicts_itself_is_left_to_one_pass(lie: dict[str, int]) -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(footer(**lie))


def test_a_footer_of_too_many_parts_is_refused() -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(b"\xf9\xfc\x80\xdb\x80\x01" + bytes(2_110_000))  # a list of 2,108,800 empty structs


def test_a_number_without_an_end_is_refused_at_once() -> None:
    with pytest.raises(UnknownFooterError):
        row_groups(b"\x16" + b"\xff" * 5_000_000)
