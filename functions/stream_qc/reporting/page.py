"""The page of a report: self-contained HTML, from what each process left for it. It makes no request, and no text in it runs.

Its size does not depend on that of the file: the points of its pictures, and the rows of its tables, are limited.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

import jinja2

from stream_qc.checks.base import show_time
from stream_qc.printable import printable
from stream_qc.reporting.pictures import NAMES, Picture, pictures_of
from stream_qc.reporting.record import Part
from stream_qc.vocabulary import PROCESSES

# The flags of a check in the order of its bar: the attribute of QCDetails and the name.
BAR = (("Good", "GOOD"), ("Suspect", "SUSPECT"), ("Fail", "FAIL"), ("NotEvaluated", "UNKNOWN"), ("Missing", "MISSING"))
BAR_WIDTH = 200


@dataclass(frozen=True)
class Heading:
    """What stands above. status: PASS, FAIL or ERROR. name: of the stream or the file. facts: pairs such as File and its key.

    broken: the processes that could not run, each with why. unrecorded: those whose findings could not be kept for the page, each
    with whether it passed. rerun: the command that checks the file again; "" for none.
    """

    status: str
    name: str
    facts: Sequence[tuple[str, str]]
    broken: Sequence[tuple[int, str]] = ()
    unrecorded: Sequence[tuple[int, bool]] = ()
    rerun: str = ""


class Room(NamedTuple):
    """How much a page shows: points of all pictures, rows of all tables of offending rows, and checks of a process."""

    points: int
    rows: int
    checks: int


MOST_BYTES = 1_000_000
ROOMS = (Room(24_000, 1_500, 1_000), Room(12_000, 750, 300), Room(5_000, 300, 100), Room(1_000, 50, 20))


def render(heading: Heading, parts: Sequence[Part]) -> str:
    """Returns the page as HTML, below MOST_BYTES: what there is no room for is counted."""
    parts = sorted(parts, key=lambda part: part.process)
    for room in ROOMS:
        page = _rendered(heading, parts, room)
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _rendered(heading: Heading, parts: Sequence[Part], room: Room) -> str:
    pictures, left_out = pictures_of(parts, room.points)
    script = f"{_asset('uplot.min.js')}\n{_asset('page.js')}"
    style = f"{_asset('uplot.min.css')}\n{_asset('page.css')}"
    offending = [item for part in parts for item in part.results if item["Examples"]]
    problems = _problems(offending, room.rows)
    page: str = _template().render(
        heading=heading,
        title=f"{heading.status}: {printable(heading.name)}",
        processes=[_process(part, room.checks) for part in parts],
        process_names=PROCESSES,
        failing=sum(not item["Pass"] for part in parts for item in part.results),
        problems=problems,
        problems_left_out=len(offending) - len(problems),
        pictures=pictures,
        left_out=left_out,
        undrawn=any(part.undrawn for part in parts),
        rows=max((part.rows for part in parts), default=0),
        data=_data(pictures, problems),
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
    filters: dict[str, Callable[[Any], str]] = {
        "count": lambda number: f"{number:,}",
        "flag": NAMES.__getitem__,
        "moment": _moment,
        "plain": lambda text: printable(str(text)),
        "share": _share,
    }
    environment.filters |= filters
    return environment.from_string(_asset("page.html"))


def _moment(milliseconds: int) -> str:
    return show_time(dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).replace(tzinfo=None))


def _share(limit: float) -> str:
    return f"{limit:.3%}".replace(".000%", "%")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _process(part: Part, most: int) -> dict[str, Any]:
    """Returns a process as the template shows it, with at most so many checks: those that failed first, if not all."""
    results = part.results if len(part.results) <= most else sorted(part.results, key=lambda item: item["Pass"])[:most]
    checks = [{**item, **_named(item), "bar": _bar(item)} for item in results]
    more = len(part.results) - len(checks)
    return {"number": part.process, "passed": part.passed, "message": part.message, "checks": checks, "more": more}


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


def _problems(found: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Returns the checks that failed or have SUSPECT rows, those that failed first, with the rows that the page has room for."""
    shown = []
    for item in sorted(found, key=lambda item: item["Pass"]):
        examples = [{"Line": None, "Time": None, **example} for example in item["Examples"][:room]]
        room -= len(examples)
        more = item["Truncated"] or len(examples) < len(item["Examples"])
        if examples:
            shown.append({**item, **_named(item), "shown": examples, "more": more})
    return shown


def _data(pictures: Sequence[Picture], problems: list[dict[str, Any]]) -> str:
    """Returns what the script reads, as JSON that cannot end its element."""
    rows = [
        [
            item["Check"][0],
            item["field"],
            item["test"],
            *(one[name] for name in ("Row", "Line", "Time", "Value", "Reason")),
        ]
        for item in problems
        for one in item["shown"]
    ]
    data = {"pictures": [picture.for_script() for picture in pictures], "rows": rows}
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
