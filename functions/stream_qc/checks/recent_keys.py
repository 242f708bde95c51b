"""The keys of the last rows, to find repeated ones while nearly all keys ascend."""

from __future__ import annotations

from collections import deque
from typing import Any

import polars as pl

KEPT_BYTES = 2 * 2**20  # some 130,000 rows of times
REPEATED = {"row": pl.Int64, "first": pl.Int64}
FEW, FEW_SHARE = 10, 8  # new keys in a block that may be below one above them: 10, and an eighth of its rows
MOST_STRAYS = 100_000


class RecentKeys:
    """The keys of the last rows, about KEPT_BYTES of them, each with the first row that has it.

    A key that is greater than all above it is new. Any other is looked up among those that are kept.
    """

    def __init__(self) -> None:
        self.last: Any = None  # the greatest key; None if there is none yet
        self.row: int | None = None  # its row
        self._rising: deque[pl.DataFrame] = deque()  # `key` and `row`; each key is greater than all above it
        self._strays: pl.DataFrame | None = None  # the other keys, but for the repeated ones
        self._since: Any = None  # smaller keys are not kept any more; None if all are kept

    def forget(self) -> None:
        """Discards the keys but the greatest: a stretch begins."""
        if self._rising:
            self._rising = deque([self._rising[-1].tail(1)])
            self._strays, self._since = None, self.last

    def include(self, earlier: RecentKeys) -> None:
        """Adds the keys of the rows above, unless those of the rows between are not all kept."""
        if self._since != earlier.last:
            return
        first, *others = self._rising  # it begins with the last row above
        self._rising = deque([*earlier._rising, first.slice(1), *others])
        strays = [one for one in (earlier._strays, self._strays) if one is not None]
        self._strays, self._since = pl.concat(strays) if strays else None, earlier._since
        self._make_room()

    def add(self, rows: pl.DataFrame) -> None:
        """Adds rows, `key` and `row`, of which each has a key that is greater than all above it."""
        if not rows.height:
            return
        self.last, self.row = rows["key"][-1], rows["row"][-1]
        self._rising.append(rows)
        self._make_room()

    def _make_room(self) -> None:
        sizes = [one.estimated_size() for one in self._rising]
        while len(sizes) > 1 and sum(sizes[1:]) >= KEPT_BYTES:
            sizes.pop(0)
            self._rising.popleft()
            self._since = self._rising[0]["key"][0]
            if self._strays is not None:
                self._strays = self._strays.filter(pl.col("key") >= self._since)

    def repeated(self, rows: pl.DataFrame) -> pl.DataFrame | None:
        """Returns those of the next rows whose key a row above has: `row`, ascending, and `first`, the first row with the key.

        Returns None, and takes none of the rows, if it would need keys that are not kept, or if too many are out of order.
        """
        keys = rows["key"]
        greatest = pl.concat([pl.Series("key", [self.last], dtype=keys.dtype), keys]).cum_max().head(keys.len())
        rises = (keys > greatest).fill_null(value=True)
        if rises.all():
            self.add(rows)
            return pl.DataFrame(schema=REPEATED)
        rising, others = rows.filter(rises), rows.select(pl.all().gather((~rises).arg_true()))
        if self._since is not None and others["key"].min() < self._since:
            return None
        known = pl.concat([*self._rising, rising])
        places = known["key"].search_sorted(others["key"]).clip(upper_bound=known.height - 1)
        equal = known["key"].gather(places) == others["key"]
        found = others.select("row").with_columns(known["row"].gather(places).alias("first")).filter(equal)
        strays = others.filter(~equal)
        if strays.height:
            every = strays if self._strays is None else pl.concat([self._strays, strays])
            first = every.group_by("key").agg(pl.col("row").min().alias("first"))
            if strays.height > FEW + rows.height // FEW_SHARE or first.height > MOST_STRAYS:
                return None
            self._strays = first.rename({"first": "row"})
            again = strays.join(first, on="key").filter(pl.col("first") < pl.col("row")).select("row", "first")
            found = pl.concat([found, again]).sort("row")
        self.add(rising)
        return found
