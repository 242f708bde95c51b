"""Series: the rows of one station, sensor or patient in a file that holds several. Tests of neighbouring rows run within each."""

from __future__ import annotations

from typing import Any

import polars as pl

from stream_qc.errors import InvalidRules
from stream_qc.reading.block import Block

MOST_SERIES = 20_000


class Series:
    """Numbers the series of a stream in the order in which they begin. fields: those that tell them apart."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields
        self._known = pl.DataFrame()
        self._block: Block | None = None
        self._numbers = pl.Series(dtype=pl.Int64)

    def __getstate__(self) -> dict[str, Any]:
        """Returns the series without the last block, which is only remembered for the checks of the same rows."""
        return {**vars(self), "_block": None, "_numbers": self._numbers.clear()}

    def numbers(self, block: Block) -> pl.Series:
        """Returns the number of each row's series, as Int64. A row without a value in one of the fields gets one below 0, and a
        row that the check is not for gets null.

        Raises InvalidRules if there are more than MOST_SERIES.
        """
        if block is not self._block:
            self._block, self._numbers = block, self._numbered(block)
        return self._numbers

    def name(self, number: int) -> str:
        """Returns the fields and values of a series, such as `station EWR`."""
        values = self._known.drop("series").row(number)
        return ", ".join(f"{field} {value}" for field, value in zip(self.fields, values, strict=True))

    def named(self, rows: pl.DataFrame) -> list[tuple[Any, ...]]:
        """Returns the rows with the values of their series instead of its number, in order of them."""
        if not rows.height:
            return []
        keys = self._known.columns[:-1]
        return rows.join(self._known, on="series").sort(*keys, "row").drop("series").rows()

    def _numbered(self, block: Block) -> pl.Series:
        keys = pl.DataFrame([block.typed(field).alias(f"series{place}") for place, field in enumerate(self.fields)])
        names, there = keys.columns, pl.all_horizontal(pl.all().is_not_null())
        found = keys.filter(there).unique(maintain_order=True)
        known = self._known if self._known.width else keys.clear().with_columns(pl.lit(0, pl.Int64).alias("series"))
        new = found.join(known, on=names, how="anti", maintain_order="left")
        if known.height + new.height > MOST_SERIES:
            fields = " and ".join(self.fields)
            raise InvalidRules(
                [
                    f"series: the file has more than {MOST_SERIES:,} different values of {fields}; "
                    "name the fields that identify a station, sensor or patient"
                ]
            )
        start = known.height
        numbered = new.with_columns(pl.int_range(start, start + new.height, dtype=pl.Int64).alias("series"))
        self._known = pl.concat([known, numbered])
        numbers = keys.join(self._known, on=names, how="left", maintain_order="left")["series"]
        return numbers.to_frame().select(pl.col("series").fill_null(-1 - pl.int_range(pl.len())))["series"]


class OneSeries(Series):
    """The whole stream as one series, for a test that is written for several."""

    def __init__(self) -> None:
        super().__init__(())

    def numbers(self, block: Block) -> pl.Series:
        return pl.repeat(0, block.height, dtype=pl.Int64, eager=True)

    def name(self, _: int) -> str:
        return ""

    def named(self, rows: pl.DataFrame) -> list[tuple[Any, ...]]:
        return rows.rows()
