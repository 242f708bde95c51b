"""Writes a file with the flags of every row as Parquet, and its rows apart: those that are clean, and those that are not.

The table has the columns of the file, a column of flags for every test, `<field>.<test>`, and `qc_flag`, the worst of them: FAIL,
SUSPECT, GOOD, UNKNOWN, MISSING. Numbers, times and truth values have their type; where a cell is not of it, `<field>.as_written`
has its text. The flags are those that the checks computed: nothing is judged twice. The memory does not grow with the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl
from msgspec.structs import replace
from polars.io.plugins import register_io_source
from polars.selectors import by_name

from stream_qc.errors import UnreadableFile
from stream_qc.flagfile import worst
from stream_qc.flags import FAIL
from stream_qc.reading.block import Block
from stream_qc.schema import Field, Schema

FLAG, REASONS, WRITTEN = "qc_flag", "qc_reasons", "as_written"
TYPES = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}
ROW_GROUP = 250_000  # rows
Blocks = Callable[[Schema], Iterable[Block]]


class FlagColumns(Protocol):
    """The flags of every row, by test. names: `<field>.<test>`. failing: those of a test that any row fails."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def failing(self) -> set[str]: ...

    def take(self, first: int, count: int) -> list[pl.Series]:
        """Returns the flags of `count` rows from the row `first` on, which is the one after those taken before."""
        ...


@dataclass(frozen=True)
class Layout:
    """The columns of a table. fields: those of the file that have a name, with their types. written: by field, the column with
    what is not of its type. flags: the columns of the tests. total: that of the worst flag. malformed: that of the text of
    malformed rows, None if there are none.
    """

    fields: dict[str, pl.DataType]
    written: dict[str, str]
    flags: tuple[str, ...]
    total: str
    malformed: str | None

    @classmethod
    def of(cls, header: Sequence[str], schema: Schema, flags: FlagColumns, *, malformed: bool) -> Layout:
        fields = {name: TYPES.get(schema.fields[name].type, pl.String()) for name in dict.fromkeys(header) if name}
        taken = {*fields}

        def free(name: str) -> str:
            while name in taken:
                name += "_"
            taken.add(name)
            return name

        failing, tested = flags.failing, {*flags.names}
        unread = [
            name
            for name, kind in fields.items()
            if kind != pl.String() and (f"{name}.type" in failing or f"{name}.type" not in tested)
        ]
        written = {name: free(f"{name}.{WRITTEN}") for name in unread}
        text = free(f"qc_{WRITTEN}") if malformed else None
        return cls(fields, written, tuple(map(free, flags.names)), free(FLAG), text)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The columns and their types, in order."""
        texts = [*self.written.values(), *([self.malformed] if self.malformed else [])]
        beside: dict[str, pl.DataType] = dict.fromkeys(texts, pl.String())
        return self.fields | beside | dict.fromkeys((*self.flags, self.total), pl.UInt8())


def with_every_field(schema: Schema, header: Sequence[str]) -> Schema:
    """Returns the schema with the fields of the file that it does not have, as text."""
    more = {name: Field(name) for name in header if name and name not in schema.fields}
    return replace(schema, fields={**schema.fields, **more})


def write(
    path: Path, header: Sequence[str], schema: Schema, flags: FlagColumns, blocks: Blocks, *, malformed: bool
) -> None:
    """Writes the table.

    header: the fields of the file. blocks: returns those of the file, for a schema with all its fields. malformed: whether it has
    malformed rows, whose text then has a column.
    """
    whole = with_every_field(schema, header)
    layout = Layout.of(header, whole, flags, malformed=malformed)
    _sink(path, layout.schema, _tables(layout, flags, blocks(whole)))


def split(table: Path, clean: Path, quarantine: Path) -> None:
    """Writes the rows of a table that no test fails, without flags, and the others with the names of the tests they fail."""
    schema = pl.scan_parquet(table).collect_schema()
    *tests, total = [name for name, kind in schema.items() if kind == pl.UInt8]  # no column of a file has this type
    fields = [name for name in schema if name not in (*tests, total)]
    rows = pl.scan_parquet(table)
    rows.filter(_col(total) != FAIL).select(map(_col, fields)).sink_parquet(clean, row_group_size=ROW_GROUP)
    named = [pl.when(_col(name) == FAIL).then(pl.lit(name)) for name in tests]
    failed = pl.concat_str(named, separator="; ", ignore_nulls=True) if named else pl.lit("")
    column = REASONS if REASONS not in schema else f"{REASONS}_"
    reasons = pl.when(failed == "").then(pl.lit("*.well_formed")).otherwise(failed).alias(column)
    failing = rows.filter(_col(total) == FAIL)
    failing.select(*map(_col, fields), reasons).sink_parquet(quarantine, row_group_size=ROW_GROUP)


def write_flags(path: Path, flags: FlagColumns, rows: int) -> None:
    """Writes the flags alone, for whoever joins them with the file."""
    schema: dict[str, pl.DataType] = dict.fromkeys(flags.names, pl.UInt8())

    def some() -> Iterator[pl.DataFrame]:
        for first in range(0, rows, ROW_GROUP):
            yield pl.DataFrame(flags.take(first, min(ROW_GROUP, rows - first)))

    _sink(path, schema, some())


class FlagParts:
    """The flags of several files that `write_flags` has written, as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._parts = [pl.scan_parquet(path) for path in paths]
        self.names = [name for part in self._parts for name in part.collect_schema()]

    @property
    def failing(self) -> set[str]:
        found: set[str] = set()
        for part in self._parts:
            if part.collect_schema():
                any_fails = part.select((pl.all() == FAIL).any()).collect(engine="streaming")
                found |= {name for name in any_fails.columns if any_fails[name][0]}
        return found

    def take(self, first: int, count: int) -> list[pl.Series]:
        return [column for part in self._parts for column in part.slice(first, count).collect().get_columns()]


def _tables(layout: Layout, flags: FlagColumns, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
    for block in _as_far_as_read(blocks):
        columns = [_column(block, name, kind) for name, kind in layout.fields.items()]
        columns += [_written(block, name).alias(column) for name, column in layout.written.items()]
        if layout.malformed:
            columns.append(_malformed(block).alias(layout.malformed))
        taken = zip(flags.take(block.first, block.height), layout.flags, strict=True)
        found = [column.alias(name) for column, name in taken]
        total = worst(layout.total, block.height, found)
        if block.malformed:
            total = total.set(~block.well_formed, FAIL)
        yield pl.DataFrame([*columns, *found, total])


def _as_far_as_read(blocks: Iterable[Block]) -> Iterator[Block]:
    with contextlib.suppress(UnreadableFile):  # the rows before it were checked
        yield from blocks


def _column(block: Block, name: str, kind: pl.DataType) -> pl.Series:
    values = (block.text(name) if kind == pl.String() else block.typed(name)).alias("")
    if isinstance(values.dtype, pl.Datetime):
        values = values.dt.replace_time_zone(None)
    return values.cast(kind, strict=False).alias(name)


def _written(block: Block, name: str) -> pl.Series:
    """Returns the text of the cells that are there, and not of the type of their field."""
    unread = block.typed(name).alias("").is_null() & block.given(name).alias("").is_not_null()
    text = block.text(name).alias("")
    return text.zip_with(unread, pl.Series([None], dtype=pl.String).new_from_index(0, text.len()))


def _malformed(block: Block) -> pl.Series:
    """Returns the beginning of the text of each malformed row, null for the others."""
    texts: list[str | None] = [None] * block.height
    for one in block.malformed:
        texts[one.row - block.first] = one.text
    return pl.Series(texts, dtype=pl.String)


def _col(name: str) -> pl.Expr:
    """Returns the column of exactly this name; `pl.col` takes some names for patterns."""
    return by_name(name).as_expr()


def _sink(path: Path, schema: dict[str, pl.DataType], tables: Iterator[pl.DataFrame]) -> None:
    def source(
        with_columns: list[str] | None, _predicate: pl.Expr | None, _rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        for table in tables:
            yield table if with_columns is None else pl.DataFrame([table[name] for name in with_columns])

    if not schema:
        pl.DataFrame().write_parquet(path)
        return
    register_io_source(source, schema=schema).sink_parquet(path, row_group_size=ROW_GROUP, maintain_order=True)
