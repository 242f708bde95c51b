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
from typing import Any

import jinja2

from stream_qc.checks.base import show_time
from stream_qc.printable import printable
from stream_qc.reporting.pictures import NAMES, Picture, pictures_of
from stream_qc.reporting.record import Part
from stream_qc.vocabulary import PROCESSES

MOST_EXAMPLES = 1_500  # rows of all tables together
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
    pictures, left_out = pictures_of(parts)
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
    """Returns the checks that failed or have SUSPECT rows, those that failed first, with the rows that the page has room for."""
    found = [check for process in processes for check in process["checks"] if not check["Pass"] or check["Examples"]]
    found.sort(key=lambda check: check["Pass"])
    room = MOST_EXAMPLES
    shown = []
    for check in found:
        examples = [{"Line": None, "Time": None, **example} for example in check["Examples"][:room]]
        room -= len(examples)
        shown.append({**check, "shown": examples, "more": check["Truncated"] or len(examples) < len(check["Examples"])})
    return shown


def _data(pictures: Sequence[Picture], parts: Sequence[Part]) -> str:
    """Returns what the script reads, as JSON that cannot end its element."""
    rows = [
        [
            part.process,
            *_named(item).values(),
            *(example.get(name) for name in ("Row", "Line", "Time", "Value", "Reason")),
        ]
        for part in parts
        for item in part.results
        for example in item["Examples"]
    ]
    data = {"pictures": [picture.for_script() for picture in pictures], "rows": rows[:MOST_EXAMPLES]}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "&<>\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
