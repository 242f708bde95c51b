"""Compares the engine with frictionless-py cell by cell (`make peers`).

The intended differences: here a datetime may omit its seconds, only the digits 0 to 9 are digits, and a pattern with
alternatives is anchored as a whole.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from frictionless import Schema
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.engine.checking import results

EXAMPLES = settings(max_examples=300, deadline=None)
CELLS = {
    "number": st.from_regex(r"[+-]?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9])?", fullmatch=True) | st.sampled_from(["INF", "-INF", "NaN", "1,5", " 1", "0x1"]),
    "integer": st.from_regex(r"[+-]?[0-9]{0,4}(\.0)?", fullmatch=True) | st.sampled_from(["x", " 7 ", "1e3"]),
    "boolean": st.sampled_from(["true", "True", "TRUE", "1", "0", "false", "False", "FALSE", "yes", "no", "TrUe", "2"]),
    "date": st.dates().map(str) | st.from_regex(r"20[0-9]{2}-[0-3][0-9]-[0-3][0-9]", fullmatch=True),
    "time": st.from_regex(r"[0-2][0-9]:[0-6][0-9]:[0-6][0-9]", fullmatch=True),
    "datetime": st.datetimes().map(lambda one: one.isoformat()) | st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z?", fullmatch=True),
    "year": st.from_regex(r"[0-9]{3,5}", fullmatch=True),
}  # fmt: skip


def verdicts(field: dict[str, Any], cells: list[str]) -> tuple[list[bool], list[bool]]:
    """Returns, for each cell, whether frictionless accepts it, and whether the engine does."""
    reader = Schema.from_descriptor({"fields": [field]}).get_field("v").create_cell_reader()
    theirs = [not reader(cell)[1] for cell in cells]
    data = "v,w\n" + "".join(f'"{cell}",x\n' for cell in cells)
    found = results(data, json.dumps({"schema": {"fields": [field, {"name": "w"}]}}))
    bad = {example.row for result in found.values() if result.field == "v" for example in result.examples}
    return theirs, [row not in bad for row in range(1, len(cells) + 1)]


@pytest.mark.parametrize("kind", list(CELLS))
@EXAMPLES
@given(data=st.data())
def test_types(kind: str, data: st.DataObject) -> None:
    cells = data.draw(st.lists(CELLS[kind], min_size=1, max_size=15))
    assume(not any(cell.startswith("24:") or "T24:" in cell for cell in cells))  # Python reads 24:00 as midnight
    theirs, ours = verdicts({"name": "v", "type": kind}, cells)
    assert dict(zip(cells, ours, strict=True)) == dict(zip(cells, theirs, strict=True))


@EXAMPLES
@given(
    st.lists(st.sampled_from(["a", "ab", "abc", "A", "", "1"]), min_size=1, max_size=12),
    st.fixed_dictionaries(
        {},
        optional={
            "required": st.booleans(),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "enum": st.just(["a", "abc"]),
            "pattern": st.sampled_from(["[a-z]+", "a.?"]),
        },
    ),
)
def test_constraints_of_text(cells: list[str], constraints: dict[str, Any]) -> None:
    theirs, ours = verdicts({"name": "v", "type": "string", "constraints": constraints}, cells)
    assert ours == theirs


@EXAMPLES
@given(
    st.lists(st.sampled_from(["1", "2.5", "-3", "10", ""]), min_size=1, max_size=12),
    st.fixed_dictionaries(
        {}, optional={"required": st.booleans(), "minimum": st.just(1), "maximum": st.just(5), "enum": st.just([1, 10])}
    ),
)
def test_constraints_of_numbers(cells: list[str], constraints: dict[str, Any]) -> None:
    theirs, ours = verdicts({"name": "v", "type": "number", "constraints": constraints}, cells)
    assert ours == theirs
