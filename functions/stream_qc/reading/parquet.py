"""Reads Parquet in blocks of rows. polars holds whole row groups of the columns in memory."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import polars as pl

from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block
from stream_qc.reading.bytestream import seekable
from stream_qc.schema import Schema

BLOCK_ROWS = 100_000
OTHER_COLUMNS, OTHER_VALUES = 500, 4_000_000  # read at a time from columns that are read only to find damage


class ParquetReader:
    """Yields blocks of BLOCK_ROWS rows with the wanted columns. rows: those to read; None for all."""

    leading = None

    def __init__(self, stream: BinaryIO, schema: Schema, wanted: Sequence[str], rows: range | None = None) -> None:
        self._schema = schema
        self._wanted = wanted
        self._file = seekable(stream)
        head = self._file.read(4)
        if not head:
            raise UnreadableFile("the file is empty")
        if head == b"PARE":
            raise UnreadableFile("the Parquet file is encrypted; write it without encryption")
        if head != b"PAR1":
            raise UnreadableFile(
                "the file name says parquet, but the content is not Parquet (it does not start with PAR1)"
            )
        try:
            self._file.seek(0)
            self.header = list(pl.read_parquet_schema(self._file))
            self._file.seek(0)
            there: int = pl.scan_parquet(self._file).select(pl.len()).collect().item()
            self._first, self._rows = (rows.start, len(rows)) if rows is not None else (0, there)
        except pl.exceptions.DuplicateError as error:
            raise UnreadableFile(f"the Parquet file has two columns of one name: {_first_line(error)}") from None
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UnreadableFile(f"the Parquet file is damaged: {_first_line(error)}") from None

    def __iter__(self) -> Iterator[Block]:
        wanted = [name for name in self.header if name in self._wanted]
        # Damage in any column makes the file unreadable, so the others are read too. Reading a limited number at a time
        # bounds the memory, and the number of times that the footer is read.
        others = [name for name in self.header if name not in self._wanted]
        together = max(1, min(OTHER_COLUMNS, OTHER_VALUES // max(1, self._rows)))
        for start in range(0, len(others), together):
            collections.deque(self._blocks(others[start : start + together]), maxlen=0)
        if wanted:
            yield from self._blocks(wanted)
        else:
            for first in range(0, self._rows, BLOCK_ROWS):
                yield Block(first, pl.DataFrame(), self._schema, height=min(BLOCK_ROWS, self._rows - first))

    def _blocks(self, names: list[str]) -> Iterator[Block]:
        first = 0
        try:
            self._file.seek(0)
            frames = pl.scan_parquet(self._file).slice(self._first, self._rows).select(names)
            for frame in frames.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True):
                texts = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))  # pandas writes categories
                yield Block(first, texts, self._schema, height=frame.height)
                first += frame.height
        except (pl.exceptions.PolarsError, OSError) as error:
            places = [*names[:5], f"one of {len(names) - 5:,} more"] if len(names) > 6 else names
            raise UnreadableFile(
                f"the Parquet file is damaged in {' or '.join(places)}: {_first_line(error)}"
            ) from None
        if first != self._rows:
            raise UnreadableFile(
                f"the Parquet file is damaged: it should have {self._rows:,} rows, but {names[0]} has {first:,}"
            )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
