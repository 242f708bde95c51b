"""CSV: a number that is read as a number is the one that its text gives."""

from __future__ import annotations

import io

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.rules import load
from tests.amount import examples
from tests.engine.checking import results, schema_of

MISSING = ["", "NA", "-999"]
CELLS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.text("0123456789.eE+- xinfaNI", max_size=12),
    st.sampled_from([*MISSING, "-999.0", '"5"', '" 5"', '""', '"NA"', "1e400", "9223372036854775808", "\u0663"]),
)


def blocks(rows: list[str], kind: str, block_bytes: int = 1 << 20) -> list[Block]:
    rules = load(schema_of({"name": "v", "type": kind}, {"name": "s", "type": "string"}, missingValues=MISSING))
    csv = "v,s\n" + "".join(f"{row},x\n" for row in rows)
    form = format_of("x.csv")
    assert form is not None
    return list(open_reader(io.BytesIO(csv.encode()), form, rules.schema, block_bytes))


@examples(4_000)
@given(cells=st.lists(CELLS, min_size=1, max_size=3), kind=st.sampled_from(["number", "integer"]))
@example(cells=["1", "inf"], kind="number")
@example(cells=["1", "1e400"], kind="number")
@example(cells=["5", ""], kind="integer")
@example(cells=["5", "", " ", '"\t"'], kind="integer")  # polars takes blanks for a missing number
def test_number_is_that_of_its_text(cells: list[str], kind: str) -> None:
    (block,), (as_text,) = blocks(cells, kind), blocks([*cells, "x"], kind)  # in which not every cell is a number
    assert as_text.raw["v"].dtype == pl.String
    assert block.typed("v").equals(as_text.typed("v").head(-1), null_equal=True)
    assert block.given("v").null_count() == as_text.given("v").null_count()
    assert block.unread("v") == as_text.unread("v") - 1


def test_numbers_are_not_parsed_as_text() -> None:
    (block,) = blocks(["1", "", "2.50", "NA"], "number")
    assert block.raw["v"].to_list() == [1, None, 2.5, None]


@pytest.mark.parametrize("block_bytes", [20, 1 << 20])
def test_examples_show_numbers_as_they_are_written(block_bytes: int) -> None:
    rules = schema_of({"name": "v", "type": "number", "constraints": {"maximum": 5}})
    rows = ["1.0", "007.50", "2", "1e1", "3", "x", "+8"]
    found = results("v\n" + "\n".join(rows) + "\n", rules, block_bytes=block_bytes)
    shown = {name: [example.value for example in result.examples] for name, result in found.items() if result.examples}
    assert shown == {"2#v#maximum": ["007.50", "1e1", "+8"], "1#v#type": ["x"]}
