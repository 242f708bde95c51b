"""A block: consecutive rows of a stream, as the checks see them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence

import polars as pl

from stream_qc import fieldtimes, fieldtypes
from stream_qc.cells import Cells
from stream_qc.schema import Field, Schema

MALFORMED_TEXT = 200  # characters kept of a malformed row

# A row and its line, from 0 and from 1: from there on, each row is one line, until the next such pair.
Place = tuple[int, int]


class Malformed:
    """A row that cannot be split into the fields of the file: its 0-based number, the reason, and the start of its text."""

    __slots__ = ("reason", "row", "text")

    def __init__(self, row: int, reason: str, text: str) -> None:
        self.row, self.reason, self.text = row, reason, text[:MALFORMED_TEXT]


class Block:
    """Rows `first` to `first + height - 1` of a stream, counted from 0.

    `raw` holds the columns as read: text or typed columns. A malformed row is null in every column and is listed in
    `malformed`. spelled: returns the columns as text, if `raw` does not have it as written. nulls_are_missing: whether the
    missingValues that are text are null already. places: the lines of the rows, if the file has lines.
    """

    def __init__(
        self,
        first: int,
        raw: pl.DataFrame,
        schema: Schema,
        malformed: Sequence[Malformed] = (),
        *,
        height: int,
        spelled: Callable[[], pl.DataFrame] | None = None,
        nulls_are_missing: bool = False,
        places: Sequence[Place] = (),
    ) -> None:
        self.first = first
        self.raw = raw
        self.schema = schema
        self.malformed = malformed
        self.height = height
        # Without their names, because polars takes one such as `^v$` for a pattern.
        self._columns = {column.name: column.alias("") for column in raw.get_columns()}
        self._spelled = spelled
        self.nulls_are_missing = nulls_are_missing
        self.places = places
        self._given: dict[str, pl.Series] = {}
        self._typed: dict[str, pl.Series] = {}
        self._numbers: dict[str, pl.Series] = {}
        self._unread: dict[str, int] = {}
        self._whole: Block | None = None

    def field(self, name: str) -> Field:
        return self.schema.fields[name]

    @functools.cached_property
    def absent(self) -> pl.Series:
        """Returns a null text for each row, for a field that the file lacks."""
        return pl.Series("", [None], dtype=pl.String).new_from_index(0, self.height)

    @functools.cached_property
    def well_formed(self) -> pl.Series:
        """Returns a Boolean per row: false if the row is malformed."""
        if not self.malformed:
            return pl.repeat(value=True, n=self.height, eager=True)
        bad = pl.Series([item.row - self.first for item in self.malformed], dtype=pl.UInt32)
        return ~pl.int_range(self.height, dtype=pl.UInt32, eager=True).is_in(bad.implode())

    def given(self, name: str) -> pl.Series:
        """Returns the field as read, with null for cells that are one of the schema's missingValues."""
        if name not in self._given:
            self._read(name)
        return self._given[name]

    def typed(self, name: str) -> pl.Series:
        """Returns the field in its type, with null for cells that are missing or not of that type."""
        if name not in self._typed:
            self._read(name)
        return self._typed[name]

    def type_all(self, names: Collection[str]) -> None:
        """Parses those columns that have one of the names, so that `typed` finds them ready."""
        for name in self.raw.columns:
            if name in names:
                self.typed(name)

    @property
    def whole(self) -> Block:
        """Returns the block without a mask."""
        return self._whole or self

    def masked(self, names: Iterable[str], there: pl.Series) -> Block:
        """Returns the block with these fields as missing where `there` is false."""
        copy = Block(
            self.first, self.raw, self.schema, self.malformed, height=self.height, spelled=self._spelled,
            nulls_are_missing=self.nulls_are_missing, places=self.places,
        )  # fmt: skip
        copy._whole = self
        for name in names:
            copy._given[name], copy._typed[name] = _where(self.given(name), there), _where(self.typed(name), there)
        return copy

    def unread(self, name: str) -> int:
        """Returns how many cells of the field hold a value that is not of its type."""
        if name not in self._unread:
            self._unread[name] = self.typed(name).null_count() - self.given(name).null_count()
        return self._unread[name]

    def number(self, name: str) -> pl.Series:
        """Returns the field as Float64, with null for missing cells and for NaN, which QARTOD treats as missing."""
        if name not in self._numbers:
            self._numbers[name] = self.typed(name).cast(pl.Float64, strict=False).fill_nan(None)
        return self._numbers[name]

    def text(self, name: str) -> pl.Series:
        """Returns every cell of the field as text. For a few cells, `cells` is cheaper."""
        return fieldtypes.text(self._written(name))

    def cells(self, name: str) -> Cells:
        """Returns the cells of the field as written in the file."""
        return Cells(
            lambda: self._written(name),
            lambda cells: fieldtypes.text(cells).to_list(),
            self.when,
        )

    def when(self) -> pl.Series:
        """Returns the times of the rows, Datetime in microseconds; null for a row without one, and if the rules name no time."""
        time = self.schema.axes.time
        return (self.absent if time is None else self.whole.typed(time)).cast(pl.Datetime("us"))

    def spelled(self) -> pl.DataFrame:
        """Returns the columns as text where the file has text."""
        return self.raw if self._spelled is None else self._spelled()

    def _written(self, name: str) -> pl.Series:
        return self._column(name) if self._spelled is None or name not in self._columns else self._spelled()[name]

    def _joined(self, name: str) -> pl.Series:
        """Returns the cells of several fields, joined by a blank; null if one of them is missing."""
        fields = self.schema.time_parts[name].fields
        parts = pl.DataFrame([self._part(field).alias(str(place)) for place, field in enumerate(fields)])
        return parts.select(pl.concat_str(pl.all().str.strip_chars(), separator=" ").alias(name)).to_series()

    def _part(self, name: str) -> pl.Series:
        """Returns a field that a time is put together from, as text."""
        given = self.given(name)
        if given.dtype == pl.Date and self.field(name).type == "yearmonth":
            return given.dt.strftime("%Y-%m")
        return fieldtypes.text(given)

    def _column(self, name: str) -> pl.Series:
        if name in self.schema.time_parts:
            return self._joined(name)
        column = self._columns.get(name)
        return self.absent if column is None else column

    def _read(self, name: str) -> None:
        """Finds the missing cells and parses the others. A missingValue is a value of the field's type where it is one."""
        if name in self.schema.time_parts:
            self._given[name] = self._joined(name)
            self._typed[name] = fieldtimes.assembled(self._given[name], self.schema.time_parts[name])
            return
        given = self._column(name)
        if given.dtype == pl.String and not self.nulls_are_missing:
            given = _without(given, self.schema.missing_values)
        typed = fieldtypes.parse(given, self.field(name))
        missing = self.schema.missing_typed.get(name)
        if missing and (here := typed.is_in(missing)).any():
            typed, given = typed.set(here, None), given.set(here, None)
        self._given[name], self._typed[name] = given, typed


def _without(cells: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    """Returns the text with null for the missing values."""
    if missing == ("",):
        return cells.replace("", None) if cells.len() and (cells == "").any() else cells
    return cells.to_frame("v").select(pl.when(~pl.col("v").is_in(missing)).then(pl.col("v")))["v"]


def _where(values: pl.Series, there: pl.Series) -> pl.Series:
    return values.zip_with(there, pl.Series([None], dtype=values.dtype).new_from_index(0, values.len()))
