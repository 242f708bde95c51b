"""`unique`, `primaryKey` and `duplicate_time`: find keys that occur more than once in the stream.

Where keys ascend, equal ones are neighbours, and nothing is kept. Elsewhere, 8 bytes of hash are kept for each row. Only if
two hashes are equal is the stream read again, to compare the keys of those rows: equal hashes prove nothing. Memory is
bounded in all three (stream_qc.checks.hashes, stream_qc.checks.repeats).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from stream_qc.checks.base import Again, Clean, Collected, Flags
from stream_qc.checks.hashes import Hashes
from stream_qc.checks.keys import Key
from stream_qc.checks.measures import Found, Measure, ascends
from stream_qc.checks.repeats import RepeatCheck
from stream_qc.flags import FAIL, GOOD
from stream_qc.reading.block import Block


class UniqueCheck:
    """Flags rows that repeat the values of an earlier row in the fields `needs`. The first row with a key is GOOD.

    A row in which all of these fields are missing is MISSING for `unique` and `duplicate_time`, and FAIL for a primary key,
    which must have a value (Table Schema, primaryKey). hashed: whether to expect the keys in any order.

    Stretches are joined as they are if their keys ascend, or if all of them are hashed. If not, the later one is read again.
    """

    unjudged = ""

    def __init__(
        self, field: str, test: str, needs: tuple[str, ...], *, absent_fails: bool = False, hashed: bool = False
    ) -> None:
        self.field, self.test, self.needs = field, test, needs
        self._key = Key(needs, test, absent_fails)
        self._hashes = Hashes() if hashed else None
        self._ascending: dict[str, Any] = dict.fromkeys(
            needs
        )  # the fields that ascend so far, each with its last value
        self._row: int | None = None  # the first row with the last key; None if there is no key yet
        self._late = False  # keys came out of order after others that were not kept

    @property
    def carried(self) -> object:
        return self._late or (self._hashes is None and (self._row, self._ascending))

    @property
    def collected(self) -> Sequence[Collected]:
        return (self._hashes,) if self._hashes else ()

    @property
    def measures(self) -> Sequence[Measure]:
        return () if self._hashes or self._late else [ascends(name) for name in self._ascending]

    def prove(self, block: Block, found: Found) -> Clean | None:
        if self._late:
            return Clean(0)
        values = {name: self._key.values(block, name) for name in self.needs}
        if not block.height or any(column.null_count() for column in values.values()):
            return None
        if self._hashes:
            self._hashes.add(self._key.hashes(block))
            return Clean(block.height)
        ascending = {
            name: values[name][-1]
            for name, last in self._ascending.items()
            if found[ascends(name)] and (self._row is None or values[name][0] > last)
        }
        if not ascending:
            return None
        self._ascending = ascending
        self._row = block.first + block.height - 1
        return Clean(block.height)

    def update(self, block: Block) -> Flags | None:
        if self._late:
            return None
        flags = self._key.flags(block)
        if not self._hashes:
            found = self._beside(block, flags) if len(self.needs) == 1 else None
            if found is not None:
                return found
            if self._row is not None:
                self._late = True
                return None
            self._hashes = Hashes()
        self._hashes.add(self._key.hashes(block).filter(flags == GOOD))
        return Flags(block.first, flags, self._key.cells(block), self._key.no_value)

    def finish(self) -> Iterable[Again]:
        if self._late:
            yield Again(
                UniqueCheck(self.field, self.test, self.needs, absent_fails=self._key.absent_fails, hashed=True)
            )
        elif self._hashes and (repeated := self._hashes.repeated()).len():
            yield Again(RepeatCheck(self.field, self._key, repeated))

    def _beside(self, block: Block, flags: pl.Series) -> Flags | None:
        """Returns the flags of a block whose keys are in order; None if they are not."""
        (name,) = self.needs
        rows = pl.DataFrame({"key": self._key.values(block, name)}).with_row_index("row", offset=block.first)
        rows = rows.filter(flags == GOOD)
        above = [] if self._row is None else [{"row": self._row, "key": self._ascending[name]}]
        known = pl.concat([pl.DataFrame(above, schema=rows.schema), rows])
        if not known["key"].is_sorted():
            return None
        new = (pl.col("key") != pl.col("key").shift(1)).fill_null(value=True)
        known = known.with_columns(pl.when(new).then("row").forward_fill().alias("first"))
        if known.height:
            self._ascending, self._row = {name: known["key"][-1]}, int(known["first"][-1])
        repeated = known.filter(pl.col("row") != pl.col("first"))
        first = dict(zip(repeated["row"] - block.first, repeated["first"], strict=True))
        raw = self._key.cells(block)
        return Flags(
            block.first,
            flags.scatter([*first], FAIL) if first else flags,
            raw,
            lambda index: self._key.repeats(raw[index], first[index]) if index in first else self._key.no_value(index),
        )
