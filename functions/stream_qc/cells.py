"""The text of single cells as written in the file, and the times of their rows, for the few that are shown to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import polars as pl


class Raw(Protocol):
    """Returns the text of a cell, given its index."""

    def __getitem__(self, index: int, /) -> str | None: ...

    def times(self, indices: pl.Series, /) -> pl.Series:
        """Returns the times of several rows, Datetime in microseconds; null for one without. The indices ascend."""
        ...


class Cells:
    """The cells of a field in a block, read from the file's text only when one is shown.

    column: returns one value per row, from which a cell's text is derived: the cell itself, or the line that contains it.
    spell: returns the text of cells, given a Series of their values. when: returns the time of each row.
    """

    __slots__ = ("_column", "_spell", "_when")

    def __init__(
        self,
        column: Callable[[], pl.Series],
        spell: Callable[[pl.Series], list[str | None]],
        when: Callable[[], pl.Series],
    ) -> None:
        self._column, self._spell, self._when = column, spell, when

    def __getitem__(self, index: int) -> str | None:
        return self._spell(self._column().slice(index, 1))[0]

    def gather(self, indices: pl.Series) -> list[str | None]:
        """Returns the text of several cells, faster than one by one."""
        return self._spell(self._column().gather(indices))

    def times(self, indices: pl.Series) -> pl.Series:
        return self._when().gather(indices)

    def kept(self) -> Kept:
        """Returns the cells without their block, for another process."""
        return Kept(self._spell(self._column()), self._when())


class Kept:
    """The text and the times of cells whose block is in another process."""

    def __init__(self, texts: list[str | None], when: pl.Series) -> None:
        self._texts, self._when = texts, when

    def __getitem__(self, index: int) -> str | None:
        return self._texts[index]

    def times(self, indices: pl.Series) -> pl.Series:
        return self._when.gather(indices)


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

    def times(self, indices: pl.Series) -> pl.Series:
        found, start = [], 0
        for cells, first, count in self._parts:
            here = indices.filter((indices >= start) & (indices < start + count))
            found.append(cells.times(here.cast(pl.Int64) + (first - start)))
            start += count
        return pl.concat(found)


class Pair:
    """Returns both cells of a position as one text."""

    def __init__(self, lat: Cells, lon: Cells) -> None:
        self.lat, self.lon = lat, lon

    def __getitem__(self, index: int) -> str:
        return f"{self.lat[index] or ''}, {self.lon[index] or ''}"

    def gather(self, indices: pl.Series) -> list[str | None]:
        return [self[index] for index in indices]

    def times(self, indices: pl.Series) -> pl.Series:
        return self.lat.times(indices)
