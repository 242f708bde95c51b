"""Splits a CSV stream (RFC 4180) into records and finds the malformed ones."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.lines import MAX_RECORD_BYTES, skip_line

MOST_TOGETHER = 2000  # pieces per block
MOST_CELLS = 50  # of a row that one regular expression describes
SMALL = 4096  # bytes; smaller pieces are grouped


@dataclass(frozen=True)
class Grammar:
    """The regular expressions for one separator. `records` matches any number of whole records, `one` a single record.

    row: matches a line that is a record of as many cells as the header has, in polars' syntax; None for very many.
    """

    separator: bytes
    records: re.Pattern[bytes]
    one: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    unfinished: re.Pattern[bytes]  # the start of a record that more bytes may complete
    row: str | None = None


QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')


@functools.lru_cache(maxsize=100)
def grammar(separator: str, width: int = 0) -> Grammar:
    """Returns the regular expressions for CSV with this separator. width: the cells of the header, if it is known."""
    sep = re.escape(separator.encode())
    quoted, plain = rb'"(?:[^"]++|"")*+"', rb'[^"\n' + sep + rb"]*+"
    field = rb"(?:" + quoted + rb"|" + plain + rb")"
    record = field + rb"(?:" + sep + field + rb")*+\r?\n"
    cell = rf'(?:"(?:[^"]|"")*"|[^"{re.escape(separator)}]*)'
    row = rf"^{cell}(?:{re.escape(separator)}{cell}){{{width - 1}}}\r?$" if 0 < width <= MOST_CELLS else None
    return Grammar(
        separator.encode(),
        records=re.compile(rb"(?:" + record + rb")*+"),
        one=re.compile(record),
        cell=re.compile(rb"(?:^|(?<=" + sep + rb"))(" + quoted + rb"|" + plain + rb")(?=" + sep + rb"|$)"),
        unfinished=re.compile(rb"(?:" + field + sep + rb')*+(?:"(?:[^"]++|"")*+"?\r?|' + plain + rb")\Z"),
        row=row,
    )


@dataclass(frozen=True)
class Piece:
    """Consecutive well-formed records or, with a reason, one malformed record.

    as_wide: whether every record is known to have as many cells as the header, and a line of its own.
    """

    data: bytes
    reason: str = ""
    as_wide: bool = False

    @functools.cached_property
    def quoted(self) -> bool:
        """Whether there is a quote in it."""
        return b'"' in self.data


def pieces_of(content: Bytes, data: bytes, syntax: Grammar, size: int) -> Iterator[Piece]:
    """Yields the records of the stream: well-formed ones together, each malformed one by itself."""
    final, rest = False, b""  # what follows the last line end that was read
    while True:
        position, regular, quoted = 0, True, b'"' in data
        while position < len(data):
            piece = _rows(data, position, syntax) if quoted and regular else None
            # What follows a malformed record is not tried again, or time would be quadratic.
            regular = piece is not None
            piece = piece or _whole_records(data, position, syntax, quoted=quoted)
            if piece:
                yield piece
                position += len(piece.data)
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
                data, position, quoted = skip_line(content, size), 0, True
            yield Piece(start, f"longer than {MAX_RECORD_BYTES:,} bytes")
        if final:
            return
        chunk = content.read(size)
        final = not chunk  # a short read is not the end: the next one may raise, and what is left is not a record
        whole = chunk.rfind(b"\n") + 1 or len(chunk)
        # Whole lines are copied once, here, and not again as a piece.
        data = b"".join((data[position:], rest, memoryview(chunk)[:whole]))
        rest = chunk[whole:]
        if final and data and not data.endswith(b"\n"):
            data += b"\n"


def _rows(data: bytes, position: int, syntax: Grammar) -> Piece | None:
    """Returns the whole lines that start here if each of them is a row as wide as the header.

    That is the common case of lines with quotes. polars finds it out ten times as fast as Python's regular expressions.
    """
    if syntax.row is None:
        return None
    rows = data[position : data.rfind(b"\n", position) + 1]
    try:
        lines = pl.read_csv(
            io.BytesIO(rows), has_header=False, separator="\x01", quote_char=None, schema={"line": pl.String()},
            empty_string_is_null=False,
        )["line"]  # fmt: skip
    except (pl.exceptions.PolarsError, OSError):  # there is no line, one is not UTF-8, or the first begins as zlib does
        return None
    longest = lines.str.len_bytes().max()
    fits = isinstance(longest, int) and longest < MAX_RECORD_BYTES and not lines.null_count()
    return Piece(rows, as_wide=True) if fits and lines.str.contains(syntax.row).all() else None


def _whole_records(data: bytes, position: int, syntax: Grammar, *, quoted: bool) -> Piece | None:
    """Returns the well-formed records that start here, if there are any. None of them is longer than MAX_RECORD_BYTES.

    quoted: whether there may be quotes in them.
    """
    start = position
    while position < len(data):
        window = position + MAX_RECORD_BYTES
        if quoted:
            match = syntax.records.match(data, position, window)
            end = match.end() if match else position
        else:
            end = data.rfind(b"\n", position, window) + 1
        if end <= position:
            break
        position = end
    return Piece(data[start:position]) if position > start else None


def _what_is_wrong(line: bytes, syntax: Grammar) -> str:
    if syntax.unfinished.match(line):
        return "a quote is opened and not closed"
    return "a quote inside an unquoted value; quote the whole value and double the quotes in it"


TAIL = 64  # bytes
BLANKS = 100_000  # blank lines in one piece


def without_trailing_blanks(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yields the pieces without the blank lines at the end of the stream, which are not rows. Others are counted, not kept."""
    blanks = 0
    for piece in pieces:
        data = piece.data
        length = len(data) if piece.reason else _length_without_blanks(data)
        if not length and not piece.reason:
            blanks += data.count(b"\n")
            continue
        for count in range(blanks, 0, -BLANKS):
            yield Piece(b"\n" * min(count, BLANKS))
        end = length if piece.reason else data.index(b"\n", length) + 1
        yield piece if end == len(data) else Piece(data[:end], as_wide=piece.as_wide)
        blanks = data.count(b"\n", end)


def _length_without_blanks(data: bytes) -> int:
    """Returns the length without line ends at the end. A line that holds a carriage return of its own is not blank."""
    tail = data[-TAIL:].rstrip(b"\r\n")  # not all of the data, which would be copied
    length = max(0, len(data) - TAIL) + len(tail) if tail else len(data.rstrip(b"\r\n"))
    own = data.rfind(b"\r\r", length)
    return max(length, own + 1)


def gathered(pieces: Iterator[Piece], size: int) -> Iterator[list[Piece]]:
    """Yields groups of pieces. Small pieces are grouped, because calling polars for a few rows is slow."""
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
    except UnreadableFile:  # the rows before it count
        if small:
            yield small
        raise
    if small:
        yield small


def unquoted(cell: bytes) -> str:
    """Returns the value of a cell without its quotes, with doubled quotes as single ones."""
    text = cell.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
