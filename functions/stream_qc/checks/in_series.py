"""The checks of neighbouring rows within each series of a file.

The rows of a block are put in order of their series, below the rows of the same series that were kept from the blocks above. So
a test sees each series by itself, however the file is sorted, and all of them in one query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl

from stream_qc.cells import Cells, Pair
from stream_qc.checks.base import Again, Clean, Collected, Flags, Late
from stream_qc.checks.measures import Found
from stream_qc.checks.series import Series
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.results import SHOWN

ROWS: dict[str, Any] = {
    "series": pl.Int64,
    "row": pl.Int64,
    "waits": pl.Boolean,
    "cell": pl.String,
    "when": pl.Datetime("us"),
}

# In the frames below: the number of the series, and the number of the row in the file.
SERIES, ROW = pl.col("series"), pl.col("row")
FIRST = (SERIES.shift(1) != SERIES).fill_null(value=True)  # there is no row of the series above
LAST = (SERIES.shift(-1) != SERIES).fill_null(value=True)  # there is no row of the series below


def before(value: pl.Expr) -> pl.Expr:
    """Returns the value in the row above of the same series; null if there is none."""
    return pl.when(~FIRST).then(value.shift(1))


def after(value: pl.Expr) -> pl.Expr:
    """Returns the value in the row below of the same series; null if there is none."""
    return pl.when(~LAST).then(value.shift(-1))


class InSeries:
    """A check that compares a row with those above or below it in its series. A row without a series is UNKNOWN.

    A subclass says what it reads of a block (`values`), how it flags rows that are in order of their series (`judge`), and
    which of them it needs above the next ones (`kept`), with which columns (`above`).
    """

    test: ClassVar[str]
    above: ClassVar[Mapping[str, Any]]
    unjudged: str = ""
    measures: ClassVar[tuple[()]] = ()
    collected: Sequence[Collected] = ()
    waits: ClassVar[pl.Expr] = pl.lit(value=False)  # whether a judged row that is UNKNOWN may yet get another flag

    def __init__(self, field: str, needs: tuple[str, ...], series: Series) -> None:
        self.field, self.series = field, series
        self.needs = (*dict.fromkeys((*needs, *series.fields)),)
        self._above = pl.DataFrame(schema={**ROWS, **self.above})

    @property
    def carried(self) -> object:
        return self.series.named(self._above)

    def values(self, block: Block) -> pl.DataFrame:
        """Returns the columns that `judge` needs, a row for each of the block."""
        raise NotImplementedError

    def judge(self, known: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows, which are in order of their series, with their `flag`."""
        raise NotImplementedError

    def kept(self, judged: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows that are needed above the next ones of their series: the last of each."""
        return judged.filter(LAST)

    def why(self, row: Mapping[str, Any], raw: str | None) -> str:
        """Returns the reason for the flag of a judged row. raw: its cell."""
        raise NotImplementedError

    def cells(self, block: Block) -> Cells | Pair:
        """Returns the cells that are shown."""
        return block.cells(self.field)

    def prove(self, _block: Block, _found: Found) -> Clean | None:
        return None

    def update(self, block: Block) -> list[Flags | Late]:
        rows = self._rows(block)
        if rows.is_empty():
            return []
        raw, judged = self.cells(block), self._judged(rows, block.first)
        here = judged.filter("new").sort("row")
        late = [*self._late(judged.filter("waited"))]
        self._keep(judged, raw, block.first)
        flags = here["flag"]
        if here.height < block.height:  # the other rows are those of other entries (stream_qc.checks.where)
            flags = pl.repeat(UNKNOWN, block.height, dtype=pl.UInt8, eager=True).scatter(
                here["row"] - block.first, flags
            )

        def why(index: int) -> str:
            return self._reason(here.row(int(here["row"].search_sorted(block.first + index)), named=True), raw[index])

        return [*late, Flags(block.first, flags, raw, why)]

    def finish(self) -> Iterable[Flags | Late | Again]:
        return ()

    def _rows(self, block: Block) -> pl.DataFrame:
        """Returns the rows of the block that the check is for."""
        row = pl.int_range(block.first, block.first + block.height, dtype=pl.Int64)
        rows = self.values(block).with_columns(
            self.series.numbers(block).alias("series"), row.alias("row"), block.when().alias("when")
        )
        return rows.drop_nulls("series")

    def _judged(self, rows: pl.DataFrame, first: int) -> pl.DataFrame:
        """Returns the rows of a block and those above of the same series, in order of their series, with their flags.

        first: the number of the block's first row.
        """
        above = self._above.filter(SERIES.is_in(rows["series"].unique().implode()))
        known = pl.concat([above, rows], how="diagonal").with_columns(
            pl.col("waits").fill_null(value=False).alias("waited"), (first <= ROW).alias("new")
        )
        if not known["series"].is_sorted():
            known = known.sort("series", maintain_order=True)
        judged = self.judge(known)
        flag = pl.when((SERIES < 0) & (pl.col("flag") != MISSING)).then(UNKNOWN).otherwise("flag").cast(pl.UInt8)
        waits = self.waits & (pl.col("flag") == UNKNOWN) & (pl.col("waited") | pl.col("new"))
        return judged.with_columns(flag.alias("flag"), waits.alias("waits"))

    def _keep(self, judged: pl.DataFrame, raw: Cells | Pair, first: int) -> None:
        """Keeps what is needed above the next rows, with the cells of those that wait for their flag."""
        kept = self.kept(judged.filter(SERIES >= 0)).select(self._above.columns)
        waiting = kept.select(pl.col("waits") & (first <= ROW)).to_series().arg_true()
        if waiting.len():
            cells = raw.gather(kept["row"].gather(waiting) - first)
            kept = kept.with_columns(kept["cell"].scatter(waiting, pl.Series(cells, dtype=pl.String)))
        self._above = pl.concat([self._above.filter(~SERIES.is_in(judged["series"].unique().implode())), kept])

    def _late(self, decided: pl.DataFrame) -> Iterable[Late]:
        """Yields the corrections of rows above that waited for their flag."""
        for flag in (GOOD, SUSPECT, FAIL):
            rows = decided.filter(pl.col("flag") == flag).sort("row")
            if rows.height:
                shown = rows.head(0 if flag == GOOD else SHOWN).iter_rows(named=True)
                examples = [(row["row"], row["cell"], self._reason(row, row["cell"])) for row in shown]
                yield Late(UNKNOWN, flag, rows.height, rows["row"], examples, rows["when"])

    def _reason(self, row: Mapping[str, Any], raw: str | None) -> str:
        series = self.series.name(row["series"])
        return f"{series}: {self.why(row, raw)}" if series else self.why(row, raw)
