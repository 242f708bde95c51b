"""Workbooks are read as the CSV of one of their sheets."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart

from tests.engine.checking import results

FIELDS: list[dict[str, Any]] = [
    {"name": "time", "type": "datetime"},
    {"name": "n", "type": "integer"},
    {"name": "v", "type": "number", "constraints": {"maximum": 2}},
    {"name": "on", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "s", "type": "string"},
]
ROWS: list[list[Any]] = [
    ["time", "n", "v", "on", "day", "s"],
    [dt.datetime(2020, 1, 1, 12, 30), 7, 0.1, True, dt.datetime(2020, 1, 1), 'a "quote", a comma\nand a line'],
    [dt.datetime(2020, 1, 1, 12, 31), 8, 2.5, False, None, "é"],
    [dt.datetime(2020, 1, 1, 12, 32), "x", None, None, None, None],
]


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=False)
    del book[book.sheetnames[0]]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name != "notes":
            for cell in sheet["E"]:
                cell.number_format = "yyyy-mm-dd"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rules_of(**dialect: Any) -> str:
    return json.dumps({"dialect": dialect, "schema": {"fields": FIELDS}, "time": "time"})


@pytest.mark.parametrize("cut", [1, 1 << 20])
@pytest.mark.parametrize("dialect", [{}, {"sheet": "data"}, {"sheet": 1}])
def test_sheet_is_read_with_its_types(dialect: dict[str, Any], cut: int) -> None:
    found = results(workbook(data=ROWS, notes=[["hello"]]), rules_of(**dialect), "x.xlsx", block_bytes=cut)
    failing = {name: [(one.row, one.value) for one in one.examples] for name, one in found.items() if not one.passed}
    assert failing == {"1#n#type": [(3, "x")], "2#v#maximum": [(2, "2.5")]}


def test_words_of_a_dialect_apply() -> None:
    rows = [["Station 7"], ROWS[0], ["UTC", "", "m", "", "", ""], *ROWS[1:]]
    found = results(workbook(data=rows), rules_of(headerRows=[2], commentRows=[3]), "x.xlsx")
    assert found["1#*#rows"].message == "3 data rows"


@pytest.mark.parametrize("sheet", ["datum", 3, 0])
def test_sheet_that_is_not_there_is_named(sheet: str | int) -> None:
    found = results(workbook(data=ROWS, notes=[["x"]]), rules_of(sheet=sheet), "x.xlsx")["1#*#readable"]
    assert found.message == f"the workbook has no sheet {sheet}; its sheets are: data, notes"


@pytest.mark.parametrize("content", [b"time,n\n", workbook(data=ROWS)[:-400], b"PK\x03\x04", b""])
def test_other_content_is_unreadable(content: bytes) -> None:
    found = results(content, rules_of(), "x.xlsx")["1#*#readable"]
    assert found.message.startswith("the file name says xlsx, but the content is not a workbook or is damaged: ")


@pytest.mark.slow
def test_long_sheet_is_read_to_its_end() -> None:
    rows: list[list[Any]] = [["n", "s"], *([number, "y" * 50] for number in range(5_000))]
    rules = json.dumps({"schema": {"fields": [{"name": "n", "type": "integer", "constraints": {"maximum": 4998}}]}})
    found = results(workbook(data=rows), rules, "x.xlsx", block_bytes=70_000)
    assert [(one.row, one.value) for one in found["2#n#maximum"].examples] == [(5000, "4999")]


NUMBER = json.dumps({"schema": {"fields": [{"name": "v", "type": "number", "constraints": {"maximum": 10}}]}})


def test_wrong_dimension_leaves_no_row_out() -> None:
    content = workbook(data=[["v"], *([number] for number in range(20))])
    packed, changed = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name in packed.namelist():
            data = packed.read(name)
            archive.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:A3"', data))
    assert results(changed.getvalue(), NUMBER, "x.xlsx")["1#*#rows"].message == "20 data rows"


def test_formula_without_a_value_is_no_missing_value() -> None:
    found = results(workbook(data=[["v"], [1], ["=A2*1000"]]), NUMBER, "x.xlsx")
    assert [(one.row, one.value) for one in found["1#v#type"].examples] == [(2, "=A2*1000")]


def test_chart_and_blank_cells_are_no_rows() -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("chart", 0).add_chart(BarChart())
    sheet = book["Sheet"]
    for row in ([None, None], ["v", None], [1, None], [2, None]):
        sheet.append(row)
    sheet["D2"].number_format = sheet["A9"].number_format = "0.00"
    file = io.BytesIO()
    book.save(file)
    found = results(file.getvalue(), NUMBER, "x.xlsx")
    assert found["1#*#rows"].message == "2 data rows"
    assert all(result.passed for result in found.values())


def test_decimal_char_does_not_change_numbers() -> None:
    field = {"name": "v", "type": "number", "decimalChar": ",", "groupChar": ".", "constraints": {"maximum": 10}}
    rules = json.dumps({"schema": {"fields": [field]}})
    assert all(result.passed for result in results(workbook(data=[["v"], [2.25]]), rules, "x.xlsx").values())
    assert all(result.passed for result in results('[{"v": 2.25}]', rules, "x.json").values())
