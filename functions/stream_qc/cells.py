"""The text of single cells as written in the file, for the few that are shown to people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import polars as pl


class Raw(Protocol):
    """Returns the text of a cell, given its index."""

    def __getitem__(self, index: int, /) -> str | None: ...

    def different(self, indices: pl.Series, /) -> Iterable[str | None]:
        """Returns the different values of several cells, as text that need not be that of the file."""
        ...


class Cells:
    """The cells of a field in a block, read from the file's text only when one is shown.

    column: returns one value per row, from which a cell's text is derived: the cell itself, or the line that contains it.
    spell: returns the text of cells, given a Series of their values. different: returns their different values, given their
    indices, without reading the text again.
    """

    __slots__ = ("_column", "_different", "_spell")

    def __init__(
        self,
        column: Callable[[], pl.Series],
        spell: Callable[[pl.Series], list[str | None]],
        different: Callable[[pl.Series], Iterable[str | None]] | None = None,
    ) -> None:
        self._column, self._spell, self._different = column, spell, different or self.gather

    def __getitem__(self, index: int) -> str | None:
        return self._spell(self._column().slice(index, 1))[0]

    def gather(self, indices: pl.Series) -> list[str | None]:
        """Returns the text of several cells, faster than one by one."""
        return self._spell(self._column().gather(indices))

    def different(self, indices: pl.Series) -> Iterable[str | None]:
        return self._different(indices)

    def as_written(self) -> Cells:
        """Returns the same cells, whose values differ if their texts do."""
        return Cells(self._column, self._spell)


class Joined:
    """Cells of several blocks as one. parts: cells, the index of the first one, and how many."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[tuple[Raw, int, int]]) -> None:
        self._parts = parts

    def __getitem__(self, index: int) -> str | None:
        for cells, first, count in self._parts:
            if index < count:
                return cells[first + index]
            index -= count
        raise IndexError(index)

    def different(self, indices: pl.Series) -> list[str | None]:
        found: dict[str | None, None] = {}
        start = 0
        for cells, first, count in self._parts:
            here = indices.filter((indices >= start) & (indices < start + count)).cast(pl.Int64) - start + first
            found |= dict.fromkeys(cells.different(here) if here.len() else ())
            start += count
        return [*found]


class Pair:
    """Returns both cells of a position as one text."""

    def __init__(self, lat: Cells, lon: Cells) -> None:
        self.lat, self.lon = lat, lon

    def __getitem__(self, index: int) -> str:
        return f"{self.lat[index] or ''}, {self.lon[index] or ''}"

    def gather(self, indices: pl.Series) -> list[str | None]:
        return [self[index] for index in indices]

    def different(self, indices: pl.Series) -> list[str | None]:
        return self.gather(indices)

    def as_written(self) -> Pair:
        return self
