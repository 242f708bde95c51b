"""CSV (RFC 4180): blocks cut at record boundaries, parsed by polars, with malformed rows found and kept apart.

polars parses, because nothing is faster. It fills short rows in silence and names no row where it raises, so what it is
given are records that are known to be well formed, its answer is compared with the count of separators and line ends,
and a stretch for which these disagree is taken apart record by record. What a row is does not depend on where the
blocks were cut.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block, Malformed
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.lines import MAX_RECORD_BYTES, skip_line
from stream_qc.rules import Rules

SEPARATORS = (",", ";", "\t", "|")
MOST_TOGETHER = 2000  # pieces in a block


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


class CsvReader:
    """Blocks of about `block_bytes` bytes, with the wanted columns, all of them text."""

    def __init__(self, content: Bytes, rules: Rules, wanted: Sequence[str], block_bytes: int) -> None:
        self._rules, self._block_bytes = rules, block_bytes
        line, rest = _first_record(content)
        self._grammar = grammar(rules.dialect.delimiter or _separator(line, rules))
        self.header = _header(line, self._grammar)
        self._pieces = _without_trailing_blanks(_pieces(content, rest, self._grammar, block_bytes))
        self._columns = {f"column_{index + 1}": pl.String() for index in range(len(self.header))}
        # Where the header names a field twice, its first column counts.
        self._wanted = {name: self.header.index(name) for name in wanted if name in self.header}

    def __iter__(self) -> Iterator[Block]:
        """Malformed rows and the stretches between them are put together, so that a file of many is not one of many blocks."""
        together: list[Block] = []
        size = 0
        try:
            for block, length in self._blocks():
                together.append(block)
                size += length
                if 2 * size >= self._block_bytes or len(together) >= MOST_TOGETHER:
                    whole, together, size = _joined(together, self._rules), [], 0
                    del block  # nothing of it shall stay while the next one is read
                    yield whole
                    del whole
        except UnreadableFile:  # what came before it counts
            if together:
                yield _joined(together, self._rules)
            raise
        if together:
            yield _joined(together, self._rules)

    def _blocks(self) -> Iterator[tuple[Block, int]]:
        first = 0
        for piece in self._pieces:
            if piece.reason:
                block = self._block(
                    [[None]] * len(self._wanted),
                    first,
                    [Malformed(first, piece.reason, piece.data.decode(errors="replace"))],
                )
            else:
                block = self._parsed(piece.data, first)
            if block.height:
                yield block, len(piece.data)
                first += block.height

    def _parsed(self, data: bytes, first: int) -> Block:
        try:
            frame = pl.read_csv(
                io.BytesIO(data),
                has_header=False,
                separator=self._grammar.separator.decode(),
                schema=self._columns,
                empty_string_is_null=False,
            )
        except pl.exceptions.PolarsError:
            return self._taken_apart(data, first)
        outside = QUOTED.sub(b"", data) if b'"' in data else data
        as_wide_as_the_header = outside.count(self._grammar.separator) == frame.height * (len(self.header) - 1)
        if not as_wide_as_the_header or outside.count(b"\n") != frame.height or b"\x00" in data:
            return self._taken_apart(data, first)
        columns = frame.select(pl.col(f"column_{index + 1}").alias(name) for name, index in self._wanted.items())
        return Block(first, columns, self._rules, height=frame.height)

    def _taken_apart(self, data: bytes, first: int) -> Block:
        """The block of a stretch in which some rows are malformed, record by record."""
        columns: list[list[str | None]] = [[] for _ in self._wanted]
        malformed: list[Malformed] = []
        for row, record in enumerate(self._grammar.one.findall(data)):
            cells, reason = self._cells(record)
            if reason:
                malformed.append(Malformed(first + row, reason, record.rstrip(b"\r\n").decode(errors="replace")))
            for column, index in zip(columns, self._wanted.values(), strict=True):
                column.append(None if reason else cells[index])
        return self._block(columns, first, malformed, height=len(self._grammar.one.findall(data)))

    def _cells(self, record: bytes) -> tuple[list[str], str]:
        try:
            text = record.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            return [], f"not UTF-8: byte 0x{record[error.start]:02x} at byte {error.start + 1} of the row"
        if "\x00" in text:
            return [], "a NUL byte"
        cells = [unquoted(cell) for cell in self._grammar.cell.findall(text.encode())]
        if len(cells) == len(self.header):
            return cells, ""
        if not text:
            return [], "a blank row"
        return [], f"{_cells(len(cells))} where the header has {len(self.header)}"

    def _block(self, columns: list[list[str | None]], first: int, malformed: list[Malformed], height: int = 1) -> Block:
        frame = pl.DataFrame(
            dict(zip(self._wanted, columns, strict=True)), schema=dict.fromkeys(self._wanted, pl.String())
        )
        return Block(first, frame, self._rules, malformed, height=height)


def _joined(blocks: list[Block], rules: Rules) -> Block:
    """Blocks that follow on one another, as one."""
    if len(blocks) == 1:
        return blocks[0]
    malformed = [bad for block in blocks for bad in block.malformed]
    height = sum(block.height for block in blocks)
    return Block(blocks[0].first, pl.concat([block.raw for block in blocks]), rules, malformed, height=height)


def unquoted(cell: bytes) -> str:
    """The value of a cell: without its quotes, and a doubled quote as one."""
    text = cell.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _first_record(content: Bytes) -> tuple[bytes, bytes]:
    """The header's record and what was read beyond it. Raises UnreadableFile where there is no end to it."""
    data = b""
    while True:
        chunk = content.read(64 * 1024)
        data += chunk
        for separator in SEPARATORS:
            match = grammar(separator).one.match(data)
            if match:
                return match[0], data[match.end() :]
        if not chunk:
            break
        if len(data) > MAX_RECORD_BYTES and b"\n" in data:
            break  # there is a first line, and it is no record
        if len(data) > MAX_RECORD_BYTES:
            raise UnreadableFile(f"the header is longer than {MAX_RECORD_BYTES:,} bytes: is this a CSV file?")
    line, newline, rest = data.partition(b"\n")
    return line + b"\n", rest if newline else b""


def _separator(line: bytes, rules: Rules) -> str:
    """The separator under which the header names most of the rules' fields; a comma where none is better."""

    def score(separator: str) -> tuple[int, int]:
        names = [
            unquoted(cell)
            for cell in grammar(separator).cell.findall(line.rstrip(b"\r\n").decode(errors="replace").encode())
        ]
        return sum(name in rules.fields for name in names), len(names)

    return max(SEPARATORS, key=score)


def _header(line: bytes, syntax: Grammar) -> list[str]:
    try:
        text = line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"the header is not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start + 1}"
        ) from None
    names = [unquoted(cell) for cell in syntax.cell.findall(text.encode())]
    if '"' in text and not syntax.one.fullmatch(text.encode() + b"\n"):
        raise UnreadableFile(
            f"a stray quote in the header; quote the whole name and double the quotes in it: {text[:80]}"
        )
    if "\r" in text:
        raise UnreadableFile("the line ends are carriage returns alone; save the file with LF or CRLF")
    if not text.strip():
        raise UnreadableFile("the file has no header: its first line is blank")
    if not names:
        raise UnreadableFile(f"the first line is no CSV header: {text[:80]}")
    return names


def _pieces(content: Bytes, data: bytes, syntax: Grammar, size: int) -> Iterator[Piece]:
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


def _without_trailing_blanks(pieces: Iterator[Piece]) -> Iterator[Piece]:
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
