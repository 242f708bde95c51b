"""`unique`, `primaryKey` and `duplicate_time`: find keys that occur more than once in the stream.

Where the keys of one field ascend, or nearly, only the last of them are kept. Elsewhere, 8 bytes of hash are kept for each row.
Only if two hashes are equal is the stream read again, to compare the keys of those rows: equal hashes prove nothing. Memory is
bounded in all of them (stream_qc.checks.recent_keys, stream_qc.checks.hashes, stream_qc.checks.repeats).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from stream_qc.checks.base import Again, Clean, Collected, Flags
from stream_qc.checks.hashes import Hashes
from stream_qc.checks.keys import Key
from stream_qc.checks.measures import Found, Measure, ascends
from stream_qc.checks.recent_keys import RecentKeys
from stream_qc.checks.repeats import RepeatCheck
from stream_qc.flags import FAIL, GOOD
from stream_qc.reading.block import Block


class UniqueCheck:
    """Flags rows that repeat the key of an earlier row. The first row with a key is GOOD.

    A row in which all of these fields are missing is MISSING for `unique` and `duplicate_time`, and FAIL for a primary key,
    which must have a value (Table Schema, primaryKey). hashed: whether to expect the keys in any order.

    Stretches are joined as they are if their keys ascend, or nearly, or if all of them are hashed. If not, the later one is read
    again.
    """

    unjudged = ""

    def __init__(self, field: str, key: Key, *, hashed: bool = False) -> None:
        needs = key.fields
        self.field, self.test, self.needs = field, key.test, needs
        self._key = key
        self._hashes = Hashes() if hashed else None
        self._recent = RecentKeys() if len(needs) == 1 and not key.every else None
        # For a key of several fields: those that ascend so far, each with its last value.
        self._ascending: dict[str, Any] = dict.fromkeys(needs)
        self._begun = False  # whether there was a key
        self._late = False  # keys came out of order after others that were not kept

    @property
    def carried(self) -> object:
        if self._late or self._hashes:
            return self._late
        return (self._recent.last, self._recent.row) if self._recent else (self._begun, self._ascending)

    @property
    def collected(self) -> Sequence[Collected]:
        if self._hashes:
            return (self._hashes,)
        return (self._recent,) if self._recent and self._begun else ()

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
            if found[ascends(name)] and (not self._begun or values[name][0] > last)
        }
        if not ascending:
            return None
        self._ascending, self._begun = ascending, True
        if self._recent:
            self._recent.add(block.first, *values.values())
        return Clean(block.height)

    def update(self, block: Block) -> Flags | None:
        if self._late:
            return None
        flags = self._key.flags(block)
        if not self._hashes:
            found = self._compared(block, flags, self._recent) if self._recent else None
            if found is not None:
                return found
            if self._begun:
                self._late = True
                return None
            self._hashes = Hashes()
        self._hashes.add(self._key.hashes(block).filter(flags == GOOD))
        return Flags(block.first, flags, self._key.cells(block), self._key.no_value)

    def finish(self) -> Iterable[Again]:
        if self._late:
            yield Again(UniqueCheck(self.field, self._key, hashed=True))
        elif self._hashes and (repeated := self._hashes.repeated()).len():
            yield Again(RepeatCheck(self.field, self._key, repeated))

    def _compared(self, block: Block, flags: pl.Series, recent: RecentKeys) -> Flags | None:
        """Returns the flags of a block whose keys are compared with those that are kept; None if that does not suffice."""
        (name,) = self.needs
        repeated = recent.repeated(block.first, self._key.values(block, name))
        if repeated is None:
            return None
        if recent.row is not None:
            self._ascending, self._begun = dict.fromkeys(self.needs, recent.last), True
        raw = self._key.cells(block)

        def why(index: int) -> str:
            place = repeated["row"].index_of(block.first + index)
            if place is None:
                return self._key.no_value(index)
            return self._key.repeats(raw[index], repeated["first"][place])

        return Flags(block.first, flags.scatter(repeated["row"] - block.first, FAIL), raw, why)
