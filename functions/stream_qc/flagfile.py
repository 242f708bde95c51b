"""Writes the flags of every row as CSV: `row`, the time, the fields that were tested, and a column per test, `<field>.<test>`.

Checks flag a row at different times and may correct flags at the end. So each check's flags are kept in a temporary file,
one byte per row, and joined when the stream has ended.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from stream_qc import scratch
from stream_qc.checks import AGGREGATE, TESTS, Check
from stream_qc.checks.base import Late
from stream_qc.errors import UnreadableFile
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Schema

ROWS_AT_ONCE = 500_000
# A spreadsheet takes a cell that starts with one of these for a formula, unless an apostrophe precedes it (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FlagColumn:
    """The flags of one check, as a stream_qc.tally.Sink."""

    def __init__(self, name: str, field: str, folder: str, *, is_test: bool) -> None:
        self.name, self.field, self.is_test = name, field, is_test
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

    def has(self, flag: int) -> bool:
        """Returns whether a row has this flag."""
        self.file.seek(0)
        return any(flag in part for part in iter(lambda: self.file.read(ROWS_AT_ONCE), b""))

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
    """Collects the flags of every check and writes the CSV. As a context manager, it removes its temporary files.

    schema: that of the file. aggregates: the fields that get a column with the worst flag of their tests.
    """

    def __init__(self, schema: Schema, aggregates: Sequence[str] = ()) -> None:
        self.schema, self._aggregates = schema, aggregates
        self._folder = scratch.folder()
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
        while name in self.names:
            name += "_"
        column = FlagColumn(name, check.field, self._folder.name, is_test=check.test in TESTS)
        self._columns.append(column)
        return column

    @property
    def names(self) -> list[str]:
        return [column.name for column in self._columns]

    @property
    def _shown(self) -> list[str]:
        """The names of the columns in the CSV."""
        shown: list[str] = []
        for name in self.names:
            shown.append(_free(name, {*shown}))
        return shown

    @property
    def failing(self) -> set[str]:
        return {column.name for column in self._columns if column.has(FAIL)}

    def take(self, first: int, count: int) -> list[pl.Series]:
        """Returns the flags of `count` rows from the row `first` on."""
        for column in self._columns:
            column.file.seek(first)
        return [_flags(column.name, column.file, count) for column in self._columns]

    @property
    def beside(self) -> list[str]:
        """Returns the fields that are written beside the flags: the time, and those that were tested."""
        tested = (column.field for column in self._columns if column.field in self.schema.fields)
        return [*dict.fromkeys((*filter(None, [self.schema.axes.time]), *tested))]

    def write(self, path: Path, rows: int, blocks: Iterable[Block]) -> None:
        """Writes the CSV: a header and one line for each of the rows. Raises OSError if it cannot.

        blocks: those of the file, again, with the fields `beside`.
        """
        for column in self._columns:
            column.file.seek(0)
        names: list[str] = ["row"]
        for field in self.beside:
            names.append(_free(field, {*names, *self._shown}))
        with path.open("wb") as out:
            self._frame(names, [pl.Series(dtype=pl.String)] * (len(names) - 1), 1, 0).write_csv(out)
            first = 1
            with contextlib.suppress(UnreadableFile):  # the rows before it were checked
                for block in blocks:
                    cells = [_harmless(block.text(field)) for field in self.beside]
                    self._frame(names, cells, first, block.height).write_csv(out, include_header=False)
                    first += block.height
            if first != rows + 1:
                raise OSError(f"the file has changed while it was checked: {first - 1:,} rows instead of {rows:,}")

    def _frame(self, names: list[str], cells: list[pl.Series], first: int, count: int) -> pl.DataFrame:
        numbers = pl.int_range(first, first + count, eager=True)
        beside = [column.alias(name) for name, column in zip(names, [numbers, *cells], strict=True)]
        flags = [_flags(name, column.file, count) for name, column in zip(self._shown, self._columns, strict=True)]
        aggregates = [
            worst(
                _free(f"{field}.{AGGREGATE}", {*names, *self._shown}),
                count,
                [
                    one
                    for one, column in zip(flags, self._columns, strict=True)
                    if column.field == field and column.is_test
                ],
            )
            for field in self._aggregates
        ]
        return pl.DataFrame([*beside, *flags, *aggregates])


def _free(name: str, taken: set[str]) -> str:
    """Returns a name for a column that is no formula and not taken."""
    while name.startswith(FORMULA) or name in taken:
        name = f"'{name}"
    return name


def _harmless(cells: pl.Series) -> pl.Series:
    """Returns the cells with an apostrophe before those that a spreadsheet would take for a formula."""
    cells = cells.alias("")  # polars takes some names for patterns
    formula = (cells.str.contains(r"^[=+\-@\t\r]") & ~cells.str.contains(r"^[-+]?[\d.]+([eE][-+]?\d+)?$")).fill_null(
        value=False
    )
    return cells.zip_with(~formula, "'" + cells) if formula.any() else cells


def worst(name: str, count: int, flags: Sequence[pl.Series]) -> pl.Series:
    """Returns the worst flag of each row, as ioos_qc's `aggregate` does: FAIL, SUSPECT, GOOD, UNKNOWN, MISSING."""
    if not flags:  # in a process that runs none of the tests
        return pl.repeat(UNKNOWN, count, dtype=pl.UInt8, eager=True).alias(name)
    order = {MISSING: 0, UNKNOWN: 1, GOOD: 2, SUSPECT: 3, FAIL: 4}
    ranks = pl.DataFrame(
        [one.replace_strict(order, return_dtype=pl.UInt8).alias(str(place)) for place, one in enumerate(flags)]
    )
    worst = ranks.select(pl.max_horizontal(pl.all()).alias(name)).to_series()
    return worst.replace_strict({rank: flag for flag, rank in order.items()}, return_dtype=pl.UInt8)


def _flags(name: str, file: BinaryIO, count: int) -> pl.Series:
    # In a truncated file, a check that waits for the next row has not flagged the last one: 2 is UNKNOWN.
    flags = file.read(count).ljust(count, b"\x02")
    return pl.Series(name, [flags], dtype=pl.Binary).bin.reinterpret(dtype=pl.Array(pl.UInt8, count)).explode()
