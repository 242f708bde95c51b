"""Reads CSV (RFC 4180) in blocks that end at record boundaries, and finds malformed rows.

polars parses the blocks, because it is the fastest. But it fills short rows silently and its errors name no row. So it is
given only records that are known to be well formed, and its result is compared with the number of separators and line
ends. If they disagree, the block is parsed record by record. The rows do not depend on where blocks are cut.

Cells are read as text: to parse the numbers afterwards is faster than to have polars do both. An empty cell and a missing value
are read as null; where cells are shown, the block is read again as written.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block, Malformed, Place
from stream_qc.reading.bytestream import BOM, Bytes
from stream_qc.reading.csv_records import (
    MOST_TOGETHER,
    QUOTED,
    Grammar,
    Piece,
    gathered,
    grammar,
    pieces_of,
    without_trailing_blanks,
)
from stream_qc.reading.lines import MAX_RECORD_BYTES
from stream_qc.schema import Schema

HEADER_BYTES = 64 * 1024  # read to find the header
ANOTHER_ENCODING = (
    "; if the file uses another encoding, set it in the rules, for example `dialect: {encoding: windows-1252}`"
)
ZLIB = (b"x^", b"x\x01")  # those of its first two bytes that are UTF-8
SEPARATORS = (",", ";", "\t", "|")


class CsvReader:
    """Yields blocks of about `block_bytes` bytes with the wanted columns, all of them text.

    delimiter: what separates the cells, if it is not as the schema's dialect says.
    """

    def __init__(
        self, content: Bytes, schema: Schema, wanted: Sequence[str], block_bytes: int, *, delimiter: str | None = None
    ) -> None:
        self._schema, self._block_bytes = schema, block_bytes
        line, rest = _first_record(content, min(block_bytes, HEADER_BYTES))
        # The line of the next row, from 1; None if lines were left out of what is read here.
        self._line = 1 + line.count(b"\n") if schema.dialect.is_plain and delimiter is None else None
        self._grammar = grammar(delimiter or schema.dialect.written_as or _separator(line, schema))
        self.header = _header(line, self._grammar)
        self._grammar = grammar(self._grammar.separator.decode(), len(self.header))
        self._pieces = without_trailing_blanks(pieces_of(content, rest, self._grammar, block_bytes))
        self._columns: dict[str, pl.DataType] = {
            f"column_{index + 1}": pl.String() for index in range(len(self.header))
        }
        # If the header repeats a field, its first column is used.
        places = {name: index for index, name in reversed(list(enumerate(self.header)))}
        self._wanted = {name: places[name] for name in wanted if name in places}
        self._empty_is_missing = "" in schema.missing_values
        null_values = [text for text in schema.missing_values if text]
        self._nulls = {"null_values": null_values, "empty_string_is_null": self._empty_is_missing}

    def __iter__(self) -> Iterator[Block]:
        """Yields the blocks. Small ones are joined, so that many malformed rows do not make many blocks."""
        together: list[Block] = []
        size = 0
        try:
            for block, length in self._blocks():
                together.append(block)
                size += length
                if 2 * size >= self._block_bytes or len(together) >= MOST_TOGETHER:
                    whole, together, size = _joined(together, self._schema), [], 0
                    del block  # frees its memory while the next one is read
                    yield whole
                    del whole
        except UnreadableFile:  # the rows before it count
            if together:
                yield _joined(together, self._schema)
            raise
        if together:
            yield _joined(together, self._schema)

    def _blocks(self) -> Iterator[tuple[Block, int]]:
        first = 0
        for pieces in gathered(self._pieces, self._block_bytes):
            alone = len(pieces) == 1 and not pieces[0].reason
            block = self._parsed(pieces[0], first) if alone else self._record_by_record(pieces, first)
            if block.height:
                yield block, sum(len(piece.data) for piece in pieces)
                first += block.height

    def _parsed(self, piece: Piece, first: int) -> Block:
        data = piece.data
        try:
            frame = None if _is_odd(data) else self._frame(data, **self._nulls)
        except pl.exceptions.PolarsError:
            frame = None
        if frame is None or not self._is_regular(piece, frame):
            return self._record_by_record([piece], first)
        return Block(
            first,
            self._chosen(frame),
            self._schema,
            height=frame.height,
            spelled=functools.cache(lambda: self._chosen(self._frame(data, empty_string_is_null=False))),
            nulls_are_missing=b'"' not in data,
            places=self._places(data, first, frame.height),
        )

    def _places(self, data: bytes, first: int, height: int) -> list[Place]:
        """Returns the lines of the rows, and goes on to the line below them."""
        if self._line is None:
            return []
        if b'"' in data and data.count(b"\n") != height:
            places: list[Place] = []
            for row, record in enumerate(self._grammar.one.finditer(data), first):
                self._add_record(record[0], row, places)
            return places
        self._line += height
        return [(first, self._line - height)]

    def _add_record(self, record: bytes, row: int, places: list[Place]) -> None:
        """Adds the line of a record, if it is not the one below the row above, and goes on to the line below it."""
        if self._line is not None:
            if not places or self._line - row != places[-1][1] - places[-1][0]:
                places.append((row, self._line))
            self._line += record.removesuffix(b"\n").count(b"\n") + 1

    def _frame(self, data: bytes, **how: Any) -> pl.DataFrame:
        return pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            separator=self._grammar.separator.decode(),
            schema=self._columns,
            **how,
        )

    def _chosen(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(pl.col(f"column_{index + 1}").alias(name) for name, index in self._wanted.items())

    def _is_regular(self, piece: Piece, frame: pl.DataFrame) -> bool:
        """Returns whether every row is as wide as the header and each has a line of its own."""
        data, rows = piece.data, frame.height
        quoted = b'"' in data
        # polars reads a short row and a blank line as nulls, unless it takes an empty cell for a text. In a row whose last
        # column has a value, nothing is missing.
        if self._empty_is_missing and not quoted and not frame.to_series(-1).null_count():
            return True
        if piece.as_wide:
            return data.count(b"\n") == rows
        outside = QUOTED.sub(b"", data) if quoted else data
        separators = rows * (len(self.header) - 1)
        return outside.count(self._grammar.separator) == separators and outside.count(b"\n") == rows

    def _record_by_record(self, pieces: list[Piece], first: int) -> Block:
        """Returns the block after parsing each record on its own, to find the malformed ones."""
        columns: list[list[str | None]] = [[] for _ in self._wanted]
        malformed: list[Malformed] = []
        places: list[Place] = []
        row = first
        for piece in pieces:
            for record in [piece.data] if piece.reason else self._grammar.one.findall(piece.data):
                self._add_record(record, row, places)
                cells, reason = ([], piece.reason) if piece.reason else self._cells(record)
                if reason:
                    malformed.append(Malformed(row, reason, record.rstrip(b"\r\n").decode(errors="replace")))
                for column, index in zip(columns, self._wanted.values(), strict=True):
                    column.append(None if reason else cells[index])
                row += 1
        frame = pl.DataFrame(
            dict(zip(self._wanted, columns, strict=True)), schema=dict.fromkeys(self._wanted, pl.String())
        )
        return Block(first, frame, self._schema, malformed, height=row - first, places=places)

    def _cells(self, record: bytes) -> tuple[list[str], str]:
        try:
            text = record.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            return (
                [],
                f"not UTF-8: byte 0x{record[error.start]:02x} at byte {error.start + 1} of the row{ANOTHER_ENCODING}",
            )
        if "\x00" in text:
            return [], "the row contains a NUL byte"
        cells = [unquoted(cell) for cell in self._grammar.cell.findall(text.encode())]
        if len(cells) == len(self.header):
            return cells, ""
        if not text:
            return [], "the row is blank"
        return [], f"{_cells(len(cells))}, but the header has {len(self.header)}"


def _joined(blocks: list[Block], schema: Schema) -> Block:
    """Returns consecutive blocks as one, of text."""
    if len(blocks) == 1:
        return blocks[0]
    malformed = [bad for block in blocks for bad in block.malformed]
    height = sum(block.height for block in blocks)
    places = [place for block in blocks for place in block.places]

    def spelled() -> pl.DataFrame:
        return pl.concat([block.spelled() for block in blocks])

    if not all(block.nulls_are_missing for block in blocks):
        return Block(blocks[0].first, spelled(), schema, malformed, height=height, places=places)
    raw = pl.concat([block.raw for block in blocks])
    return Block(
        blocks[0].first,
        raw,
        schema,
        malformed,
        height=height,
        spelled=functools.cache(spelled),
        nulls_are_missing=True,
        places=places,
    )


def _is_odd(data: bytes) -> bool:
    """Returns whether polars may read the data in its own way. It drops a carriage return that is a whole cell, and a byte
    order mark at the start, and unpacks what begins as zlib does.
    """
    lone = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
    return lone or b"\x00" in data or data.startswith((BOM, *ZLIB))


def unquoted(cell: bytes) -> str:
    """Returns the value of a cell without its quotes, with doubled quotes as single ones."""
    text = cell.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _first_record(content: Bytes, size: int) -> tuple[bytes, bytes]:
    """Returns the record of the header and what was read after it. Raises UnreadableFile if it is too long.

    size: how many bytes are read first; then as many as were read before, so that a long header is found in few reads.
    """
    data = b""
    while True:
        chunk = content.read(min(max(size, len(data)), HEADER_BYTES))
        data += chunk
        for separator in SEPARATORS:
            match = grammar(separator).one.match(data)
            if match:
                return match[0], data[match.end() :]
        if not chunk:
            break
        if len(data) > MAX_RECORD_BYTES and b"\n" in data:
            break  # the first line is not a record
        if len(data) > MAX_RECORD_BYTES:
            raise UnreadableFile(f"the header is longer than {MAX_RECORD_BYTES:,} bytes; this may not be a CSV file")
    line, newline, rest = data.partition(b"\n")
    return line + b"\n", rest if newline else b""


def _separator(line: bytes, schema: Schema) -> str:
    """Returns the separator that finds the most fields of the schema in the header; a comma if several do."""

    def score(separator: str) -> tuple[int, int]:
        names = [
            unquoted(cell)
            for cell in grammar(separator).cell.findall(line.rstrip(b"\r\n").decode(errors="replace").encode())
        ]
        return sum(name in schema.fields for name in names), len(names)

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
        raise UnreadableFile("the lines end in CR only; save the file with LF or CRLF line ends")
    if not text.strip():
        raise UnreadableFile("the file has no header: its first line is blank")
    if not names:
        raise UnreadableFile(f"the first line is not a CSV header: {text[:80]}")
    return names
