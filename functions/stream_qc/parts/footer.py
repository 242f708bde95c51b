"""Reads from the footer of a Parquet file where its row groups are, and how many rows each has.

The footer is Thrift in its compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md);
what it holds is in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
TAIL = 8  # bytes: the length of the footer, and MAGIC
MOST_DEPTH = 20
MOST_STRUCTS = 1_000_000  # a column of a row group has four; a footer of 12 MiB has some 600,000
MOST_ROWS = 2**32  # of a file: as many as polars can count
LONGEST_VARINT = 63  # bits, beyond the last byte
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData, by their numbers in parquet.thrift.
ALL_ROWS, ROW_GROUPS = 3, 4
COLUMNS, ROWS = 1, 3
FILE_PATH, META_DATA = 1, 3
PATH, VALUES, COMPRESSED_SIZE, DATA_PAGE, DICTIONARY_PAGE = 3, 5, 7, 9, 11


@dataclass(frozen=True)
class RowGroup:
    """The bytes of a row group, from `start` up to `end`, and how many rows it has."""

    start: int
    end: int
    rows: int


class UnknownFooterError(ValueError):
    """The footer is not one that can be read. The message says why."""


def footer_bytes(tail: bytes) -> int:
    """Returns the length of the footer with its tail. tail: the last 8 bytes of the file."""
    if len(tail) != TAIL or tail[4:] != MAGIC:
        raise UnknownFooterError("it does not end as a Parquet file does")
    return int.from_bytes(tail[:4], "little") + TAIL


def row_groups(footer: bytes) -> list[RowGroup]:
    """Returns the row groups, in the order of their rows. footer: the end of the file, of `footer_bytes`.

    Raises UnknownFooterError for one that contradicts itself, too: then only a reader of the whole file can say what is wrong.
    """
    try:
        found = _Reader(footer).struct()
        groups = [_row_group(group) for group in found[ROW_GROUPS]]
        if sum(group.rows for group in groups) != found[ALL_ROWS] or found[ALL_ROWS] >= MOST_ROWS:
            raise ValueError("it counts its rows in two ways")
        return groups
    except (IndexError, KeyError, TypeError, RecursionError, ValueError) as error:
        raise UnknownFooterError(f"its footer could not be read ({type(error).__name__})") from None


def _row_group(group: dict[int, Any]) -> RowGroup:
    starts, ends, rows = [], [], group[ROWS]
    for column in group[COLUMNS]:
        data = column[META_DATA]
        start = data[DICTIONARY_PAGE if DICTIONARY_PAGE in data else DATA_PAGE]  # as polars reads it
        flat = len(data[PATH]) == 1
        if FILE_PATH in column or not len(MAGIC) <= start <= data[DATA_PAGE] or data[COMPRESSED_SIZE] <= 0:
            raise ValueError("a column is not where it should be")
        if rows <= 0 or (flat and data[VALUES] != rows):
            raise ValueError("a column has not as many values as there are rows")
        starts.append(start)
        ends.append(start + data[COMPRESSED_SIZE])
    return RowGroup(min(starts), max(ends), rows)


class _Reader:
    """Reads values one after another. A struct is a dictionary by the numbers of its fields."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._depth, self._structs = content, 0, 0, 0

    def struct(self) -> dict[int, Any]:
        self._depth += 1
        self._structs += 1
        if self._depth > MOST_DEPTH or self._structs > MOST_STRUCTS:
            raise ValueError("it is nested too deeply, or has too many parts")
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._zigzag()
            # The value of a truth value is in its type.
            found[field] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
        self._depth -= 1
        return found

    def _value(self, kind: int) -> Any:
        return READ[kind](self)

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _varint(self) -> int:
        found, shift = 0, 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > LONGEST_VARINT:
                raise ValueError("a number is too long")

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _skip(self, count: int) -> None:
        self._at += count
        if self._at > len(self._content):
            raise IndexError("the footer ends early")

    def _binary(self) -> None:
        self._skip(self._varint())

    def _list(self) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self._varint()
        if count > len(self._content):
            raise ValueError("a list is longer than the footer")
        return [self._byte() == TRUE if kind in (TRUE, FALSE) else self._value(kind) for _ in range(count)]

    def _map(self) -> None:
        count = self._varint()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._value(kinds >> 4)
            self._value(kinds & 15)


TRUE, FALSE = 1, 2
READ: dict[int, Callable[[_Reader], Any]] = {
    3: _Reader._byte,
    4: _Reader._zigzag,
    5: _Reader._zigzag,
    6: _Reader._zigzag,
    7: lambda reader: reader._skip(8),
    8: _Reader._binary,
    9: _Reader._list,
    10: _Reader._list,
    11: _Reader._map,
    12: _Reader.struct,
}
