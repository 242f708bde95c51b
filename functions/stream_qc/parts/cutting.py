"""Cuts a text file into parts of whole records.

A cut falls anywhere, so the records of a part are those that begin between its cuts. A line is taken for a record, which is right
if no line break is quoted: the quotes of every line must come in pairs. `count` sees every byte, so `number` knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from stream_qc.formats import Format
from stream_qc.reading.bytestream import BOM
from stream_qc.reading.json_array import BLANKS
from stream_qc.reading.lines import MAX_RECORD_BYTES
from stream_qc.rules import Rules

MOST_PARTS = 1000
ABOVE_BYTES = 4 * 1024 * 1024  # of the rows that a part is given from above it, about
# CSV counts a blank line as a row only where others follow, and JSON lines never.
BLANK = {"csv": re.compile(rb"\n\r*\n"), "ndjson": re.compile(rb"\n[ \t\r\v\f]*\n")}

ReadRange = Callable[
    [int, int], BinaryIO
]  # returns the bytes of the file from the first one up to the second, without it


class Cut(msgspec.Struct, frozen=True):
    """The bytes from `start` up to `end`: where the records of a part begin. number: from 0."""

    number: int
    start: int
    end: int


class Counted(msgspec.Struct, frozen=True):
    """What was counted between two cuts: the records that begin there.

    start, end: their bytes. rows: how many; the header is not a row. above: the byte from which on the next part reads its rows
    above. above_rows: how many those are. header_end: the end of the header, in the first part. odd: why the file cannot be cut
    into lines, or "".
    """

    number: int
    start: int
    end: int
    rows: int
    above: int
    above_rows: int
    header_end: int
    odd: str = ""


class Part(msgspec.Struct, frozen=True):
    """Consecutive rows of a file.

    number: from 0. of: how many parts there are. start, end: its bytes. first: its first row, from 0. rows: how many it has.
    above: the byte from which on the rows above it are read first, for what the checks carry from row to row. above_rows: how
    many those are. header_end: the end of the file's header.
    """

    number: int
    of: int
    start: int
    end: int
    first: int
    rows: int
    above: int
    above_rows: int
    header_end: int

    def __str__(self) -> str:
        return f"part {self.number + 1:,} of {self.of:,} (bytes {self.start:,} to {self.end:,})"


def why_whole(form: Format, rules: Rules) -> str:
    """Returns why a file of this format cannot be checked in parts under these rules; "" if it can."""
    if not form.can_be_cut:
        return f"a file of the format {form} cannot be cut"
    if form.kind == "csv" and not rules.schema.dialect.is_plain:
        return "its dialect can be read only from the start of the file"
    if rules.flags:
        return "the rules ask for the flags of every row"
    return ""


def cut(size: int, part_bytes: int, most: int = MOST_PARTS) -> list[Cut]:
    """Returns the cuts of a file: parts of `part_bytes`, or of more bytes where there would be too many."""
    count = max(1, min(most, -(-size // part_bytes)))
    edges = [size * number // count for number in range(count + 1)]
    return [Cut(number, edges[number], edges[number + 1]) for number in range(count)]


def count(read: ReadRange, size: int, cut: Cut, form: Format, *, above_bytes: int = ABOVE_BYTES) -> Counted:
    """Counts the records that begin between two cuts, and makes sure that each line is one. size: of the file, in bytes."""
    try:
        return _count(read, size, cut, form, above_bytes)
    except _OddError as odd:
        return Counted(cut.number, cut.start, cut.end, 0, cut.start, 0, 0, str(odd))


def number(counted: Sequence[Counted]) -> tuple[list[Part], str]:
    """Returns the parts that have rows, numbered; or why the file must be checked in one pass."""
    odd = next((one.odd for one in counted if one.odd), "")
    if odd:
        return [], odd
    found = [one for one in sorted(counted, key=lambda one: one.number) if one.rows]
    header_end = next(one.header_end for one in counted if one.number == 0)
    parts: list[Part] = []
    first = 0
    for place, one in enumerate(found):
        before = found[place - 1] if place else None
        above, above_rows = (before.above, before.above_rows) if before else (one.start, 0)
        start = max(one.start, header_end)
        parts.append(Part(place, len(found), start, one.end, first, one.rows, above, above_rows, header_end))
        first += one.rows
    return parts, "" if parts else "it has no rows"


class _OddError(Exception):
    """The file cannot be cut into lines, for this reason."""


def _count(read: ReadRange, size: int, cut: Cut, form: Format, above_bytes: int) -> Counted:
    start, end, rows, header_end = cut.start, cut.start, 0, 0
    until = min(size, cut.end + MAX_RECORD_BYTES + 2)  # where the longest line would end
    edges: list[tuple[int, int]] = []  # where lines begin, and how many rows are above
    for position, data in _whole_lines(read(max(0, cut.start - 1), until), cut, above_bytes):
        _refuse_odd(data, form, position, last=position + len(data) == size)
        if not edges:
            start = position
            header_end = data.find(b"\n") + 1 if position == 0 and form.kind == "csv" else 0
        edges.append((position + (0 if edges else header_end), rows))
        rows += _lines_in(data) - (1 if header_end and position == 0 else 0)
        end = position + len(data)
    above, before = next(
        (one for one in reversed(edges) if one[0] <= end - above_bytes), edges[0] if edges else (start, 0)
    )
    return Counted(cut.number, start, end, rows, above, rows - before, header_end)


def _whole_lines(stream: BinaryIO, cut: Cut, size: int) -> Iterator[tuple[int, bytes]]:
    """Yields the lines that begin between the cuts, about `size` bytes at a time, each time with their first byte's number.

    stream: the file from the byte before the first cut on, or from its start.
    """
    position, rest = cut.start, b""
    if cut.start:
        while b"\n" not in rest:
            chunk = stream.read(size)
            if not chunk:
                return
            rest += chunk
            _refuse_long(rest.partition(b"\n")[0])
        line, _, rest = rest.partition(b"\n")
        position = cut.start - 1 + len(line) + 1
    while position < cut.end:
        chunk = stream.read(size)
        rest += chunk
        wanted = cut.end - position  # a line that begins at this byte belongs to the next part
        whole = rest.find(b"\n", wanted - 1) + 1 if len(rest) >= wanted else 0
        if whole or not chunk:
            if rest:
                yield position, rest[: whole or None]
            return
        whole = rest.rfind(b"\n") + 1
        if whole:
            yield position, rest[:whole]
        position, rest = position + whole, rest[whole:]
        _refuse_long(rest)


def _lines_in(data: bytes) -> int:
    """Returns the number of lines, without the blank ones at the end."""
    return data.rstrip(b"\r\n").count(b"\n") + 1 if data.strip(b"\r\n") else 0


def _refuse_odd(data: bytes, form: Format, position: int, *, last: bool) -> None:
    """Raises _OddError if a line may not be a row. last: whether the file ends here; blank lines at its end are none."""
    where = f"bytes {position:,} to {position + len(data):,}"
    if form.kind == "ndjson":
        if data.lstrip(BOM + BLANKS).startswith(b"["):
            raise _OddError("it may be a JSON array")
        if position and data.startswith(BOM):
            raise _OddError(f"there is a byte order mark in {where}")
    text = data.rstrip(b"\r\n") if last else data
    blank = BLANK[form.kind].search(b"\n" + text + (b"\n" if last else b"")) if text else None
    if blank or b"\r\r" in data[len(text) :]:
        raise _OddError(f"there is a blank line in {where}")
    start = 0
    while start < len(data):
        line_end = data.rfind(b"\n", start, start + MAX_RECORD_BYTES) + 1
        if not line_end:
            _refuse_long(data[start:])
            break
        start = line_end
    if form.kind == "csv" and b'"' in data and any(line.count(b'"') % 2 for line in data.split(b"\n")):
        raise _OddError(f"a line break may be quoted in {where}")


def _refuse_long(line: bytes) -> None:
    if len(line) >= MAX_RECORD_BYTES:
        raise _OddError(f"a line is longer than {MAX_RECORD_BYTES:,} bytes")
