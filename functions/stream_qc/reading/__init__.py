"""Reads a byte stream into blocks of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Protocol

from stream_qc.dialect import PLAIN, PRESETS
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading.block import Block
from stream_qc.reading.bytestream import decompressed, refuse_foreign_content
from stream_qc.reading.csv_text import CsvReader
from stream_qc.reading.dialects import translated
from stream_qc.reading.json_array import lines_of_array
from stream_qc.reading.ndjson import NdjsonReader
from stream_qc.reading.parquet import ParquetReader
from stream_qc.reading.xlsx import sheet_as_csv
from stream_qc.schema import Schema

BLOCK_BYTES = 4 * 1024 * 1024
NAMED = 2  # a row of NDJSON, with the names of its fields, takes about twice as much text as one of CSV


class Reader(Protocol):
    """A file that is being read. `header` lists the fields of the file; it is complete after the last block.

    leading: how many of them the first row has, where rows have fields of their own; None if the header is that of all rows.
    """

    @property
    def header(self) -> list[str]: ...

    @property
    def leading(self) -> int | None: ...

    def __iter__(self) -> Iterator[Block]: ...


def ahead(blocks: Iterable[Block], names: Collection[str]) -> Iterator[Block]:
    """Yields the blocks. Each is read, and its columns with these names are parsed, on a second thread while the caller checks
    the one before it.
    """

    def typed() -> Iterator[Block]:
        for block in blocks:
            block.type_all(names)
            yield block

    waiting = typed()
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        coming = pool.submit(next, waiting, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, waiting, None)
            yield block


def open_reader(
    stream: BinaryIO,
    form: Format,
    schema: Schema,
    block_bytes: int = BLOCK_BYTES,
    wanted: Collection[str] | None = None,
    *,
    whole: bool = True,
    rows: range | None = None,
) -> Reader:
    """Returns a reader of the stream.

    form: the format of the stream. block_bytes: about how much text a block holds. wanted: the names of the schema's
    fields to read; None for all. whole: whether the stream begins where the file does. rows: those to read of a Parquet file;
    None for all.

    Raises UnreadableFile, here or while blocks are read, if the content is not in that format, is damaged or is truncated.
    """
    if wanted is not None:
        wanted = {*wanted, *(part for name in wanted for part in schema.parts_of(name))}
    names = [name for name in schema.in_file if wanted is None or name in wanted]
    if form.kind == "parquet":
        return ParquetReader(stream, schema, names, rows)
    if form.kind == "xlsx":
        dialect = schema.dialect
        sheet = sheet_as_csv(stream, dialect.sheet, max(dialect.header_rows, default=0))
        text = translated(sheet, dialect.of_sheet, schema.in_file)
        return CsvReader(text, schema.with_plain_numbers(), names, block_bytes, delimiter=",")
    if form.vague and schema.dialect == PLAIN:
        raise UnreadableFile(
            "the extension does not say how the file is written; add a dialect to the rules, "
            f'for example `dialect: {{delimiter: ","}}` or a preset ({", ".join(PRESETS)})'
        )
    plain = decompressed(stream, form)
    if whole:
        refuse_foreign_content(plain, form, schema.dialect)
    if form.kind == "csv":
        return CsvReader(translated(plain, schema.dialect, [*schema.in_file]), schema, names, block_bytes)
    lines = lines_of_array(plain) if whole else plain
    return NdjsonReader(lines, schema.with_plain_numbers(), names, NAMED * block_bytes)
