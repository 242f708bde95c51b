"""Finds out how a text file is written, for `stream-qc infer`."""

from __future__ import annotations

import csv
import re
import statistics
from dataclasses import dataclass, field
from typing import Any

from stream_qc.dialect import PLAIN, PRESETS, Dialect

HEAD_BYTES = 64 * 1024
WIDTHS = re.compile(r"^\d+[sdn](\t\d+[sdn])*$")  # of RDB: 5s, 15s, 20d
NDBC = re.compile(r"^#?\s*(YY|YYYY|#YY)\s+MM\s+DD\s+hh\s", re.IGNORECASE)
DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{4}")
UNITS = {"UTC", "degrees_north", "degrees_east"}
SEPARATORS = ",;\t|"
TITLES = 20  # lines above the header, at most
LINES = 50  # that are looked at
COMMENTS = ("#", "//", "%", "*")


@dataclass(frozen=True)
class Sniffed:
    """words: the `dialect` of a rules file, a preset or words; None if it is plain. dialect: the same. doubts: what to check."""

    words: str | dict[str, Any] | None = None
    dialect: Dialect = PLAIN
    doubts: list[str] = field(default_factory=list)


def sniff(head: bytes) -> Sniffed:
    """Returns how a file that begins with these bytes is written."""
    encoding, text = _decoded(head)
    lines = [line for line in text.splitlines()[:LINES] if line.strip()]
    preset = _preset(lines)
    if preset is not None and encoding in ("utf-8", PRESETS[preset].encoding):
        return Sniffed(preset, PRESETS[preset])
    words: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    doubts = [] if encoding == "utf-8" else [f"the file is not UTF-8; it is read as {encoding}"]
    comment = next((mark for mark in COMMENTS if lines and lines[0].startswith(mark)), None)
    if comment is not None:
        words["commentChar"] = comment
        place = _commented_header(text, comment)
        if place:
            words["headerRows"] = [place]
            doubts.append(f"line {place} is used as the header, although it begins with {comment}")
        lines = [line for line in lines if not line.startswith(comment)]
        if not lines:
            doubts.append(f"every line that was looked at begins with {comment}")
    place = 0 if comment is not None else _line_of_header(text)
    if place > 1:
        words["headerRows"] = [place]
        doubts.append(f"line {place} is used as the header, because the lines above have a different number of cells")
        lines = text.splitlines()[place - 1 : LINES]
    if _in_columns(lines):
        words |= {"delimiter": " ", "skipInitialSpace": True}
    elif lines and not any(mark in lines[0] for mark in SEPARATORS):
        doubts.append("the file seems to have one column; if it has more, set their delimiter in a dialect")
    if len(lines) > 1 and "delimiter" not in words:
        doubts += _doubts_of_header(lines) if "headerRows" not in words else []
    dialect = Dialect(
        header_rows=words.get("headerRows", []),
        comment_char=comment,
        delimiter=words.get("delimiter"),
        skip_initial_space="skipInitialSpace" in words,
        encoding=encoding,
    )
    return Sniffed(words or None, dialect, doubts)


def _line_of_header(text: str) -> int:
    """Returns the number of the first line that has as many cells as most lines below it; 0 if that is not clear."""
    lines = text.splitlines()[:LINES]
    mark = max(SEPARATORS, key=lambda one: max((line.count(one) for line in lines), default=0))
    counts = [len(row) for row in csv.reader(lines, delimiter=mark)] if text.count('"') % 2 == 0 else []
    usual = statistics.mode(counts[len(counts) // 2 :]) if len(counts) > TITLES + 2 else 0
    place = counts.index(usual) + 1 if usual > 1 and usual in counts else 0
    return place if len(counts) == len(lines) and place <= TITLES else 0


def _commented_header(text: str, comment: str) -> int:
    """Returns the number of the last comment above the rows if it names as many fields as they have cells; 0 otherwise."""
    lines = text.splitlines()[:LINES]
    count = next((place for place, line in enumerate(lines) if not line.startswith(comment)), 0)
    if not count or count == len(lines):
        return 0
    mark = max(SEPARATORS, key=lines[count].count)
    names, cells = lines[count - 1].split(mark), lines[count].split(mark)
    return count if len(names) == len(cells) > 1 and any(map(_is_value, cells)) else 0


def _decoded(head: bytes) -> tuple[str, str]:
    """Returns the encoding that fits, and the text."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    for cut in range(4):  # the last character may be cut
        try:
            return "utf-8", head[: len(head) - cut].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                break
    return "windows-1252", head.decode("cp1252", errors="replace")


def _preset(lines: list[str]) -> str | None:
    """Returns the preset that the first lines show, if any."""
    first, second = [*lines, "", ""][:2]
    rows = [line for line in lines if not line.startswith("#")]
    shown = {
        "toa5": first.strip('"').startswith("TOA5"),
        "ndbc": NDBC.match(first) is not None,
        "usgs-rdb": first.startswith("#") and len(rows) > 1 and WIDTHS.match(rows[1]) is not None,
        "dwd": first.lstrip().startswith("STATIONS_ID;"),
        "erddap": not UNITS.isdisjoint(second.split(",")),
    }
    return next((name for name, is_it in shown.items() if is_it), None)


def _in_columns(lines: list[str]) -> bool:
    """Returns whether blanks separate as many cells in every line, and nothing else does."""
    counts = {len(line.split()) for line in lines[:-1] or lines}
    return len(lines) > 1 and not any(mark in lines[0] for mark in SEPARATORS) and len(counts) == 1 and max(counts) > 1


def _doubts_of_header(lines: list[str]) -> list[str]:
    """Returns what is odd about the header or the line below it."""
    mark = max(SEPARATORS, key=lines[0].count)
    names, first = lines[0].split(mark), lines[1].split(mark)
    if (
        names
        and any(map(_is_value, names))
        and all(_is_value(name) == _is_value(cell) for name, cell in zip(names, first, strict=False))
    ):
        return [
            "the first line looks like data; if the file has no header, add `dialect: {header: false}` and name the fields"
        ]
    below = [cell for cell in first if cell.strip('" ')]
    others = [line.split(mark) for line in lines[2:12]]
    numeric = [place for place in range(len(names)) if others and all(_number_at(cells, place) for cells in others)]
    if below and numeric and not any(_number_at(first, place) for place in numeric):
        return ["line 2 may hold units; if so, add `dialect: {headerRows: [1], commentRows: [2]}`"]
    return []


def _number_at(cells: list[str], place: int) -> bool:
    return place < len(cells) and _is_number(cells[place])


def _is_value(cell: str) -> bool:
    """Returns whether a cell is a number or begins with a date. Field names do not."""
    return _is_number(cell) or DATE.match(cell.strip('" ')) is not None


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip('" '))
    except ValueError:
        return False
    return True
