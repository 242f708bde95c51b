"""Tests of a field whose parameters depend on other fields: limits by the kind of sensor, in a file of many kinds.

Each entry of the rules says which rows it is for, and has a check of its own, which sees the others as rows without a value, or
not at all if it compares rows. A row has the flag of the first entry that is for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from stream_qc.cells import Raw
from stream_qc.checks.base import Again, Check, Clean, Flags, Late, Test
from stream_qc.checks.measures import MARK, Found, column
from stream_qc.checks.series import OneSeries, Series
from stream_qc.flags import FAIL, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.schema import Axes

Where = Mapping[str, Sequence[Any]]  # the values that rows have in each field; no field: all rows


class SeriesWhere(Series):
    """The series of the rows that an entry is for; null for the others. series: those of the file, if it has several."""

    def __init__(self, series: Series | None, is_for: Callable[[Block], pl.Series]) -> None:
        self._series = series or OneSeries()
        super().__init__(self._series.fields)
        self._is_for = is_for

    def numbers(self, block: Block) -> pl.Series:
        numbers = self._series.numbers(block.whole)
        return numbers.set(~self._is_for(block.whole), None)

    def name(self, number: int) -> str:
        return self._series.name(number)


class Chosen:
    """The cells of each row as the check of its entry shows them. entries: of each row; raw: by entry; when: of each row."""

    def __init__(self, entries: pl.Series, raw: Mapping[int, Raw], when: Callable[[], pl.Series]) -> None:
        self._entries, self._raw, self._when = entries, raw, when

    def __getitem__(self, index: int) -> str | None:
        return self._raw[self._entries[index]][index]

    def times(self, indices: pl.Series) -> pl.Series:
        return self._when().gather(indices)


class WhereCheck:
    """A test with parameters for each of several kinds of rows. A row that no entry with this test is for is UNKNOWN.

    wheres: which rows the entries are for, in order. tests: the test of each entry that has it, by the number of the entry.
    again: checks that have seen the stream and need a second pass, by the number of their entry.
    """

    measures = ()
    collected = ()

    def __init__(
        self,
        field: str,
        name: str,
        wheres: Sequence[Where],
        tests: Mapping[int, Test],
        axes: Axes,
        series: Series | None,
        again: Mapping[int, Check] | None = None,
    ) -> None:
        self.field, self.test = field, name
        self._given = (field, name, wheres, tests, axes, series)
        self._entry = _entry(wheres)
        self._last: tuple[Block, pl.Series] | None = None  # a block, and the entry that is for each row
        self._checks = {
            number: (again or {}).get(number)
            or test.check_in_series(field, axes, SeriesWhere(series, functools.partial(self._is_for, number)))
            for number, test in tests.items()
        }
        needed = [name for check in self._checks.values() for name in check.needs]
        self.needs = (*dict.fromkeys((*needed, *(name for where in wheres for name in where))),)
        reasons = dict.fromkeys(filter(None, (check.unjudged for check in self._checks.values())))
        self.unjudged = "; or ".join(["no row has one of the values of `where`", *reasons])

    @property
    def carried(self) -> object:
        return object()  # equal to nothing: stretches cannot be joined as they are

    def prove(self, _block: Block, _found: Found) -> Clean | None:
        return None

    def update(self, block: Block) -> list[Flags | Late]:
        if not block.height:
            return []
        found: dict[int, Flags] = {}
        late: list[Flags | Late] = []
        flags = pl.repeat(UNKNOWN, block.height, dtype=pl.UInt8, eager=True)
        numbers: pl.Series | None = None
        for number, check in self._checks.items():
            here = self._is_for(number, block)
            given = check.update(block.masked(check.needs, here))
            for one in [given] if isinstance(given, Flags) else given or []:
                if isinstance(one, Flags):
                    if (here & ((one.flags == FAIL) | (one.flags == SUSPECT))).any():  # the others are not shown
                        found[number] = one
                    flags = one.flags.zip_with(here, flags)
                    if one.numbers is not None:
                        others = one.numbers.clear(block.height) if numbers is None else numbers
                        numbers = one.numbers.zip_with(here, others)
                else:
                    late.append(one)

        def why(index: int) -> str:
            return found[self._entries(block)[index]].why(index)

        raw = Chosen(self._entries(block), {number: one.raw for number, one in found.items()}, block.when)
        return [*late, Flags(block.first, flags, raw, why, numbers)]

    def finish(self) -> Iterable[Flags | Late | Again]:
        again: dict[int, Check] = {}
        for number, check in self._checks.items():
            for one in check.finish():
                if isinstance(one, Again):
                    again[number] = one.check
                else:
                    yield one
        if again:
            yield Again(WhereCheck(*self._given, again))

    def _entries(self, block: Block) -> pl.Series:
        if self._last is None or self._last[0] is not block:
            names = {name for where in self._given[2] for name in where}
            every = pl.repeat(0, block.height, eager=True).alias("")
            rows = pl.DataFrame([every, *(block.typed(name).alias(f"{MARK}{name}") for name in sorted(names))])
            self._last = block, rows.with_columns(self._entry.alias("entry"))["entry"]
        return self._last[1]

    def _is_for(self, number: int, block: Block) -> pl.Series:
        return (self._entries(block) == number).fill_null(value=False)


def _entry(wheres: Sequence[Where]) -> pl.Expr:
    """Returns the number of the first entry that is for a row; null if none is."""
    numbers = [
        pl.when(
            pl.all_horizontal(pl.lit(value=True), *(_is_one_of(name, values) for name, values in where.items()))
        ).then(number)
        for number, where in enumerate(wheres)
    ]
    return pl.coalesce(*numbers, pl.lit(None, dtype=pl.Int32))


def _is_one_of(name: str, values: Sequence[Any]) -> pl.Expr:
    return pl.any_horizontal(column(name) == value for value in values)
