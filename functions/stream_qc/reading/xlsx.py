"""Reads a sheet of an Excel workbook (.xlsx) as plain CSV, row by row."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes, bytes_of, seekable

DAMAGED = (
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    SyntaxError,
    EOFError,
)  # what openpyxl raises; SyntaxError is of its XML
MOST_BYTES = 2 * 1024 * 1024 * 1024  # of a workbook when it is unpacked; a sheet has at most 1,048,576 rows


def sheet_as_csv(stream: BinaryIO, sheet: str | int | None, header: int) -> Bytes:
    """Returns the rows of a sheet, separated by commas, without blank rows above the header.

    sheet: its name, or its number from 1; None for the first. header: the line of the header; 0 for the first that is not
    blank. Cells beyond its width count only if they hold something.

    Raises UnreadableFile, here or while reading, if the file is no workbook or has no such sheet.
    """
    from openpyxl import load_workbook  # noqa: PLC0415  # slow to import and rarely used

    packed = seekable(stream)
    try:
        with zipfile.ZipFile(packed) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise UnreadableFile(f"the workbook unpacks to {size:,} bytes; the limit is {MOST_BYTES:,}")
        sheets = [load_workbook(packed, read_only=True, data_only=values).worksheets for values in (True, False)]
        names = [one.title for one in sheets[0]]
        by_number = dict(enumerate(names, 1))
        name = names[0] if sheet is None and names else by_number.get(sheet, sheet)  # type: ignore[arg-type]  # a name is no number
        if name not in names:
            raise UnreadableFile(f"the workbook has no sheet {name}; its sheets are: {', '.join(names)}")
        values, formulas = (one[names.index(name)] for one in sheets)
        for one in (values, formulas):
            one.reset_dimensions()  # they may be wrong, and rows would be left out
        rows = zip(values.iter_rows(), formulas.iter_rows(), strict=True)
    except DAMAGED as error:
        raise UnreadableFile(
            f"the file name says xlsx, but the content is not a workbook or is damaged: {error}"
        ) from None
    return bytes_of(_lines(rows, header))


def _lines(rows: Iterator[tuple[Any, Any]], header: int) -> Iterator[str]:
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\n").writerow
    width, number = 0, 0
    try:
        for values, formulas in rows:
            number += 1
            cells = [_text(value, formula) for value, formula in zip(values, formulas, strict=True)]
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if not width and not cells and not header:
                continue
            if not width and number >= header:
                width = len(cells)
            out.seek(0)
            out.truncate()
            write(cells + [""] * (width - len(cells)) if any(cells) else [])
            yield out.getvalue()
    except DAMAGED as error:
        raise UnreadableFile(f"the workbook is damaged: {error}") from None


def _text(cell: Any, formula: Any) -> str:
    """Returns the value of a cell as it would be written in a CSV file. A formula without a value is shown as it is."""
    value = cell.value
    if value is None:
        return str(formula.value) if isinstance(formula.value, str) and formula.value.startswith("=") else ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime) and value.time() == dt.time() and "h" not in str(cell.number_format).lower():
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):  # a datetime is a date
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
