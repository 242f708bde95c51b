"""The picture of the pipeline: `python -m docs.draw` writes docs/pipeline.svg.

BOXES, FRAMES and ARROWS declare it. A test compares the names with the template and checks that every text fits its box and
that no arrow crosses a box. Text is measured as DejaVu Sans, the widest font that a browser may choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

PICTURE = Path(__file__).with_name("pipeline.svg")
WIDTH, HEIGHT = 1100, 940
NAME_SIZE, NOTE_SIZE = 14.0, 12.0
PADDING = 6.0  # between a text and the border of its box

Kind = Literal["function", "bucket", "table", "topic", "queue", "service", "outside"]
Flow = Literal["control", "failure", "data"]
Side = Literal["left", "right", "top", "bottom"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A resource of the stack under its name in the template, or something outside the stack."""

    name: str
    kind: Kind
    x: float
    y: float
    width: float
    height: float
    notes: tuple[str, ...] = ()

    @property
    def middle(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Frame:
    """A border around boxes, with its name in the upper right corner. Arrows may cross it, and may start or end at it."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes or frames, by name.

    leaves, enters: the side where it starts or ends, and where on that side; without a place, in the middle.
    """

    start: str
    end: str
    flow: Flow
    leaves: tuple[Side, float] | Side = "right"
    enters: tuple[Side, float] | Side = "left"
    both_ways: bool = False


@dataclass(frozen=True)
class Text:
    """A line of text, as it is drawn. anchor: which point of the text is at x."""

    x: float
    y: float
    text: str
    size: float = NOTE_SIZE
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "middle"


MACHINE = "Step Functions state machine"
TABLES = "DynamoDB tables"
RERUNS = "State machine of reruns in bulk"
FRAMES = (
    Frame(MACHINE, 476, 62, 608, 338),
    Frame(TABLES, 148, 610, 600, 92),
    Frame(RERUNS, 148, 800, 936, 130),
)
BOXES = (
    Box("A rerun by hand", "outside", 20, 12, 264, 44, ("aws stepfunctions start-execution",)),
    Box("Reconcile", "function", 160, 72, 124, 48, ("every 6 hours",)),
    Box("aws s3 cp", "outside", 20, 174, 108, 52, ("streamA.csv",)),
    Box("Streams", "bucket", 160, 174, 124, 52, ("streams/  rules/",)),
    Box("EventBridge", "service", 308, 174, 148, 52, ("uploads, failed runs",)),
    Box("StartQC", "function", 492, 174, 112, 52, ("seeds the row",)),
    Box("PlanParts", "function", 504, 236, 110, 46, ("large files",)),
    Box("CountRows", "function", 504, 292, 110, 46, ("of each part",)),
    Box("QCProcess1", "function", 632, 104, 124, 52, ("structure",)),
    Box("QCProcess2", "function", 632, 174, 124, 52, ("values",)),
    Box("QCProcess3", "function", 632, 244, 124, 52, ("continuity",)),
    Box("EndQC", "function", 784, 174, 96, 52, ("the verdict",)),
    Box("SendQCSummary", "function", 908, 174, 164, 52, ("the message",)),
    Box("WriteReport", "function", 908, 84, 164, 52, ("the page",)),
    Box("WriteFlags", "function", 776, 84, 112, 52, ("if asked for",)),
    Box("Results", "bucket", 632, 4, 140, 48, ("reports/  flags/",)),
    Box("CloseRun", "function", 620, 326, 148, 58, ("ends a failed run,", "sends its summary")),
    Box("UndeliveredUploads", "queue", 196, 292, 192, 52, ("dead letters: make redrive",)),
    Box("UnclosedRuns", "queue", 492, 430, 192, 52, ("dead letters: make redrive",)),
    Box("Alarms", "topic", 196, 430, 192, 52, ("for operators",)),
    Box("QCResults", "topic", 908, 430, 164, 52, ("every message",)),
    Box("CheckRules", "function", 20, 380, 148, 52, ("rules, on upload",)),
    Box("UncheckedRules", "queue", 20, 456, 160, 52, ("dead letters",)),
    Box("CheckArrivals", "function", 20, 536, 148, 52, ("every minute",)),
    Box("QCSummary", "table", 160, 638, 138, 52, ("one row a run",)),
    Box("QCDetails", "table", 306, 638, 138, 52, ("one item a check",)),
    Box("QCStreams", "table", 452, 638, 138, 52, ("one item a stream",)),
    Box("Idempotency", "table", 598, 638, 138, 52, ("claims: done once",)),
    Box("ServeApi", "function", 160, 724, 138, 52, ("the HTTP API",)),
    Box("ShowStreams", "function", 318, 724, 138, 52, ("the dashboard",)),
    Box("queues, HTTPS", "outside", 736, 436, 148, 40),
    Box("Outbox", "queue", 908, 610, 164, 52, ("gathers a window",)),
    Box("SendMail", "function", 908, 724, 164, 52, ("one mail a window",)),
    Box("QCEmail", "topic", 716, 724, 164, 52, ("for people",)),
    Box("email", "outside", 560, 730, 112, 40),
    Box("a rerun", "outside", 20, 844, 108, 52, ("many streams",)),
    Box("ListStreams", "function", 160, 844, 138, 52, ("which files",)),
    Box("a run of each file", "outside", 350, 812, 184, 50, ("by the machine above",)),
    Box("TryRules", "function", 350, 872, 184, 50, ("or a what-if: no runs",)),
    Box("EndRerun", "function", 588, 844, 164, 52, ("one message",)),
)
ARROWS = (
    Arrow("aws s3 cp", "Streams", "control"),
    Arrow("Streams", "EventBridge", "control"),
    Arrow("EventBridge", "StartQC", "control"),
    Arrow("A rerun by hand", "StartQC", "control", "right", ("top", 576)),
    Arrow("Reconcile", "StartQC", "control", "right", ("top", 520)),
    Arrow("Streams", "Reconcile", "data", ("top", 190), ("bottom", 190)),
    Arrow("Streams", MACHINE, "data", ("top", 254), ("left", 146)),
    Arrow("StartQC", "QCProcess1", "control"),
    Arrow("StartQC", "QCProcess2", "control"),
    Arrow("StartQC", "QCProcess3", "control"),
    Arrow("QCProcess1", "EndQC", "control"),
    Arrow("QCProcess2", "EndQC", "control"),
    Arrow("QCProcess3", "EndQC", "control"),
    Arrow("EndQC", "SendQCSummary", "control"),
    Arrow("SendQCSummary", "WriteReport", "control", "top", "bottom"),
    Arrow("WriteReport", "WriteFlags", "control", "left", "right"),
    Arrow(MACHINE, "Results", "data", ("top", 702), ("bottom", 702), both_ways=True),
    Arrow("SendQCSummary", "QCResults", "control", ("bottom", 1024), ("top", 1024)),
    Arrow("StartQC", "PlanParts", "control", ("bottom", 566), ("top", 566), both_ways=True),
    Arrow("PlanParts", "CountRows", "control", ("bottom", 566), ("top", 566), both_ways=True),
    Arrow("StartQC", "CloseRun", "failure", ("bottom", 499), ("left", 354)),
    Arrow("PlanParts", "CloseRun", "failure", ("right", 259), ("top", 626)),
    Arrow("CountRows", "CloseRun", "failure", ("bottom", 566), ("left", 354)),
    Arrow("EventBridge", "CloseRun", "failure", ("bottom", 424), ("left", 374)),
    Arrow("EndQC", "CloseRun", "failure", "bottom", ("right", 342)),
    Arrow("EventBridge", "UndeliveredUploads", "failure", ("bottom", 340), ("top", 340)),
    Arrow("CloseRun", "UnclosedRuns", "failure", ("bottom", 652), ("top", 652)),
    Arrow("UndeliveredUploads", "Alarms", "failure", "bottom", "top"),
    Arrow("UnclosedRuns", "Alarms", "failure", "left", "right"),
    Arrow("CloseRun", "QCResults", "control", ("right", 366), ("top", 956)),
    Arrow("QCResults", "queues, HTTPS", "control", "left", "right"),
    Arrow("QCResults", "Outbox", "control", "bottom", "top"),
    Arrow("Outbox", "SendMail", "control", "bottom", "top"),
    Arrow("SendMail", "QCEmail", "control", "left", "right"),
    Arrow("QCEmail", "email", "control", "left", "right"),
    Arrow(TABLES, "ServeApi", "data", ("bottom", 229), "top"),
    Arrow(TABLES, "ShowStreams", "data", ("bottom", 387), "top"),
    Arrow("Streams", "CheckRules", "control", ("bottom", 164), ("top", 164)),
    Arrow("CheckRules", "UncheckedRules", "failure", "bottom", ("top", 94)),
    Arrow("UncheckedRules", "Alarms", "failure", ("right", 466), ("left", 466)),
    Arrow("CheckRules", "QCResults", "control", ("right", 408), ("top", 930)),
    Arrow("CheckArrivals", "QCResults", "control", "right", ("bottom", 930)),
    Arrow("CheckArrivals", TABLES, "data", "bottom", ("left", 656), both_ways=True),
    Arrow("a rerun", "ListStreams", "control"),
    Arrow("ListStreams", "a run of each file", "control"),
    Arrow("ListStreams", "TryRules", "control"),
    Arrow("a run of each file", "EndRerun", "control"),
    Arrow("TryRules", "EndRerun", "control"),
    Arrow(MACHINE, TABLES, "data", ("bottom", 710), ("top", 710), both_ways=True),
)
LABELS = (Text(300, 140, "file and rules", anchor="start"),)
LEGEND = (("control", "starts or sends"), ("failure", "on failure"), ("data", "reads or writes"))
LEGEND_CORNER = (20.0, 730.0)

COLOURS = {
    "function": ("#fff4e5", "#b85c00"),
    "bucket": ("#e9f3ea", "#2f7d3b"),
    "table": ("#e9f0fb", "#2f5fa8"),
    "topic": ("#fbeaf2", "#a8326a"),
    "queue": ("#f3ecfb", "#6b3fa0"),
    "service": ("#fbeaf2", "#a8326a"),
    "outside": ("#ffffff", "#3b4252"),
}
LINES = {"control": ("#3b4252", ""), "failure": ("#b3261e", "6 3"), "data": ("#2f5fa8", "2 3")}

PLACES: dict[str, Box | Frame] = {place.name: place for place in (*BOXES, *FRAMES)}


def width_of(line: Text) -> float:
    """Returns how wide the line is, from the widths of DejaVu Sans' characters, rounded up."""
    return sum(map(_advance, line.text)) * line.size * (1.12 if line.bold else 1.0)


def _advance(character: str) -> float:
    """Returns the width of a character as a share of the font's size."""
    if character in "mMW@%":
        return 0.98
    if character in "ijlI.,:;'| /":
        return 0.36
    if character in "frt-()":
        return 0.45
    return 0.8 if character.isupper() or character == "w" else 0.64


def texts_of(box: Box) -> list[Text]:
    """Returns the lines of a box: its name and its notes, centred."""
    lines = [(box.name, NAME_SIZE, True), *((note, NOTE_SIZE, False) for note in box.notes)]
    x, y = box.middle
    step = 16.0 if len(lines) > 2 else 19.0
    first = y - step * (len(lines) - 1) / 2 + 4.5
    return [Text(x, first + step * index, text, size, bold) for index, (text, size, bold) in enumerate(lines)]


def path_of(arrow: Arrow) -> list[Point]:
    """Returns the corners of an arrow, from its start to its end. Every segment is horizontal or vertical."""
    (leaving, start), (entering, end) = (_end(arrow.start, arrow.leaves), _end(arrow.end, arrow.enters))
    sideways = (leaving in ("left", "right"), entering in ("left", "right"))
    if sideways == (True, False):
        corners = [(end[0], start[1])]
    elif sideways == (False, True):
        corners = [(start[0], end[1])]
    elif sideways == (True, True):
        middle = (start[0] + end[0]) / 2
        corners = [] if start[1] == end[1] else [(middle, start[1]), (middle, end[1])]
    else:
        middle = (start[1] + end[1]) / 2
        corners = [] if start[0] == end[0] else [(start[0], middle), (end[0], middle)]
    return [start, *corners, end]


def _end(name: str, where: tuple[Side, float] | Side) -> tuple[Side, Point]:
    """Returns the side and the point at which an arrow touches a box or frame."""
    place = PLACES[name]
    if isinstance(where, str):
        middle = (place.x + place.width / 2, place.y + place.height / 2)
        side, along = where, middle[1] if where in ("left", "right") else middle[0]
    else:
        side, along = where
    if side in ("left", "right"):
        return side, (place.x + (place.width if side == "right" else 0), along)
    return side, (along, place.y + (place.height if side == "bottom" else 0))


def svg() -> str:
    """Returns the picture as the text of an SVG file."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">'
    )
    yield "  <!-- Written by `python -m docs.draw`: change docs/draw.py, not this file. -->"
    yield "  <title>Stream QC: from an upload to a message</title>"
    yield f"  <desc>{_description()}</desc>"
    yield "  <defs>"
    for flow, (colour, _) in LINES.items():
        yield (
            f'    <marker id="{flow}" viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="{colour}"/></marker>'
        )
    yield "  </defs>"
    yield f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    for frame in FRAMES:
        yield _rectangle(frame, "#fbfbfd", "#9aa3b5", 'rx="10" stroke-dasharray="5 4"')
        yield _text(title_of(frame))
    for arrow in ARROWS:
        yield _line(path_of(arrow), arrow.flow, both_ways=arrow.both_ways)
    for box in BOXES:
        fill, stroke = COLOURS[box.kind]
        yield _rectangle(box, fill, stroke, 'rx="6" stroke-width="1.4"')
        yield from map(_text, texts_of(box))
    yield from map(_text, LABELS)
    yield from _legend()
    yield "</svg>"


def _description() -> str:
    """Returns every arrow in words, for readers who do not see the picture."""
    verbs = {"control": "to", "failure": "on failure to", "data": "data with"}
    return "; ".join(f"{arrow.start} {verbs[arrow.flow]} {arrow.end}" for arrow in ARROWS) + "."


def title_of(frame: Frame) -> Text:
    return Text(frame.x + frame.width - 12, frame.y + 19, frame.name, anchor="end")


def _legend() -> Iterator[str]:
    x, y = LEGEND_CORNER
    for index, (flow, meaning) in enumerate(LEGEND):
        at = y + 22 * index
        yield _line([(x, at), (x + 36, at)], flow)
        yield _text(Text(x + 44, at + 4, meaning, anchor="start"))


def _rectangle(place: Box | Frame, fill: str, stroke: str, more: str) -> str:
    return (
        f'  <rect x="{place.x:g}" y="{place.y:g}" width="{place.width:g}" height="{place.height:g}" '
        f'fill="{fill}" stroke="{stroke}" {more}/>'
    )


def _line(points: list[Point], flow: str, *, both_ways: bool = False) -> str:
    colour, dashes = LINES[flow]
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    back = f' marker-start="url(#{flow})"' if both_ways else ""
    return (
        f'  <path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round"{dashed}'
        f' marker-end="url(#{flow})"{back}/>'
    )


def _text(line: Text) -> str:
    weight = ' font-weight="bold"' if line.bold else ""
    colour = "#1f2430" if line.bold else "#4c566a"
    return (
        f'  <text x="{line.x:g}" y="{line.y:g}" font-size="{line.size:g}" text-anchor="{line.anchor}"{weight} '
        f'fill="{colour}">{escape(line.text)}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(svg())
    print(f"docs/{PICTURE.name}")
