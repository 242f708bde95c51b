"""The text of single cells as written in the file, for the few that are shown to people."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Spell = Callable[[pl.Series], str | None]


class Cells:
    """The cells of a field, formatted lazily: few are ever shown.

    column: one value per row, from which the cell's text is derived: the cell itself, or the line that contains it.
    spell: returns the text of a cell, given a Series of its one value.
    """

    __slots__ = ("column", "spell")

    def __init__(self, column: pl.Series, spell: Spell) -> None:
        self.column, self.spell = column, spell

    def __getitem__(self, index: int) -> str | None:
        return self.spell(self.column.slice(index, 1))
