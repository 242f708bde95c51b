"""Checks a file in parts without AWS, and in one pass, to compare the reports."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.parts import checking, cutting
from stream_qc.parts.row_groups import row_group_parts
from stream_qc.results import Report
from stream_qc.rules import Rules
from stream_qc.vocabulary import PROCESSES

FORMS = {"csv": Format("csv", ""), "ndjson": Format("ndjson", "")}
PARQUET = Format("parquet", "")


@dataclass
class Cutting:
    """How a file is cut: bytes a part, above a part and in a block; order: sorts the parts as they are checked."""

    part_bytes: int = 200
    above_bytes: int = 100
    block_bytes: int = 100
    order: Callable[[int], int] = lambda number: -number


def text_of(report: Report) -> list[str]:
    """Returns the whole report, a text for each line of it."""
    head = json.dumps([report.process, report.rows, report.message, report.passed, report.unread, report.header])
    return [head, *(json.dumps(result.item()) for result in report.results)]


def in_one(content: bytes, form: Format, asked: Rules) -> dict[int, list[str]]:
    return {process: text_of(one) for process, one in check_stream(lambda: io.BytesIO(content), form, asked).items()}


def parts_of(content: bytes, form: Format, how: Cutting) -> tuple[list[cutting.Part], str]:
    def read(start: int, end: int) -> io.BytesIO:
        return io.BytesIO(content[start:end])

    if form == PARQUET:
        return row_group_parts(read, len(content), how.part_bytes)
    cuts = cutting.cut(len(content), how.part_bytes)
    counted = [cutting.count(read, len(content), cut, form, above_bytes=how.above_bytes) for cut in cuts]
    return cutting.number(sorted(counted, key=lambda one: how.order(one.number)))


def in_parts(content: bytes, form: Format, asked: Rules, how: Cutting) -> tuple[dict[int, list[str]], str]:
    """Returns the reports of a file that was checked in parts, or why it cannot be."""
    parts, why = parts_of(content, form, how)
    if why:
        return {}, why
    file = checking.File(
        lambda start, end: io.BytesIO(content[start:end]), len(content), form, block_bytes=how.block_bytes
    )
    reports = {}
    for process in PROCESSES:
        found = {
            part.number: checking.check_part(file, part, asked, process)
            for part in sorted(parts, key=lambda part: how.order(part.number))
        }
        whole = checking.check_whole(file, asked, process) if checking.not_in_parts(asked, process) else None
        states = (found[part.number] for part in parts)
        reports[process] = text_of(checking.merge(file, parts, states, whole, asked, process))
    return reports, ""


def as_parquet(content: bytes, rows: int, **how: Any) -> bytes:
    """The rows of a CSV file. rows: of a row group."""
    out = io.BytesIO()
    pl.read_csv(content, infer_schema_length=None).write_parquet(out, row_group_size=rows, **how)
    return out.getvalue()


def table_of(rows: int) -> bytes:
    return ("n,s\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(rows))).encode()
