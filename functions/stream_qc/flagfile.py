"""Writes the flags of every row as CSV: `row`, then one column per test, named `<field>.<test>`.

Checks flag a row at different times and may correct flags at the end. So each check's flags are kept in a temporary file,
one byte per row, and joined when the stream has ended.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

import polars as pl

from stream_qc.checks import Check
from stream_qc.checks.base import Late

ROWS_AT_ONCE = 500_000
# A spreadsheet takes a cell that starts with one of these for a formula, unless an apostrophe precedes it (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FlagColumn:
    """The flags of one check, as a stream_qc.tally.Sink."""

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with the FlagFile

    def write(self, flags: pl.Series) -> None:
        self.file.write(bytes(flags.to_list()))

    def change(self, late: Late) -> None:
        if late.rows is None:
            self._change_all(late.was, late.flag)
        else:
            for row in late.rows:
                self.file.seek(row)
                self.file.write(bytes([late.flag]))
        self.file.seek(0, 2)

    def restart(self) -> None:
        self.file.seek(0)
        self.file.truncate()

    def _change_all(self, was: int, flag: int) -> None:
        table = bytes(flag if value == was else value for value in range(256))
        place = 0
        while True:
            self.file.seek(place)
            part = self.file.read(ROWS_AT_ONCE)
            if not part:
                return
            self.file.seek(place)
            self.file.write(part.translate(table))
            place += len(part)


class FlagFile:
    """Collects the flags of every check and writes the CSV. As a context manager, it removes its temporary files."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stream-qc-")
        self._columns: list[FlagColumn] = []

    def __enter__(self) -> FlagFile:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self._columns:
            column.file.close()
        self._folder.cleanup()

    def column(self, check: Check) -> FlagColumn:
        """Returns a sink for the check's flags. The columns of the CSV are in the order of the calls."""
        name = f"{check.field}.{check.test}"
        taken = {column.name for column in self._columns}
        while name.startswith(FORMULA) or name in taken:
            name = f"'{name}"
        column = FlagColumn(name, self._folder.name)
        self._columns.append(column)
        return column

    def write(self, path: Path, rows: int) -> None:
        """Writes the CSV: a header and one line for each of the rows. Raises OSError if it cannot."""
        for column in self._columns:
            column.file.seek(0)
        with path.open("wb") as out:
            self._frame(1, 0).write_csv(out)
            for first in range(1, rows + 1, ROWS_AT_ONCE):
                frame = self._frame(first, min(ROWS_AT_ONCE, rows + 1 - first))
                frame.write_csv(out, include_header=False)

    def _frame(self, first: int, count: int) -> pl.DataFrame:
        numbers = pl.int_range(first, first + count, eager=True).alias("row")
        return pl.DataFrame([numbers, *(_flags(column.name, column.file, count) for column in self._columns)])


def _flags(name: str, file: BinaryIO, count: int) -> pl.Series:
    # In a truncated file, a check that waits for the next row has not flagged the last one: 2 is UNKNOWN.
    return pl.Series(name, list(file.read(count).ljust(count, b"\x02")), dtype=pl.UInt8)
