"""Reads a sheet of an Excel workbook (.xlsx) as plain CSV, row by row."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes, seekable

DAMAGED = (
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    SyntaxError,
    EOFError,
)  # what openpyxl raises; SyntaxError is of its XML
MOST_BYTES = 2 * 1024 * 1024 * 1024  # of a workbook when it is unpacked; a sheet has at most 1,048,576 rows


def sheet_as_csv(stream: BinaryIO, sheet: str | int | None) -> Bytes:
    """Returns the rows of a sheet, separated by commas. sheet: its name, or its number from 1; None for the first.

    Raises UnreadableFile, here or while reading, if the file is no workbook or has no such sheet.
    """
    from openpyxl import load_workbook  # noqa: PLC0415  # slow to import and rarely used

    packed = seekable(stream)
    try:
        with zipfile.ZipFile(packed) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise UnreadableFile(f"the workbook unpacks to {size:,} bytes; the limit is {MOST_BYTES:,}")
        book = load_workbook(packed, read_only=True, data_only=True)
        names = book.sheetnames
        by_number = dict(enumerate(names, 1))
        name = names[0] if sheet is None else by_number.get(sheet, sheet)  # type: ignore[arg-type]  # a name is no number
        if name not in names:
            raise UnreadableFile(f"the workbook has no sheet {name}; its sheets are: {', '.join(names)}")
        rows = book[name].iter_rows(values_only=True)
    except DAMAGED as error:
        raise UnreadableFile(f"the file name says xlsx, but the content is no workbook, or damaged: {error}") from None
    lines = _lines(rows)
    return Bytes(lambda size: _some(lines, size), "text")


def _lines(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\n").writerow
    try:
        for row in rows:
            out.seek(0)
            out.truncate()
            write([_text(value) for value in row])
            yield out.getvalue()
    except DAMAGED as error:
        raise UnreadableFile(f"the workbook is damaged: {error}") from None


def _some(lines: Iterator[str], size: int) -> bytes:
    """Returns lines of about `size` bytes; b"" at the end."""
    found: list[str] = []
    length = 0
    for line in lines:
        found.append(line)
        length += len(line)
        if length >= size:
            break
    return "".join(found).encode(errors="replace")


def _text(value: Any) -> str:
    """Returns the value of a cell as it would be written in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | dt.time):  # a datetime is a date
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
