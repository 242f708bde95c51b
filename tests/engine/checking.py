"""Helpers to check a few lines of data."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl

from stream_qc.checks.base import Late
from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.results import Report, Result
from stream_qc.rules import Rules, load

NUMBERS = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: v, type: number}
time: time
"""


class KeptFlags:
    """A sink that keeps every flag of a check."""

    def __init__(self) -> None:
        self.flags: list[int] = []

    def write(self, flags: pl.Series) -> None:
        self.flags += flags.to_list()

    def change(self, late: Late) -> None:
        for row in range(len(self.flags)) if late.rows is None else late.rows.to_list():
            if self.flags[row] == late.was:
                self.flags[row] = late.flag

    def restart(self) -> None:
        self.flags = []


def header_of(names: list[str], newline: str = "\n") -> str:
    """Returns a CSV header of these fields and a last one, in which each row needs a cell; it may be empty."""
    return ",".join([*names, "rest"]) + newline


def reports(
    data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", block_bytes: int = 4 << 20
) -> dict[int, Report]:
    """Returns the reports of the three processes on a file of this name and content."""
    form = format_of(name)
    assert form is not None
    content = data.encode() if isinstance(data, str) else data
    return check_stream(
        lambda: io.BytesIO(content), form, load(rules) if isinstance(rules, str) else rules, block_bytes=block_bytes
    )


def results(
    data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", **kwargs: Any
) -> dict[str, Result]:
    """Returns all results by the name of their check."""
    return {
        result.name: result for report in reports(data, rules, name, **kwargs).values() for result in report.results
    }


def failing(data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", **kwargs: Any) -> set[str]:
    """Returns the names of the checks that fail."""
    return {check for check, result in results(data, rules, name, **kwargs).items() if not result.passed}


def reasons(result: Result) -> list[tuple[int, str | None, str]]:
    """Returns the examples of a result as (row, value, reason)."""
    return [(one.row, one.value, one.reason) for one in result.examples]


def without_lines(result: Result) -> dict[str, Any]:
    """Returns the item of a result without the lines of its rows, which only CSV has."""
    item = result.item()
    for example in item["Examples"]:
        example.pop("Line", None)
    return item


def schema_of(*fields: dict[str, object], **more: object) -> str:
    """Returns rules with a schema of these fields, as JSON, which is YAML."""
    return json.dumps({"schema": {"fields": list(fields), **more}})


TEXT_RULES = load("schema: {fields: [{name: a, type: string}, {name: b, type: string}]}")


Row = tuple[str | None, ...]


def read(data: bytes, name: str = "x.csv", block_bytes: int = 1 << 20) -> tuple[list[Row], list[tuple[int, str, str]]]:
    """Returns the cells of every row, and the malformed rows as (1-based row, reason, text)."""
    form = format_of(name)
    assert form is not None
    rows: list[Row] = []
    malformed = []
    for block in open_reader(io.BytesIO(data), form, TEXT_RULES.schema, block_bytes):
        assert block.first == len(rows)
        cells = [block.text(column).to_list() for column in ("a", "b")]
        rows += zip(*cells, strict=True)
        malformed += [(item.row + 1, item.reason, item.text) for item in block.malformed]
    return rows, malformed


def rows_and_malformed(
    data: bytes, name: str, rules: Rules, wanted: list[str], cut: int
) -> tuple[int, list[tuple[int, str]]]:
    """Returns the number of rows and the (0-based row, reason) of each malformed one. cut: the block size in bytes."""
    form = format_of(name)
    assert form is not None
    blocks = list(open_reader(io.BytesIO(data), form, rules.schema, cut, wanted))
    return sum(block.height for block in blocks), [(bad.row, bad.reason) for block in blocks for bad in block.malformed]
