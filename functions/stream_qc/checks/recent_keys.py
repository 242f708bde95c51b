"""The keys of the last rows, to find repeated ones while nearly all keys ascend."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import polars as pl

KEPT_BYTES = 2 * 2**20  # some 260,000 rows of times
REPEATED = {"row": pl.Int64, "first": pl.Int64}
FEW, FEW_SHARE = 10, 8  # new keys in a block that may be below one above them: 10, and an eighth of its rows
MOST_STRAYS = 100_000


class Rising(NamedTuple):
    """Consecutive rows. first: the first of them. greatest: the greatest key up to each of them; the first one has its own."""

    first: int
    greatest: pl.Series


class RecentKeys:
    """The keys of the last rows, about KEPT_BYTES of them, and the first row that has each.

    A key that is greater than all above it is new. Any other is looked up among those that are kept.
    """

    def __init__(self) -> None:
        self.last: Any = None  # the greatest key; None if there is none yet
        self.row: int | None = None  # the first row that has it
        self._rising: deque[Rising] = deque()
        self._strays: pl.DataFrame | None = None  # `key` and `row`: the other keys, but for the repeated ones
        self._since: Any = None  # smaller keys are not kept any more; None if all are kept

    def forget(self) -> None:
        """Discards the keys but the greatest: a stretch begins."""
        if self.row is not None:
            self._rising = deque([Rising(self.row, self._rising[-1].greatest.tail(1))])
            self._strays, self._since = None, self.last

    def include(self, earlier: RecentKeys) -> None:
        """Adds the keys of the rows above, unless those of the rows between are not all kept."""
        if self._since != earlier.last:
            return
        _, *others = self._rising  # the first one is the last row above
        self._rising = deque([*earlier._rising, *others])
        strays = [one for one in (earlier._strays, self._strays) if one is not None]
        self._strays, self._since = pl.concat(strays) if strays else None, earlier._since
        self._make_room()

    def add(self, first: int, keys: pl.Series) -> None:
        """Adds the keys of rows, from the row `first` on. Each is greater than all above it."""
        if keys.len():
            self._add(Rising(first, keys))

    def repeated(self, first: int, keys: pl.Series) -> pl.DataFrame | None:
        """Returns those of the next rows whose key a row above has: `row`, ascending, and `first`, the first row with the key.

        first: the first of these rows. keys: their keys; null for a row that has none. Returns None, and takes none of the rows,
        if it would need keys that are not kept, or if too many are out of order.
        """
        greatest = pl.concat([pl.Series([self.last], dtype=keys.dtype), keys]).cum_max().forward_fill()
        places = (keys <= greatest.head(keys.len())).arg_true()
        others = pl.DataFrame({"row": places.cast(pl.Int64) + first, "key": keys.gather(places)})
        if others.height and self._since is not None and others["key"].min() < self._since:
            return None
        rising = self._risen(first, greatest.slice(1))
        found = pl.DataFrame(schema=REPEATED)
        if others.height:
            others = others.with_columns(_first_rows([*self._rising, *rising], others["key"]).alias("first"))
            found, strays = others.drop_nulls("first").select("row", "first"), others.filter(pl.col("first").is_null())
            if strays.height:
                again = self._again(strays.select("key", "row"), keys.len())
                if again is None:
                    return None
                found = pl.concat([found, again]).sort("row")
        for one in rising:
            self._add(one)
        return found

    def _risen(self, first: int, greatest: pl.Series) -> list[Rising]:
        """Returns the rows from the one on whose key is greater than all above it; nothing if there is no such row."""
        start = greatest.null_count()
        if self.last is not None:
            start = greatest.search_sorted(self.last, side="right")
        return [Rising(first + start, greatest.slice(start))] if start < greatest.len() else []

    def _again(self, strays: pl.DataFrame, rows: int) -> pl.DataFrame | None:
        """Returns the keys below one above them that repeat another such key. Returns None if there are too many to keep.

        strays: `key` and `row`. rows: of how many rows they are.
        """
        every = strays if self._strays is None else pl.concat([self._strays, strays])
        first = every.group_by("key").agg(pl.col("row").min().alias("first"))
        if strays.height > FEW + rows // FEW_SHARE or first.height > MOST_STRAYS:
            return None
        self._strays = first.rename({"first": "row"})
        return strays.join(first, on="key").filter(pl.col("first") < pl.col("row")).select("row", "first")

    def _add(self, rising: Rising) -> None:
        self._rising.append(rising)
        self.last = rising.greatest[-1]
        self.row = rising.first + int(rising.greatest.search_sorted(self.last))
        self._make_room()

    def _make_room(self) -> None:
        sizes = [one.greatest.estimated_size() for one in self._rising]
        while len(sizes) > 1 and sum(sizes[1:]) >= KEPT_BYTES:
            sizes.pop(0)
            self._rising.popleft()
            self._since = self._rising[0].greatest[0]
            if self._strays is not None:
                self._strays = self._strays.filter(pl.col("key") >= self._since)


def _first_rows(rising: list[Rising], keys: pl.Series) -> pl.Series:
    """Returns the first row that has each key; null if none has it."""
    found = pl.Series([None], dtype=pl.Int64).new_from_index(0, keys.len())
    lowest = keys.min()
    for first, greatest in reversed(rising):
        if greatest[-1] < lowest:
            break
        places = greatest.search_sorted(keys)
        equal = greatest.gather(places.clip(upper_bound=greatest.len() - 1)) == keys
        found = found.zip_with(~equal, places.cast(pl.Int64) + first)
    return found
