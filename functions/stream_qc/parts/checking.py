"""Checks the parts of a file, and merges what was found. The result is that of one pass, to the last byte.

Most checks begin a part with what they carry from the rows above it, so some of those are read first. If they were too few for
a check, `merge` has it read the part again. A check that always depends on all rows above is left out of the parts: one process
runs it over the whole file beside them.
"""

from __future__ import annotations

import functools
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, cast

from stream_qc.checks import Check
from stream_qc.engine import check_stream
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.parts.cutting import Part, ReadRange
from stream_qc.parts.footer import MAGIC
from stream_qc.parts.row_groups import footer_of
from stream_qc.parts.state import decode, encode
from stream_qc.reading import BLOCK_BYTES, Reader, ahead, open_reader
from stream_qc.reading.block import Block
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report
from stream_qc.rules import Rules
from stream_qc.schema import Schema
from stream_qc.stretch import Stretch


class File:
    """A file that is checked in parts.

    read: returns its bytes from one to another. size: in bytes. block_bytes: how much text is read at a time.
    """

    def __init__(self, read: ReadRange, size: int, form: Format, *, block_bytes: int = BLOCK_BYTES) -> None:
        self._read, self._size, self._form, self._block_bytes = read, size, form, block_bytes

    def in_one_pass(self, rules: Rules, process: int, end: int) -> Report:
        """Returns the report of a process that reads the file from its start. end: where the part ends that cannot be read. The
        rest is read only if the file up to there can be; of a Parquet file, all is.
        """
        report = self._report(rules, process, self._size if self._form.kind == "parquet" else end)
        return report if report.unread else self._report(rules, process, self._size)

    def _report(self, rules: Rules, process: int, end: int) -> Report:
        read = functools.partial(self._read, 0, end)
        return check_stream(read, self._form, rules, [process], block_bytes=self._block_bytes)[process]

    def open(self, schema: Schema, fields: set[str]) -> Reader:
        """Returns a reader of the whole file."""
        return open_reader(self._read(0, self._size), self._form, schema, self._block_bytes, fields)

    def rows(self, part: Part, schema: Schema, fields: set[str]) -> tuple[Reader, Iterator[Block]]:
        """Returns a reader of the rows of a part, and its blocks, numbered from the start of the file."""
        if self._form.kind == "parquet":
            return self._row_groups(part.start, part.end, range(part.first, part.first + part.rows), schema, fields)
        return self._between(part, part.start, part.end, part.first, schema, fields)

    def rows_above(self, part: Part, schema: Schema, fields: set[str]) -> Iterator[Block]:
        """Yields the rows above the part that are read first."""
        if not part.above_rows:
            return iter(())
        if self._form.kind == "parquet":
            above = range(part.first - part.above_rows, part.first)
            return self._row_groups(part.above, part.start, above, schema, fields)[1]
        return self._between(part, part.above, part.start, part.first - part.above_rows, schema, fields)[1]

    def _between(
        self, part: Part, start: int, end: int, first: int, schema: Schema, fields: set[str]
    ) -> tuple[Reader, Iterator[Block]]:
        header = self._read(0, part.header_end).read() if part.header_end else b""
        stream = cast("BinaryIO", _Behind(header, self._read(start, end)))
        whole = bool(header) or not start
        reader = open_reader(stream, self._form, schema, self._block_bytes, fields, whole=whole)
        return reader, _numbered(reader, first)

    def _row_groups(
        self, start: int, end: int, rows: range, schema: Schema, fields: set[str]
    ) -> tuple[Reader, Iterator[Block]]:
        """Returns a reader of row groups: of a file that has their bytes, where they are in the whole one, and its footer."""
        footer = footer_of(self._read, self._size)
        sparse = cast("BinaryIO", tempfile.TemporaryFile(prefix="stream-qc-"))  # noqa: SIM115  # lives as long as the reader
        for at, stop in ((0, len(MAGIC)), (start, end)):
            sparse.seek(at)
            shutil.copyfileobj(self._read(at, stop), sparse, 1024 * 1024)
        sparse.seek(self._size - len(footer))
        sparse.write(footer)
        sparse.flush()
        sparse.seek(0)
        reader = open_reader(sparse, self._form, schema, self._block_bytes, fields, rows=rows)
        return reader, _numbered(reader, rows.start)


class _Behind:
    """A stream behind some bytes."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = io.BytesIO(head), stream

    def read(self, size: int = -1) -> bytes:
        return self._head.read(size) or self._stream.read(size)


def _numbered(blocks: Iterable[Block], first: int) -> Iterator[Block]:
    """Yields the blocks with their rows and lines numbered from the start of the file. first: the number of their first row."""
    for block in blocks:
        block.first += first
        block.places = [(row + first, line + first) for row, line in block.places]
        for malformed in block.malformed:
            malformed.row += first
        yield block


def in_parts(check: Check) -> bool:
    """Returns whether a check can begin in the middle of a file. What one that cannot carries on is equal to nothing."""
    return bool(check.carried == check.carried)


def not_in_parts(rules: Rules, process: int) -> list[str]:
    """Returns the names of the checks that need the whole file, as `field#test`."""
    return Stretch(rules, [process], choose=lambda check: not in_parts(check)).names


def check_part(file: File, part: Part, rules: Rules, process: int, *, drawn: bool = False) -> bytes:
    """Checks a part and returns what was found, for `merge`. drawn: whether the stream is drawn for its report."""
    stretch = Stretch(rules, [process], drawer=_drawer(rules, drawn), choose=in_parts)
    fields = stretch.fields_to_read()
    try:
        if part.number:
            stretch.read_above(ahead(file.rows_above(part, rules.schema, stretch.needs()), stretch.needs()))
        reader, blocks = file.rows(part, rules.schema, fields)
        stretch.read(ahead(blocks, stretch.needs()))
        stretch.file.header, stretch.file.leading = reader.header, reader.leading
    except UnreadableFile as error:
        stretch.file.stopped(error)
    return encode(stretch.state())


def check_whole(file: File, rules: Rules, process: int, *, drawn: bool = False) -> bytes:
    """Runs the checks that cannot begin in the middle of a file, and returns what was found, for `merge`. drawn: as above."""
    stretch = Stretch(rules, [process], drawer=_drawer(rules, drawn), choose=lambda check: not in_parts(check))
    try:
        stretch.read(ahead(file.open(rules.schema, stretch.fields_to_read()), stretch.needs()))
        stretch.finish(lambda fields: ahead(file.open(rules.schema, fields), fields))
    except UnreadableFile as error:
        stretch.file.stopped(error)
    return encode(stretch.state())


def _drawer(rules: Rules, drawn: bool) -> Drawer | None:  # noqa: FBT001
    return Drawer(rules) if drawn else None


def _again(file: File, part: Part, rules: Rules, fields: set[str]) -> Iterator[Block]:
    """Yields the rows of a part once more, for the checks that did not know what they carry from those above it."""
    return ahead(file.rows(part, rules.schema, fields)[1], fields)


def merge(
    file: File,
    parts: Sequence[Part],
    found: Iterable[bytes],
    whole: bytes | None,
    rules: Rules,
    process: int,
    drawer: Drawer | None = None,
) -> Report:
    """Returns the report of a process on the file.

    found: what `check_part` returned for each part, in the order of the parts. whole: what `check_whole` returned; None if
    `not_in_parts` is empty. drawer: draws the stream for its report, if the parts were drawn.
    """
    merged: Stretch | None = None
    drawn = drawer is not None
    for part, content in zip(parts, found, strict=True):
        first = merged is None
        stretch = Stretch(rules, [process], drawer=drawer if first else _drawer(rules, drawn), choose=in_parts)
        stretch.restore(decode(content))
        if stretch.file.unreadable:
            return file.in_one_pass(rules, process, part.end)
        if merged is None:
            merged = stretch
            continue
        merged.join(stretch, functools.partial(_again, file, part, rules))
    if merged is None:
        raise ValueError("there are no parts")
    if whole is not None:
        beside = Stretch(rules, [process], drawer=_drawer(rules, drawn), choose=lambda check: not in_parts(check))
        beside.restore(decode(whole))
        if beside.file.unreadable:
            return file.in_one_pass(rules, process, parts[-1].end)
        merged.add_checks(beside)
    return merged.finish(lambda fields: ahead(file.open(rules.schema, fields), fields))[process]
