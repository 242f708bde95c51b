"""Proves the constraints of a text field together, if it has few different texts."""

from __future__ import annotations

import dataclasses

import polars as pl

from stream_qc.checks.base import RowCheck
from stream_qc.checks.measures import Found, Measure, column, computed
from stream_qc.reading.block import Block

SAMPLE, MOST = 1_000, 8  # rows of a block that are looked at, and different texts to compare with


class KnownTexts:
    """The texts of a field that violate none of its constraints, if there are few.

    They are learned from the first block. Comparing all rows with them costs less than one constraint does, and proves all of
    them.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._bad: list[pl.Expr] = []
        self._measures: list[list[Measure]] = []  # of each check
        self._is_unknown: pl.Expr | None = None  # whether a text is none of those that were learned
        self._unknown: Measure | None = None  # the rows of such texts
        self._tried = False

    def prove(self, check: RowCheck, bad: pl.Expr) -> RowCheck:
        """Returns the check with this proof, which falls back on its own. bad: whether a text violates the constraint."""
        measures = list(check.measures)
        self._bad.append(bad)
        self._measures.append(measures)

        def proves(block: Block, found: Found) -> bool:
            if self._unknown is None or self._unknown not in found:
                self._learn(block)
                return check.proves(block, found)
            others = block.typed(self._field).gather(found[self._unknown])
            return not others.len() or not computed(bad, self._field, others).any()

        return dataclasses.replace(check, measures=measures, proves=proves)

    def violates(self, bad: pl.Expr, texts: pl.Series) -> pl.Series:
        """Returns whether each text violates a constraint; null for a missing one."""
        if self._is_unknown is None:
            return computed(bad, self._field, texts)
        found = computed(self._is_unknown, self._field, texts)
        places = found.arg_true()
        return found.scatter(places, computed(bad, self._field, texts.gather(places)))

    def _learn(self, block: Block) -> None:
        if self._tried:
            return
        self._tried = True
        sample = block.typed(self._field).head(SAMPLE).drop_nulls().unique()
        for bad in self._bad:
            sample = sample.filter(~computed(bad, self._field, sample))
        if 0 < sample.len() <= MOST:
            self._is_unknown = pl.all_horizontal(column(self._field) != one for one in sample)
            self._unknown = Measure(f"unknown texts {self._field}", self._is_unknown.arg_true().implode())
            for measures in self._measures:
                measures[:] = [self._unknown]
