"""docs/pipeline.svg: it names the resources of the template, its texts fit, and its arrows cross no box."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs import draw
from docs.draw import ARROWS, BOXES, FRAMES, PADDING, PLACES, Arrow, Box, Point, Text
from tests.stacks.template import Template

RESOURCES = {
    "function": "AWS::Lambda::Function",
    "bucket": "AWS::S3::Bucket",
    "table": "AWS::DynamoDB::Table",
    "topic": "AWS::SNS::Topic",
    "queue": "AWS::SQS::Queue",
}


PLAN = {"CutFile": "PlanParts", "NumberRows": "PlanParts"}  # steps of one function


def in_picture(kind: str) -> set[str]:
    return {box.name for box in BOXES if box.kind == kind}


@pytest.mark.parametrize("kind", RESOURCES)
def test_picture_has_the_resources_of_the_template(template: Template, kind: str) -> None:
    assert in_picture(kind) == {re.sub(r"[0-9A-F]{8}$", "", name) for name in template.of_type(RESOURCES[kind])}


def test_frame_of_the_state_machine_holds_its_task_states(template: Template) -> None:
    frame = PLACES[draw.MACHINE]
    inside = {box.name for box in BOXES if _contains(frame, box)}
    tasks = [state for _, state in states(template.definition()) if state["Type"] == "Task"]
    assert inside == {state["Arguments"]["FunctionName"] for state in tasks}


def test_arrows_follow_the_state_machine(template: Template) -> None:
    machine = {PLAN.get(name, name): state for name, state in states(template.definition())}
    processes = [name for branch in machine["QCProcesses"]["Branches"] for name in branch["States"] if name in PLACES]
    assert machine["QCProcesses"]["Next"] == "EndQC"
    assert machine["EndQC"]["Next"] == "SendQCSummary"
    in_parts = {("StartQC", "PlanParts"), ("PlanParts", "CountRows")}
    steps = {("StartQC", name) for name in processes} | {(name, "EndQC") for name in processes}
    assert machine["SendQCSummary"]["Next"] == "WriteReport"
    after = {("EndQC", "SendQCSummary"), ("SendQCSummary", "WriteReport"), ("WriteReport", "WriteFlags")}
    assert steps | in_parts | after == drawn("control", machine)
    caught = {(name, catch["Next"]) for name, state in machine.items() for catch in state.get("Catch", [])}
    assert {(name, to) for name, to in caught if to in PLACES} == drawn("failure", machine)


def drawn(flow: str, states: dict[str, Any]) -> set[tuple[str, str]]:
    """Returns the arrows of this flow between two states, as (from, to)."""
    arrows = {(arrow.start, arrow.end) for arrow in ARROWS if arrow.flow == flow}
    return {(start, end) for start, end in arrows if start in states and end in states}


def states(definition: Any) -> Iterator[tuple[str, Any]]:
    """Yields every state with its name, those in branches included."""
    for name, state in definition["States"].items():
        yield name, state
        for branch in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            yield from states(branch)


def test_committed_picture_is_what_the_script_draws() -> None:
    assert draw.PICTURE.read_text() == draw.svg(), "run: python -m docs.draw"


@pytest.mark.parametrize("box", BOXES, ids=lambda box: box.name)
def test_text_fits_its_box(box: Box) -> None:
    for text in draw.texts_of(box):
        assert draw.width_of(text) <= box.width - 2 * PADDING, text.text
        assert box.y < text.y - text.size * 0.8 < text.y + text.size * 0.25 < box.y + box.height, text.text


def test_boxes_do_not_overlap_and_fit_the_picture() -> None:
    for box, other in itertools.combinations(BOXES, 2):
        assert not _overlap(_rectangle_of(box), _rectangle_of(other)), (box.name, other.name)
    places: list[Box | draw.Frame] = [*BOXES, *FRAMES]
    for place in places:
        assert place.x >= 0 <= place.y
        assert place.x + place.width <= draw.WIDTH
        assert place.y + place.height <= draw.HEIGHT


def name_of(arrow: Arrow) -> str:
    return f"{arrow.start} to {arrow.end}"


@pytest.mark.parametrize("arrow", ARROWS, ids=name_of)
def test_arrow_crosses_no_box(arrow: Arrow) -> None:
    for segment in itertools.pairwise(draw.path_of(arrow)):
        for box in BOXES:
            assert not _overlap(_around(*segment), _rectangle_of(box)), box.name


@pytest.mark.parametrize("arrow", ARROWS, ids=name_of)
def test_arrow_touches_both_of_its_ends(arrow: Arrow) -> None:
    path = draw.path_of(arrow)
    for name, (x, y) in ((arrow.start, path[0]), (arrow.end, path[-1])):
        place = PLACES[name]
        on_side = x in (place.x, place.x + place.width) and place.y < y < place.y + place.height
        on_edge = y in (place.y, place.y + place.height) and place.x < x < place.x + place.width
        assert on_side or on_edge, (name, x, y)


@pytest.mark.parametrize("text", [*draw.LABELS, *map(draw.title_of, FRAMES)], ids=lambda text: text.text)
def test_free_text_lies_on_nothing(text: Text) -> None:
    area = _area_of(text)
    assert not [box.name for box in BOXES if _overlap(area, _rectangle_of(box))]
    crossed = [
        name_of(arrow)
        for arrow in ARROWS
        for segment in itertools.pairwise(draw.path_of(arrow))
        if _overlap(area, _around(*segment))
    ]
    assert not crossed


def test_crossing_is_seen() -> None:
    through = ((0.0, 200.0), (1000.0, 200.0))
    assert {"Streams", "StartQC", "EndQC"} <= {
        box.name for box in BOXES if _overlap(_around(*through), _rectangle_of(box))
    }


Area = tuple[float, float, float, float]  # left, top, right, bottom


def _rectangle_of(box: Box) -> Area:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _around(start: Point, end: Point) -> Area:
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return left, top, right, bottom


def _area_of(text: Text) -> Area:
    width = draw.width_of(text)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return left, text.y - text.size, left + width, text.y + text.size * 0.25


def _overlap(one: Area, other: Area) -> bool:
    """Returns whether the areas overlap. Touching at a border is not enough."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _contains(frame: draw.Frame | Box, box: Box) -> bool:
    inside_x = frame.x < box.x and box.x + box.width < frame.x + frame.width
    return inside_x and frame.y < box.y and box.y + box.height < frame.y + frame.height
