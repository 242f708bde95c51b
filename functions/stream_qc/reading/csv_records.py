"""The records of a CSV stream (RFC 4180): where each begins and ends, and which are none."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.lines import MAX_RECORD_BYTES, skip_line

MOST_TOGETHER = 2000  # pieces in a block
SMALL = 4096  # bytes of a piece


@dataclass(frozen=True)
class Grammar:
    """The regular expressions of one separator. `records`: as many whole records as there are; `one`: a record's cells."""

    separator: bytes
    records: re.Pattern[bytes]
    one: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    unfinished: re.Pattern[bytes]  # the beginning of a record that more bytes may complete


QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')


@functools.cache
def grammar(separator: str) -> Grammar:
    sep = re.escape(separator.encode())
    quoted, plain = rb'"(?:[^"]++|"")*+"', rb'[^"\n' + sep + rb"]*+"
    field = rb"(?:" + quoted + rb"|" + plain + rb")"
    record = field + rb"(?:" + sep + field + rb")*+\r?\n"
    return Grammar(
        separator.encode(),
        records=re.compile(rb"(?:" + record + rb")*+"),
        one=re.compile(record),
        cell=re.compile(rb"(?:^|(?<=" + sep + rb"))(" + quoted + rb"|" + plain + rb")(?=" + sep + rb"|$)"),
        unfinished=re.compile(rb"(?:" + field + sep + rb')*+(?:"(?:[^"]++|"")*+"?\r?|' + plain + rb")\Z"),
    )


@dataclass(frozen=True)
class Piece:
    """Well-formed records, or (with a reason) one that is not."""

    data: bytes
    reason: str = ""


def pieces_of(content: Bytes, data: bytes, syntax: Grammar, size: int) -> Iterator[Piece]:
    """The records of the stream: stretches of well-formed ones, and each one that is not by itself."""
    final = False
    while True:
        position = 0
        while position < len(data):
            end = _whole_records(data, position, syntax)
            if end > position:
                yield Piece(data[position:end])
                position = end
                continue
            line_end = data.find(b"\n", position, position + MAX_RECORD_BYTES) + 1
            left = len(data) - position
            if not final and left <= MAX_RECORD_BYTES and (not line_end or syntax.unfinished.match(data, position)):
                break  # more bytes may complete it
            if line_end:
                yield Piece(data[position : line_end - 1], _what_is_wrong(data[position:line_end], syntax))
                position = line_end
                continue
            start = data[position : position + 1000]
            line_end = data.find(b"\n", position) + 1
            if line_end:
                position = line_end
            else:
                data, position = skip_line(content, size), 0
            yield Piece(start, f"longer than {MAX_RECORD_BYTES:,} bytes")
        if final:
            return
        chunk = content.read(size)
        final = not chunk  # not where it is short: the stream may break there, and what is left be no record
        data = data[position:] + chunk
        if final and data and not data.endswith(b"\n"):
            data += b"\n"


def _whole_records(data: bytes, position: int, syntax: Grammar) -> int:
    """Where the well-formed records end that begin at this position, none of them over MAX_RECORD_BYTES long."""
    quotes = data.find(b'"', position) >= 0
    while position < len(data):
        window = position + MAX_RECORD_BYTES
        if quotes:
            match = syntax.records.match(data, position, window)
            end = match.end() if match else position
        else:
            end = data.rfind(b"\n", position, window) + 1
        if end <= position:
            break
        position = end
    return position


def _what_is_wrong(line: bytes, syntax: Grammar) -> str:
    if syntax.unfinished.match(line):
        return "a quote that is opened and not closed"
    return "a quote in the middle of a value; quote the whole value and double the quotes in it"


def without_trailing_blanks(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces without the blank lines at the end of the stream, which are no rows."""
    blank = b""
    for piece in pieces:
        if piece.reason:
            if blank:
                yield Piece(blank)
            yield piece
            blank = b""
            continue
        data = blank + piece.data
        body = data.rstrip(b"\r\n")
        if not body:
            blank = data
            continue
        end = data.index(b"\n", len(body)) + 1
        yield Piece(data[:end])
        blank = data[end:]


def gathered(pieces: Iterator[Piece], size: int) -> Iterator[list[Piece]]:
    """The pieces, small ones together: to have polars parse a few rows costs more than to take them apart."""
    small: list[Piece] = []
    room = size // 2
    try:
        for piece in pieces:
            if not piece.reason and len(piece.data) > SMALL:
                if small:
                    yield small
                yield [piece]
                small, room = [], size // 2
                continue
            small.append(piece)
            room -= len(piece.data)
            if len(small) == MOST_TOGETHER or room <= 0:
                yield small
                small, room = [], size // 2
    except UnreadableFile:  # what came before it counts
        if small:
            yield small
        raise
    if small:
        yield small
