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
from reruns.progress import Rerun
from reruns.summary import many, named
from reruns.telling import fitting
from reruns.trying import Tried, names
from stream_qc.whatif import WITHOUT_EFFECT, Changed

SHOWN = 40  # changes of a verdict, in the text
EXAMPLES = 3
CHANGES_BYTES, TEXT_BYTES = 30_000, 60_000  # which the message holds twice, quoted


@dataclass(frozen=True)
class WhatIfSummary:
    """The message. tried: what was found of each file. page: a link to the page. results: where all of it is."""

    execution: Execution
    rerun: Rerun
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
        text = fitting("\n".join(self._text()), TEXT_BYTES)
        changes = [_change(one) for one in self._changed]
        shown = changes
        while True:
            record: dict[str, Any] = {
                "Status": WHAT_IF,
                "RerunID": self.rerun.rerun_id,
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
            if self.execution.failure:
                record |= {"Error": self.execution.failure.error, "Cause": self.execution.failure.cause}
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
        if self.rerun.selection.group_id:
            values["GroupID"] = self.rerun.selection.group_id
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
        without = len(self.tried) - checked
        parts = [f"{len(self._changed):,} of {checked:,} {verdicts} would change"]
        parts += [f": {counted}"] if counted else []
        parts += [f"; {many(without, 'file')} not checked"] if without else []
        return "".join(parts)

    def _text(self) -> Iterator[str]:
        yield f"{WHAT_IF}: the rules under {one_line(self.rerun.selection.rules)}, on {one_line(self.rerun.selection)}"
        yield self._total()
        if failure := self.execution.failure:
            yield f"{one_line(failure.error)}: {one_line(failure.cause, 1000)}"
        judged = sum(one.candidate for one in self.tried)
        yield f"The candidates judge {judged:,} of {many(len(self.tried), 'file')}. No row and no status was changed."
        yield from self._changes()
        yield from self._without_effect()
        without = [(name, one) for name, one in self._named if not one.before]
        causes: dict[str, list[str]] = defaultdict(list)
        for name, one in without:
            causes[one.why].append(name)
        for why, streams in [*causes.items()][:SHOWN]:
            yield ""
            yield f"Not checked: {named(streams)}"
            yield f"  {one_line(why, 500)}"
        yield ""
        yield f"Page    {self.page}"
        yield f"Results {self.results}"
        yield ""
        yield "To ask again:"
        machine = self.execution.arn.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
        yield start_command(machine, self.execution.input)

    def _changes(self) -> Iterator[str]:
        room = CHANGES_BYTES
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
            yield "Checks whose rules differ, and which pass or fail as before:"
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
