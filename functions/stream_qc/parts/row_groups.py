"""Cuts a Parquet file into parts of whole row groups."""

from __future__ import annotations

from itertools import pairwise

from stream_qc.parts.cutting import MOST_PARTS, Part, ReadRange
from stream_qc.parts.footer import MAGIC, TAIL, RowGroup, UnknownFooterError, footer_bytes, row_groups

ABOVE_ROWS = 100_000  # at most, of a Parquet file
MOST_FOOTER_BYTES = 12 * 1024 * 1024  # which takes some 15 times as much memory to read


def row_group_parts(read: ReadRange, size: int, part_bytes: int, most: int = MOST_PARTS) -> tuple[list[Part], str]:
    """Returns the parts of the file, row groups of at least `part_bytes` together; or why it must be checked in one pass.

    read, size: its bytes, and how many there are. most: of the parts.
    """
    try:
        groups = row_groups(footer_of(read, size))
    except UnknownFooterError as error:
        return [], str(error)
    if len(groups) < 2:
        return [], "it has one row group" if groups else "it has no rows"
    if (
        any(one.end > other.start for one, other in pairwise(groups))
        or groups[-1].end > size
        or read(0, 4).read() != MAGIC
    ):
        return [], "its row groups are not in the order of their rows"
    together: list[list[RowGroup]] = [[]]
    least = max(part_bytes, size // most)
    for group in groups:
        if together[-1] and together[-1][-1].end - together[-1][0].start >= least:
            together.append([])
        together[-1].append(group)
    parts: list[Part] = []
    first = 0
    for number, some in enumerate(together):
        before = together[number - 1][-1] if number else RowGroup(some[0].start, some[0].start, 0)
        rows = sum(group.rows for group in some)
        above_rows = min(before.rows, ABOVE_ROWS)
        start, end = some[0].start, some[-1].end
        parts.append(Part(number, len(together), start, end, first, rows, before.start, above_rows, 0))
        first += rows
    return parts, ""


def footer_of(read: ReadRange, size: int) -> bytes:
    """Returns the footer of a Parquet file. Raises UnknownFooterError."""
    length = footer_bytes(read(max(0, size - TAIL), size).read())
    if length > min(size, MOST_FOOTER_BYTES):
        raise UnknownFooterError(f"its footer would have {length:,} bytes")
    return read(size - length, size).read()
