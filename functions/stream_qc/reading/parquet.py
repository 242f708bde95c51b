"""Parquet: read by stretches of rows, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block
from stream_qc.reading.bytestream import seekable
from stream_qc.rules import Rules

BLOCK_ROWS = 100_000


class ParquetReader:
    """Blocks of BLOCK_ROWS rows, with the columns that the rules name."""

    def __init__(self, stream: BinaryIO, rules: Rules) -> None:
        self._rules = rules
        self._file = seekable(stream)
        head = self._file.read(4)
        if not head:
            raise UnreadableFile("the file is empty")
        if head != b"PAR1":
            raise UnreadableFile("the name says parquet, and the content is none (it does not begin with PAR1)")
        try:
            self._file.seek(0)
            self.header = list(pl.read_parquet_schema(self._file))
            self._file.seek(0)
            self._rows = pl.scan_parquet(self._file).select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UnreadableFile(f"the Parquet file is damaged: {_first_line(error)}") from None

    def __iter__(self) -> Iterator[Block]:
        wanted = [name for name in self.header if name in self._rules.fields]
        for first in range(0, self._rows, BLOCK_ROWS):
            count = min(BLOCK_ROWS, self._rows - first)
            try:
                self._file.seek(0)
                frame = (
                    pl.scan_parquet(self._file).slice(first, count).select(wanted).collect()
                    if wanted
                    else pl.DataFrame()
                )
            except (pl.exceptions.PolarsError, OSError) as error:
                raise UnreadableFile(f"the Parquet file is damaged after row {first:,}: {_first_line(error)}") from None
            yield Block(first, frame, self._rules, height=count)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
