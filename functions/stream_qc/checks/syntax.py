"""syntax_test: finds raw records of the wrong length (QARTOD Test 2, Syntax Test)."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl

from stream_qc.checks.base import RowCheck, Test, fail_where
from stream_qc.checks.measures import Measure, column, computed
from stream_qc.reading.block import Block
from stream_qc.schema import Axes


class SyntaxTest(Test, frozen=True):
    """nchar: the length of every value. It is counted in characters, in bytes of two hexadecimal digits each (`lentype`
    byte), or in items if a `delimiter` is given.
    """

    process: ClassVar[int] = 1
    needs_text: ClassVar[bool] = True
    nchar: float
    lentype: Literal["char", "byte"] = "char"
    delimiter: str | None = None

    def check(self, field: str, _: Axes) -> RowCheck:
        text, length = column(field), column(field).str.len_chars()
        found = length.cast(pl.Float64)
        if self.lentype == "byte":
            found = found / 2
        if self.delimiter:
            found = text.str.split(self.delimiter).list.len().cast(pl.Float64)
        bad = found != self.nchar
        if self.lentype == "byte":
            bad = bad | (length % 2 != 0)
        any_bad = Measure(f"syntax_test {field} {self}", bad.any())

        def judge(block: Block) -> pl.Series:
            return fail_where(computed(bad, field, block.typed(field)))

        def explain(value: str) -> str:
            unit = "items" if self.delimiter else ("bytes" if self.lentype == "byte" else "characters")
            found = (
                len(value.split(self.delimiter))
                if self.delimiter
                else len(value) / (2 if self.lentype == "byte" else 1)
            )
            return f"{field} has {found:g} {unit} instead of {self.nchar:g} (syntax_test nchar)"

        return RowCheck(
            field, "syntax_test", judge, explain, measures=(any_bad,), proves=lambda _, found: not found[any_bad]
        )
