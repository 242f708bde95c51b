"""Reads CSV (RFC 4180) in blocks that end at record boundaries, and finds malformed rows.

polars parses the blocks, because it is the fastest. But it fills short rows silently and its errors name no row. So it is
given only records that are known to be well formed, and its result is compared with the number of separators and line
ends. If they disagree, the block is parsed record by record. The rows do not depend on where blocks are cut.

Numbers are read as numbers if every cell of the column in the block is one or is missing, and everything else as text. An empty
cell and a missing value are read as null. Where cells are shown, the block is read again as written.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from stream_qc import fieldtypes
from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block, Malformed, Place
from stream_qc.reading.bytestream import BOM, Bytes
from stream_qc.reading.csv_header import HEADER_BYTES, first_record, names_of, separator_of
from stream_qc.reading.csv_records import (
    MOST_TOGETHER,
    QUOTED,
    Piece,
    gathered,
    grammar,
    pieces_of,
    unquoted,
    without_trailing_blanks,
)
from stream_qc.schema import Field, Schema

ANOTHER_ENCODING = (
    "; if the file uses another encoding, set it in the rules, for example `dialect: {encoding: windows-1252}`"
)
BLOCKS_AS_TEXT = 16  # after one in which a cell is no number, before numbers are tried again
ZLIB = (b"x^", b"x\x01")  # those of its first two bytes that are UTF-8


class CsvReader:
    """Yields blocks of about `block_bytes` bytes with the wanted columns.

    delimiter: what separates the cells, if it is not as the schema's dialect says.
    """

    leading = None

    def __init__(
        self, content: Bytes, schema: Schema, wanted: Sequence[str], block_bytes: int, *, delimiter: str | None = None
    ) -> None:
        self._schema, self._block_bytes = schema, block_bytes
        line, rest = first_record(content, min(block_bytes, HEADER_BYTES))
        # The line of the next row, from 1; None if lines were left out of what is read here.
        self._line = 1 + line.count(b"\n") if schema.dialect.is_plain and delimiter is None else None
        self._grammar = grammar(delimiter or schema.dialect.written_as or separator_of(line, schema))
        self.header = names_of(line, self._grammar)
        self._grammar = grammar(self._grammar.separator.decode(), len(self.header))
        self._pieces = without_trailing_blanks(pieces_of(content, rest, self._grammar, block_bytes))
        self._texts: dict[str, pl.DataType] = {f"column_{index + 1}": pl.String() for index in range(len(self.header))}
        # If the header repeats a field, its first column is used.
        places = {name: index for index, name in reversed(list(enumerate(self.header)))}
        self._wanted = {name: places[name] for name in wanted if name in places}
        self._empty_is_missing = "" in schema.missing_values
        self._numbers = self._columns_of_numbers() if self._empty_is_missing else {}
        self._odd: set[str] = set()  # columns of numbers in which a cell was no number
        self._blocks_as_text = 0  # how many of those that come next have these columns read as text
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
        frame = None if _is_odd(data) else self._read(data)
        if frame is None or not self._is_regular(piece, frame):
            return self._record_by_record([piece], first)
        return Block(
            first,
            self._chosen(frame),
            self._schema,
            height=frame.height,
            spelled=functools.cache(lambda: self._chosen(self._frame(data, self._texts, empty_string_is_null=False))),
            nulls_are_missing=not piece.quoted,
            places=self._places(piece, first, frame.height),
        )

    def _places(self, piece: Piece, first: int, height: int) -> list[Place]:
        """Returns the lines of the rows, and goes on to the line below them."""
        if self._line is None:
            return []
        if piece.quoted and piece.data.count(b"\n") != height:
            places: list[Place] = []
            for row, record in enumerate(self._grammar.one.finditer(piece.data), first):
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

    def _columns_of_numbers(self) -> dict[str, pl.DataType]:
        """Returns the types of the columns that are read as numbers. Parts of a time are joined as they are written."""
        schema = self._schema
        parts = {part for name in schema.time_parts for part in schema.parts_of(name)}
        fields = {
            f"column_{index + 1}": schema.fields[name] for name, index in self._wanted.items() if name not in parts
        }
        return {column: fieldtypes.POLARS[field.type] for column, field in fields.items() if _is_plain_number(field)}

    def _read(self, data: bytes) -> pl.DataFrame | None:
        """Returns the rows, with a column of numbers as numbers if every cell is one or is missing; None if polars cannot read
        them.
        """
        if not self._blocks_as_text:
            self._odd = set()
        self._blocks_as_text = max(0, self._blocks_as_text - 1)
        numbers = {column: kind for column, kind in self._numbers.items() if column not in self._odd}
        if numbers:
            try:
                frame = self._frame(data, self._texts | numbers, **self._nulls)
                if self._means_the_same(frame, data):
                    return frame
            except pl.exceptions.PolarsError:
                pass
        try:
            frame = self._frame(data, self._texts, **self._nulls)
        except pl.exceptions.PolarsError:
            return None
        if numbers:
            odd = {column for column, kind in numbers.items() if _holds_others(frame[column], kind)}
            self._odd |= odd or {*numbers}
            self._blocks_as_text = BLOCKS_AS_TEXT
        return frame

    def _means_the_same(self, frame: pl.DataFrame, data: bytes) -> bool:
        """Returns whether the numbers of a frame are those that the text of their cells gives.

        polars reads them so, except that it also reads `inf`, `nan` and `1e400`, and takes a cell of blanks for a missing one.
        """
        numbers = [column for column in frame.get_columns() if column.dtype != pl.String]
        if not all(math.isfinite(column.sum()) for column in numbers if column.dtype == pl.Float64):
            return False
        holes = [column.name for column in numbers if column.null_count()]
        if not holes or not (b" " in data or b"\t" in data):
            return True
        texts = self._frame(data, self._texts, columns=holes, **self._nulls)
        return all(texts[name].null_count() == frame[name].null_count() for name in holes)

    def _frame(self, data: bytes, types: dict[str, pl.DataType], **how: Any) -> pl.DataFrame:
        separator = self._grammar.separator.decode()
        return pl.read_csv(io.BytesIO(data), has_header=False, separator=separator, schema=types, **how)

    def _chosen(self, frame: pl.DataFrame) -> pl.DataFrame:
        columns = frame.get_columns()
        return pl.DataFrame([columns[index].alias(name) for name, index in self._wanted.items()])

    def _is_regular(self, piece: Piece, frame: pl.DataFrame) -> bool:
        """Returns whether every row is as wide as the header and each has a line of its own."""
        data, rows = piece.data, frame.height
        # polars reads a short row and a blank line as nulls, unless it takes an empty cell for a text. In a row whose last
        # column has a value, nothing is missing.
        if self._empty_is_missing and not piece.quoted and not frame.to_series(-1).null_count():
            return True
        if piece.as_wide:
            return data.count(b"\n") == rows
        outside = QUOTED.sub(b"", data) if piece.quoted else data
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
    """Returns consecutive blocks as one."""
    if len(blocks) == 1:
        return blocks[0]
    malformed = [bad for block in blocks for bad in block.malformed]
    height = sum(block.height for block in blocks)
    places = [place for block in blocks for place in block.places]

    def spelled() -> pl.DataFrame:
        return pl.concat([block.spelled() for block in blocks])

    alike = all(block.nulls_are_missing and block.raw.schema == blocks[0].raw.schema for block in blocks)
    if not alike:
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


def _holds_others(texts: pl.Series, kind: pl.DataType) -> bool:
    """Returns whether a text is not a number of this type."""
    return texts.cast(kind, strict=False).null_count() != texts.null_count()


def _is_plain_number(field: Field) -> bool:
    written = (field.decimal_char, field.group_char, field.bare_number)
    return field.type in ("integer", "number") and written == (".", "", True)


def _is_odd(data: bytes) -> bool:
    """Returns whether polars may read the data in its own way. It drops a carriage return that is a whole cell, and a byte
    order mark at the start, and unpacks what begins as zlib does.
    """
    lone = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
    return lone or b"\x00" in data or data.startswith((BOM, *ZLIB))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
