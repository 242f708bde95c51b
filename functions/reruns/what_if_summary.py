"""The message at the end of a what-if: the verdicts that change, and through which checks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.execution import Execution
from pipeline.message import MESSAGE_BYTES, one_line, start_command, subject_of
from pipeline.notice import WHAT_IF
from reruns.selection import Selection
from reruns.summary import many, named
from reruns.trying import Tried, names
from stream_qc.whatif import WITHOUT_EFFECT, Changed

SHOWN = 40  # changes of a verdict, in the text
EXAMPLES = 3
TEXT_BYTES = 60_000  # of the changes


@dataclass(frozen=True)
class WhatIfSummary:
    """The message. tried: what was found of each file. page: a link to the page. results: where all of it is."""

    execution: Execution
    selection: Selection
    tried: Sequence[Tried]
    page: str
    results: str

    @property
    def status(self) -> str:
        return WHAT_IF

    @property
    def subject(self) -> str:
        return subject_of(WHAT_IF, self._total())

    def body(self) -> str:
        """Returns the message in SNS's JSON structure. What is too long for SNS is left out at the end, and counted."""
        text = "\n".join(self._text())
        changes = [_change(one) for one in self._changed]
        shown = changes
        while True:
            record: dict[str, Any] = {
                "Status": WHAT_IF,
                "RerunID": self.execution.qcpid,
                "ExecutionArn": self.execution.arn,
                "Selection": self.execution.input,
                "Files": len(self.tried),
                "NotChecked": sum(not one.before for one in self.tried),
                "Changed": len(changes),
                "Changes": shown,
                "Page": self.page,
                "Results": self.results,
                "Text": text,
            }
            if left_out := len(changes) - len(shown):
                record["ChangesLeftOut"] = left_out
            parts = {"default": json.dumps(record, ensure_ascii=False), "email": text}
            body = json.dumps(parts, ensure_ascii=False)
            if len(body.encode()) <= MESSAGE_BYTES or not shown:
                return body
            shown = shown[: len(shown) * 3 // 4]

    def attributes(self) -> dict[str, Any]:
        """Returns what a subscriber can filter by."""
        values = {"Status": WHAT_IF}
        if self.selection.group_id:
            values["GroupID"] = self.selection.group_id
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}

    @property
    def _named(self) -> list[tuple[str, Tried]]:
        return [*zip(names(self.tried), self.tried, strict=True)]

    @property
    def _changed(self) -> list[Tried]:
        return [one for one in self.tried if one.changes]

    def _total(self) -> str:
        ways = Counter(f"{one.before} to {one.after}" for one in self._changed)
        counted = ", ".join(f"{count:,} {way}" for way, count in sorted(ways.items()))
        checked = sum(bool(one.before) for one in self.tried)
        verdicts = "verdict" if checked == 1 else "verdicts"
        return f"{len(self._changed):,} of {checked:,} {verdicts} would change" + (f": {counted}" if counted else "")

    def _text(self) -> Iterator[str]:
        yield f"{WHAT_IF}: the rules under {one_line(self.selection.rules)}, on {one_line(self.selection)}"
        yield self._total()
        yield "Nothing was changed: no row, no status of a stream."
        yield from self._changes()
        yield from self._without_effect()
        without = [(name, one) for name, one in self._named if not one.before]
        for name, one in without[:SHOWN]:
            yield ""
            yield f"Not checked: {one_line(name)}: {one_line(one.why, 500)}"
        if len(without) > SHOWN:
            yield f"and {len(without) - SHOWN:,} more"
        yield ""
        yield f"Page    {self.page}"
        yield f"Results {self.results}"
        yield ""
        yield "To ask again:"
        machine = self.execution.arn.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
        yield start_command(machine, self.execution.input)

    def _changes(self) -> Iterator[str]:
        room = TEXT_BYTES
        for position, (name, one) in enumerate((name, one) for name, one in self._named if one.changes):
            lines = [*_lines(name, one)]
            room -= sum(len(line.encode()) for line in lines)
            if position == SHOWN or room < 0:
                yield ""
                yield f"and {len(self._changed) - position:,} more; see the page"
                return
            yield ""
            yield from lines

    def _without_effect(self) -> Iterator[str]:
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.tried:
            for check in one.compared.without_effect if one.compared else ():
                found[check.rule, _name(check.name)].append(f"{one.file.group_id}/{one.file.stream_id}")
        if found:
            yield ""
            yield "Checks whose rules differ, and whose results do not:"
        ordered = sorted(found.items(), key=lambda item: -len(item[1]))
        for (rule, name), streams in ordered[:SHOWN]:
            yield f"  {one_line(name)} ({WITHOUT_EFFECT[rule]}): {named(streams)}"
        if len(ordered) > SHOWN:
            yield f"  and {many(len(ordered) - SHOWN, 'more check')}"


def _lines(name: str, one: Tried) -> Iterator[str]:
    yield f"{one.before} to {one.after}: {one_line(name)}"
    if one.failure:
        yield f"  {one_line(one.why, 500)}"
    for check in one.compared.changed if one.compared else ():
        how = "fails now" if check.fails else "no longer fails"
        by = "" if check.rule else ", by the same rule"
        yield f"  {one_line(_name(check.name))} {how}{by}: {one_line(check.told.message, 500)}"
        yield from (f"    {each.place}: {one_line(each.reason)}" for each in check.told.shown(EXAMPLES))
        yield from (f"    would pass with {one_line(near)}" for near in check.nearest)


def _change(one: Tried) -> dict[str, Any]:
    checks: Sequence[Changed] = one.compared.changed if one.compared else ()
    found: dict[str, Any] = {**one.file.item(), "Before": one.before, "After": one.after}
    found["Checks"] = [{"Check": check.name, "Fails": check.fails, "WouldPass": _near(check)} for check in checks]
    if one.failure:
        found |= {"Error": one.failure.error, "Cause": one.failure.cause}
    return found


def _near(check: Changed) -> list[dict[str, Any]]:
    return [{"Place": near.place, "Value": near.value} for near in check.nearest]


def _name(check: str) -> str:
    """Returns a check's name for people: `2#temp_max#maximum` is `temp_max maximum`."""
    return check.replace("*#", "").split("#", 1)[1].replace("#", " ")
