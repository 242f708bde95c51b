"""Cells as they stand in the file, for the few that are shown."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Spell = Callable[[pl.Series], str | None]


class Cells:
    """Cells of a field as they stand in the file, spelt out one at a time when somebody asks: most of them nobody does.

    column: what each cell can be told from, one a row: itself, or the line that it stands in. spell: from one of these to
    the text of the cell.
    """

    __slots__ = ("column", "spell")

    def __init__(self, column: pl.Series, spell: Spell) -> None:
        self.column, self.spell = column, spell

    def __getitem__(self, index: int) -> str | None:
        return self.spell(self.column.slice(index, 1))
