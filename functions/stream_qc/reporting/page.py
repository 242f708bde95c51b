"""The page of a report: self-contained HTML, from what each process left for it. It makes no request, and no text in it runs.

Its size does not depend on that of the file: the points of its pictures, and the rows of its tables, are limited.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from stream_qc.checks.base import show_time
from stream_qc.flags import FAIL, SUSPECT
from stream_qc.printable import printable
from stream_qc.reporting.record import Drawing, Flagged, Part, Span
from stream_qc.vocabulary import PROCESSES

MOST_POINTS = 24_000  # of all pictures together; about 600 kB
MOST_EXAMPLES = 1_500  # rows of all tables together
MOST_IN_A_TABLE = 50  # flagged points beside a picture, for those who cannot see it
# The flags of a check in the order of its bar: the attribute of QCDetails and the name.
BAR = (("Good", "GOOD"), ("Suspect", "SUSPECT"), ("Fail", "FAIL"), ("NotEvaluated", "UNKNOWN"), ("Missing", "MISSING"))
BAR_WIDTH = 200


@dataclass(frozen=True)
class Heading:
    """What stands above. status: PASS, FAIL or ERROR. name: of the stream or the file. facts: pairs such as File and its key.

    broken: the processes that could not run, each with why. rerun: the command that checks the file again; "" for none.
    """

    status: str
    name: str
    facts: Sequence[tuple[str, str]]
    broken: Sequence[tuple[int, str]] = ()
    rerun: str = ""


def render(heading: Heading, parts: Sequence[Part]) -> str:
    """Returns the page as HTML."""
    parts = sorted(parts, key=lambda part: part.process)
    pictures, left_out = _pictures(parts)
    script, style = (
        _asset("uplot.min.js") + "\n" + _asset("page.js"),
        _asset("uplot.min.css") + "\n" + _asset("page.css"),
    )
    processes = [_process(part) for part in parts]
    page: str = _template().render(
        heading=heading,
        title=f"{heading.status}: {printable(heading.name)}",
        processes=processes,
        process_names=PROCESSES,
        failing=sum(not check["Pass"] for process in processes for check in process["checks"]),
        problems=_problems(processes),
        pictures=pictures,
        left_out=left_out,
        rows=max((part.rows for part in parts), default=0),
        data=_data(pictures, parts),
        script=script,
        style=style,
        policy=_policy(script, style),
        bar_width=BAR_WIDTH,
    )
    return page


def _policy(script: str, style: str) -> str:
    """Returns a Content-Security-Policy under which only this script and this style work, and nothing is fetched."""
    return f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "plain": lambda text: printable(str(text)),
        "moment": _moment,
        "share": _share,
    }
    return environment.from_string(_asset("page.html"))


def _moment(milliseconds: int) -> str:
    return show_time(dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).replace(tzinfo=None))


def _share(limit: float) -> str:
    return f"{limit:.3%}".replace(".000%", "%")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _process(part: Part) -> dict[str, Any]:
    """Returns a process as the template shows it."""
    checks = [{**item, **_named(item), "bar": _bar(item)} for item in part.results]
    return {"number": part.process, "passed": part.passed, "message": part.message, "checks": checks}


def _named(item: dict[str, Any]) -> dict[str, str]:
    _, rest = item["Check"].split("#", 1)
    field, test = rest.rsplit("#", 1)
    return {"field": "the file" if field == "*" else field, "test": test}


def _bar(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the parts of the bar: every flag that occurs is at least two pixels wide."""
    total = sum(item[name] for name, _ in BAR)
    if not total:
        return []
    widths = {flag: max(2.0, item[name] / total * BAR_WIDTH) for name, flag in BAR if item[name]}
    widest = max(widths, key=lambda flag: widths[flag])
    widths[widest] -= sum(widths.values()) - BAR_WIDTH
    parts, at = [], 0.0
    for name, flag in BAR:
        if flag in widths:
            parts.append({"flag": flag, "rows": item[name], "x": round(at, 2), "width": round(widths[flag], 2)})
            at += widths[flag]
    return parts


def _problems(processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the checks that failed or have SUSPECT rows, those that failed first, with as many rows as the page has room for."""
    found = [check for process in processes for check in process["checks"] if not check["Pass"] or check["Examples"]]
    found.sort(key=lambda check: check["Pass"])
    room = MOST_EXAMPLES
    shown = []
    for check in found:
        examples = [{"Line": None, "Time": None, **example} for example in check["Examples"][:room]]
        room -= len(examples)
        shown.append({**check, "shown": examples, "more": check["Truncated"] or len(examples) < len(check["Examples"])})
    return shown


def _pictures(parts: Sequence[Part]) -> tuple[list[dict[str, Any]], int]:
    """Returns the pictures, those with FAIL rows first, and how many fields had no room."""
    by_field: dict[str, list[Drawing]] = {}
    for part in parts:
        for drawing in part.drawings:
            by_field.setdefault(drawing.field, []).append(drawing)
    drawn = [_merged(drawings) for drawings in by_field.values()]
    drawn.sort(key=lambda one: [-_count(one.flagged, flag) for flag in (FAIL, SUSPECT)])
    room, shown = MOST_POINTS, []
    for drawing in drawn:
        size = len(drawing.points.row) + sum(len(one.points.row) for one in drawing.flagged)
        if size > room:
            break
        room -= size
        shown.append(_picture(drawing, parts))
    return shown, len(drawn) - len(shown)


def _merged(drawings: Sequence[Drawing]) -> Drawing:
    """Returns one drawing of a field that several processes drew: each saw the same series, and has flags of its own."""
    first = drawings[0]
    return Drawing(
        first.field,
        first.points,
        first.rows_a_bucket,
        [one for drawing in drawings for one in drawing.flagged],
        [one for drawing in drawings for one in drawing.spans],
        first.limits,
    )


def _count(flagged: Iterable[Flagged], flag: int) -> int:
    return sum(one.count for one in flagged if one.flag == flag)


def _picture(drawing: Drawing, parts: Sequence[Part]) -> dict[str, Any]:
    """Returns what the page says of a picture, and what its script draws."""
    by_time = all(part.by_time for part in parts)
    gaps = [span for part in parts for span in part.gaps]
    points = _joined(drawing)
    numbers = [y for _, _, y, _, _ in points if y is not None]
    marks = [(row, x, y, flag, test) for row, x, y, flag, test in points if flag]
    return {
        "field": drawing.field,
        "rows_a_bucket": drawing.rows_a_bucket,
        "least": min(numbers, default=None),
        "most": max(numbers, default=None),
        "fail": _count(drawing.flagged, FAIL),
        "suspect": _count(drawing.flagged, SUSPECT),
        "tests": [
            {"test": one.test, "flag": _name(one.flag), "count": one.count, "drawn": len(one.points.row)}
            for one in drawing.flagged
        ],
        "limits": drawing.limits,
        "marks": [
            {"row": row + 1, "x": x, "y": y, "flag": _name(flag), "test": test}
            for row, x, y, flag, test in marks[:MOST_IN_A_TABLE]
        ],
        "more_marks": len(marks) > MOST_IN_A_TABLE,
        "gaps": len(gaps),
        "flat": len(drawing.spans),
        "by_time": by_time,
        "script": {
            "field": drawing.field,
            "time": by_time,
            "lines": all(part.joined for part in parts),
            "x": [x for _, x, _, _, _ in points],
            "y": [y for _, _, y, _, _ in points],
            "flags": [[index, flag] for index, (_, _, _, flag, _) in enumerate(points) if flag],
            "spans": [_span(span) for span in [*gaps, *drawing.spans]],
            "limits": [[limit.value, limit.flag, limit.name] for limit in drawing.limits],
        },
    }


def _joined(drawing: Drawing) -> list[tuple[int, int, float | None, int, str]]:
    """Returns the points of the series and the flagged ones, in the order of x: row, x, y, flag (0 for none) and test."""
    found: dict[int, tuple[int, int, float | None, int, str]] = {}
    series = drawing.points
    for row, x, y in zip(series.row, series.x, series.y, strict=True):
        if x is not None:
            found[row] = (row, x, y, 0, "")
    for one in sorted(drawing.flagged, key=lambda flagged: flagged.flag):  # FAIL over SUSPECT
        for row, x, y in zip(one.points.row, one.points.x, one.points.y, strict=True):
            if x is not None:
                found[row] = (row, x, y, one.flag, one.test)
    return sorted(found.values(), key=lambda point: (point[1], point[0]))


def _name(flag: int) -> str:
    return {FAIL: "FAIL", SUSPECT: "SUSPECT"}[flag]


def _span(span: Span) -> list[Any]:
    return [span.start, span.end, span.flag, span.test]


def _data(pictures: Sequence[dict[str, Any]], parts: Sequence[Part]) -> str:
    """Returns what the script reads, as JSON that cannot end its element."""
    rows = [
        [
            part.process,
            *_named(item).values(),
            example["Row"],
            example.get("Line"),
            example.get("Time"),
            example["Value"],
            example["Reason"],
        ]
        for part in parts
        for item in part.results
        for example in item["Examples"]
    ]
    data = {"pictures": [picture["script"] for picture in pictures], "rows": rows[:MOST_EXAMPLES]}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
