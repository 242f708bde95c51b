"""Numbers are compared as they are written, not as the nearest 64-bit float, or the rules or the cell are refused."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from stream_qc.errors import InvalidRules
from stream_qc.results import Result
from tests.engine.checking import results
from tests.engine.test_formats_agree import KINDS, written


def checked(kind: str, cells: list[str], format_name: str = "csv", **constraints: Any) -> dict[str, Result]:
    """Returns the results of a field of this type and its constraints. As Parquet, integers have the smallest type."""
    field = {"name": "v", "type": kind, "constraints": constraints}
    asked = json.dumps({"schema": {"fields": [field, {"name": "w"}]}})
    if format_name == "csv":
        return results("v,w\n" + "".join(f"{cell},x\n" for cell in cells), asked)
    values = pl.Series(cells).cast(pl.Int64 if max(map(int, cells)) < 2**63 else pl.UInt64)
    return results(written(pl.DataFrame({"v": values, "w": "x"}), format_name), asked, f"x.{format_name}")


@pytest.mark.parametrize("format_name", KINDS)
@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize(("limit", "passes", "fails"), [(2**53, 2**53, 2**53 + 1), (2**53 + 2, 2**53 + 2, 2**53 + 3)])
def test_maximum_of_large_integers_is_exact(kind: str, limit: int, passes: int, fails: int, format_name: str) -> None:
    """The integers from 2**53 on are not all floats. Rules may be refused, but no row may pass above its maximum."""
    try:
        found = checked(kind, [str(passes), str(fails)], format_name, maximum=limit)["2#v#maximum"]
    except InvalidRules:
        return
    assert [example.row for example in found.examples] == [2]


@pytest.mark.parametrize("format_name", KINDS)
def test_unique_tells_large_integers_apart(format_name: str) -> None:
    cells = [str(2**53), str(2**53 + 1), str(2**53)]
    found = checked("integer", cells, format_name, unique=True)["1#v#unique"]
    assert [example.row for example in found.examples] == [3]


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_enum_of_large_integers_is_exact(kind: str) -> None:
    try:
        found = checked(kind, [str(2**53 + 2), str(2**53 + 3)], enum=[2**53 + 2])["2#v#enum"]
    except InvalidRules:
        return
    assert [example.row for example in found.examples] == [2]


@pytest.mark.parametrize("format_name", KINDS)
@pytest.mark.parametrize("cell", [str(2**63 - 1), str(-(2**63)), str(2**63), str(2**64 - 1)])
def test_integer_beyond_64_bits_is_an_integer_or_refused_by_name(cell: str, format_name: str) -> None:
    """Table Schema's integers have no limit. What the engine cannot read must not be called no integer."""
    found = checked("integer", [cell, "1"], format_name)["1#v#type"]
    assert found.good == 2 or "64 bits" in found.examples[0].reason
