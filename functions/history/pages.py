"""The pages over the API: the streams, the runs of one, a run with its checks, and a rerun that asks first.

They are HTML without scripts, so that they are the same in a browser, where links lead from one to the next, and in a widget of a
CloudWatch dashboard, where they invoke its function: templates/links.html has the first kind, templates/actions.html the second.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import urlencode

import jinja2
from markupsafe import escape

from history.queries import NotFound, RunFilter, StreamFilter
from history.records import (
    RUN_STATUSES,
    STREAM_STATUSES,
    Check,
    Rerun,
    Reruns,
    Run,
    Runs,
    RunWithChecks,
    Started,
    Streams,
)
from pipeline.errors import InvalidInput
from pipeline.message import minute
from pipeline.times import first_of, last_of
from stream_qc.printable import printable
from stream_qc.vocabulary import PROCESSES, pass_field

BAR_HEIGHT, BAR_WIDTH = 60, 22  # in pixels; a bar is as wide as a verdict
FLAGS = (
    ("Good", "GOOD"),
    ("Suspect", "SUSPECT"),
    ("Fail", "FAIL"),
    ("NotEvaluated", "UNKNOWN"),
    ("Missing", "MISSING"),
)
REFRESH_SECONDS = 2
RERUN_SECONDS = 10  # while a rerun in bulk is running, and nobody types into the filters
STARTING_SECONDS = 60  # in which the row of a run appears, or never


class Source(Protocol):
    """Where the records come from: the tables or the API. Raises NotFound and InvalidInput."""

    def streams(self, wanted: StreamFilter, cursor: str | None = None) -> Streams: ...
    def runs(self, wanted: RunFilter, cursor: str | None = None) -> Runs: ...
    def run(self, qcpid: str, cursor: str | None = None) -> RunWithChecks: ...
    def start(self, given: dict[str, Any], token: str | None = None) -> Started: ...
    def reruns(self) -> Reruns: ...
    def report(self, run: Run) -> str:
        """Returns the address of the report of a run that has one."""


@dataclass(frozen=True)
class Frame:
    """Where the pages are shown. macros: the template with their links. endpoint: the function that a widget invokes.

    dark: True or False where that does not depend on the browser.
    """

    macros: str = "links.html"
    endpoint: str = ""
    dark: bool | None = None


@dataclass(frozen=True)
class Page:
    """A page, as HTML. refresh: after how many seconds it should be asked for again; None where nothing is under way."""

    title: str
    body: str
    refresh: int | None = None
    status: int = 200


def show(source: Source, asked: Mapping[str, str], frame: Frame) -> Page:
    """Returns the page that is asked for: `view`, and what the view takes. What is wrong with a request is a page, too."""
    given = {name: value for name, value in asked.items() if value}
    try:
        return VIEWS.get(given.pop("view", "streams"), _unknown)(source, given, frame)
    except NotFound as error:
        return problem(frame, str(error), 404)
    except InvalidInput as error:
        return problem(frame, str(error), 422)


def problem(frame: Frame, text: str, status: int) -> Page:
    """Returns a page that says why there is no other. status: of HTTP."""
    return replace(_page(frame, "problem.html", "That did not work", text=text), status=status)


def request_in(asked: Mapping[str, str]) -> dict[str, str]:
    """Returns the input of the run that the page `ask` has asked about."""
    names = {"group": "GroupID", "stream": "StreamID", "key": "Key", "version": "VersionId"}
    return {field: asked[name] for name, field in names.items() if asked.get(name)}


def style() -> str:
    """Returns the style sheet of the pages."""
    return files(__package__).joinpath("templates/style.css").read_text(encoding="utf-8")


def _streams(source: Source, given: dict[str, str], frame: Frame) -> Page:
    status = given.get("status")
    wanted = StreamFilter(
        group=given.get("group"),
        status=status if status in STREAM_STATUSES else None,
        text=given.get("text"),
        since=first_of("from", given.get("from")),
        until=last_of("to", given.get("to")),
    )
    found = source.streams(wanted, given.get("cursor"))
    reruns = [one for one in source.reruns().Reruns if one.Status == "RUNNING" or _is_of_today(one)]
    running = any(one.Status == "RUNNING" for one in reruns)
    filters = {name: given[name] for name in ("group", "text", "status", "from", "to") if name in given}
    return _page(
        frame,
        "streams.html",
        "Streams",
        refresh=RERUN_SECONDS if running and not filters else None,
        found=found,
        filters=filters,
        given=given,
        statuses=STREAM_STATUSES,
        reruns=reruns,
    )


def _stream(source: Source, given: dict[str, str], frame: Frame) -> Page:
    group, stream = _needed(given, "group"), _needed(given, "stream")
    started, status = given.get("started"), given.get("status")
    known = source.streams(StreamFilter(group=group, stream=stream)).Streams
    wanted = RunFilter(group, stream, status=status if status in RUN_STATUSES else None)
    found = source.runs(wanted, given.get("cursor"))
    mine = next((run for run in found.Runs if run.ExecutionArn == started), None)
    begun = mine is not None and mine.Status == "RUNNING"
    waits = begun or (mine is None and bool(started) and "cursor" not in given and _is_recent(given.get("at", "")))
    return _page(
        frame,
        "stream.html",
        f"{group}/{stream}",
        refresh=REFRESH_SECONDS if waits else None,
        group=group,
        stream=stream,
        state=known[0] if known else None,
        found=found,
        oldest_first=[*reversed(found.Runs)],
        bars=_bars([*reversed(found.Runs)]),
        status=status,
        statuses=RUN_STATUSES,
        waits=waits,
        begun=begun,
        again={name: given[name] for name in ("group", "stream", "started", "at") if name in given},
        older="cursor" in given,
    )


def _run(source: Source, given: dict[str, str], frame: Frame) -> Page:
    found = source.run(_needed(given, "qcpid"), given.get("cursor"))
    flags = [(number, name, getattr(found, pass_field(number))) for number, name in PROCESSES.items()]
    return _page(
        frame,
        "run.html",
        f"{found.Status} {found.GroupID}/{found.StreamID}",
        refresh=REFRESH_SECONDS if found.Status == "RUNNING" else None,
        run=found,
        flags=flags,
        checks=sorted(found.Checks, key=lambda check: (check.Pass, not check.Fail, not check.Suspect)),
        names=FLAGS,
        report=source.report(found) if found.ReportKey else None,
        results=[
            ("Flags of every row", found.FlagsKey),
            ("Rows without FAIL", found.CleanKey),
            ("Rows with FAIL", found.QuarantineKey),
        ],
    )


def _ask(_source: Source, given: dict[str, str], frame: Frame) -> Page:
    group, stream = _needed(given, "group"), _needed(given, "stream")
    file = {name: given[name] for name in ("key", "version") if name in given}
    title = f"Check {group}/{stream} again"
    return _page(frame, "ask.html", title, group=group, stream=stream, file=file, token=str(uuid.uuid4()))


def _unknown(_source: Source, _given: dict[str, str], _frame: Frame) -> Page:
    raise NotFound(f"there is no such page; the pages are {', '.join(VIEWS)}")


VIEWS = {"streams": _streams, "stream": _stream, "run": _run, "ask": _ask}


def _is_recent(time: str) -> bool:
    """Returns whether a run that was started then may not have its row yet."""
    try:
        started = dt.datetime.fromisoformat(time)
    except ValueError:
        return False
    return abs((dt.datetime.now(dt.UTC) - started).total_seconds()) < STARTING_SECONDS if started.tzinfo else False


def _is_of_today(rerun: Rerun) -> bool:
    stopped = dt.datetime.fromisoformat(rerun.StopDate or rerun.StartDate)
    return dt.datetime.now(dt.UTC) - stopped < dt.timedelta(days=1)


def _needed(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise InvalidInput(f"{name}: is missing")
    return given[name]


def _bars(runs: list[Run]) -> list[dict[str, Any]]:
    """Returns the bar of each run's rows: where it is, how high, and whose."""
    most = max((run.Rows or 0 for run in runs), default=0)
    return [
        {"x": index * BAR_WIDTH, "height": round((run.Rows or 0) / most * BAR_HEIGHT, 1), "run": run}
        for index, run in enumerate(runs)
        if most
    ]


def _page(frame: Frame, template: str, title: str, *, refresh: int | None = None, **values: Any) -> Page:
    theme = {True: "dark", False: "light", None: "auto"}[frame.dark]
    body = (
        _templates()
        .get_template(template)
        .render(
            links=frame.macros, endpoint=frame.endpoint, theme=theme, title=title, bar=(BAR_WIDTH, BAR_HEIGHT), **values
        )
    )
    return Page(str(escape(printable(title))), body, refresh)


@functools.cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("history"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "address": lambda asked: "?" + urlencode(asked),
        "count": lambda number: f"{number:,}",
        "minute": minute,
        "parts": _parts,
        "plain": printable,
        "second": _second,
        "seconds": _seconds,
        "size": _size,
    }
    return found


def _second(timestamp: str) -> str:
    """Returns a time to the second, without its zone."""
    return timestamp[:19].replace("T", " ")


def _parts(check: Check) -> tuple[str, str, str]:
    """Returns the process, the field and the test of a check."""
    process, rest = check.Check.split("#", 1)
    field, test = rest.rsplit("#", 1)
    return PROCESSES.get(int(process), process), "the file" if field == "*" else field, test


def _seconds(run: Run) -> str:
    """Returns how long a run took."""
    if run.EndTime is None:
        return ""
    took = dt.datetime.fromisoformat(run.EndTime) - dt.datetime.fromisoformat(run.StartTime)
    return f"{took.total_seconds():,.1f} s"


def _size(size: int | None) -> str:
    """Returns a size for people."""
    if size is None:
        return ""
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_:
            return f"{size / bytes_:,.1f} {unit}"
    return f"{size} bytes"
