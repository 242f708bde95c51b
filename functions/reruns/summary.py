"""The message at the end of a rerun in bulk: what changed, what failed, and where the whole list is."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.execution import Execution
from pipeline.message import one_line, start_command, subject_of
from pipeline.model import Status
from pipeline.notice import RERUN
from pipeline.outcomes import Outcome
from reruns.progress import Rerun
from reruns.telling import fitting

NAMES, NAMES_CHARACTERS = 20, 600  # of streams, in one line
TEXT_BYTES = 60_000  # which the message holds twice, quoted
CAUSES = 20  # with a paragraph of their own
ORDER = (Status.PASS, Status.FAIL, Status.ERROR, Status.REJECTED)


@dataclass(frozen=True)
class RerunSummary:
    """The message. outcomes: of each file, None for one without a run. results: where they are."""

    rerun: Rerun
    execution: Execution
    outcomes: Sequence[Outcome | None]
    results: str

    @property
    def status(self) -> str:
        return RERUN

    @property
    def subject(self) -> str:
        return subject_of(RERUN, f"{many(len(self.outcomes), 'file')}: {self._counted()}")

    def body(self) -> str:
        """Returns the message in SNS's JSON structure."""
        text = fitting("\n".join(self._text()), TEXT_BYTES)
        record: dict[str, Any] = {
            "Status": RERUN,
            "RerunID": self.rerun.rerun_id,
            "ExecutionArn": self.execution.arn,
            "Selection": self.execution.input,
            "Files": len(self.outcomes),
            "Ended": dict(Counter(one.status for one in self._ended)),
            "Changed": len({name_of(one) for one in self._changed}),
            "NotRun": len(self.outcomes) - len(self._ended),
            "Results": self.results,
            "Text": text,
        }
        if self.execution.failure:
            record |= {"Error": self.execution.failure.error, "Cause": self.execution.failure.cause}
        return json.dumps({"default": json.dumps(record, ensure_ascii=False), "email": text}, ensure_ascii=False)

    def attributes(self) -> dict[str, Any]:
        """Returns what a subscriber can filter by."""
        values = {"Status": RERUN}
        if self.rerun.selection.group_id:
            values["GroupID"] = self.rerun.selection.group_id
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}

    @property
    def _ended(self) -> list[Outcome]:
        return [one for one in self.outcomes if one]

    @property
    def _changed(self) -> list[Outcome]:
        return [one for one in self._ended if one.changed_from]

    def _counted(self) -> str:
        count = Counter(one.status for one in self._ended)
        parts = [f"{count[status]:,} {status}" for status in ORDER if count[status]]
        without = len(self.outcomes) - len(self._ended)
        return ", ".join([*parts, *([f"{without:,} not run"] if without else [])])

    def _text(self) -> Iterator[str]:
        yield f"{RERUN}: {one_line(self.rerun.selection)}"
        yield f"{many(len(self.outcomes), 'file')}: {self._counted()}"
        if failure := self.execution.failure:
            yield ""
            yield f"{one_line(failure.error)}: {one_line(failure.cause, 1000)}"
            yield "Files without a verdict can have another run: see below."
        yield ""
        yield from self._changes()
        yield from self._causes()
        yield ""
        yield f"Results {self.results}"
        yield f"Rerun   {self.rerun.rerun_id}"
        yield ""
        given = {name: value for name, value in self.execution.input.items() if name != "Resume"}
        resumable = bool(self.execution.failure) or None in self.outcomes
        yield "To resume it:" if resumable else "To do it again:"
        arn = self.execution.arn.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
        yield start_command(arn, {**given, "Resume": self.rerun.rerun_id} if resumable else given)

    def _changes(self) -> Iterator[str]:
        ways: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self._changed:
            ways[str(one.changed_from), one.status].append(name_of(one))
        if not ways:
            yield "No stream has changed its status."
            return
        yield f"Changed: {many(len({name_of(one) for one in self._changed}), 'stream')}"
        for (before, after), names in sorted(ways.items(), key=lambda item: (item[0][1] == Status.PASS, -len(item[1]))):
            yield f"  {before} to {after}: {named(names)}"

    def _causes(self) -> Iterator[str]:
        by_cause: dict[str, list[Outcome]] = defaultdict(list)
        for one in self._ended:
            for cause in [one.error] if one.error else one.checks:
                by_cause[f"{one.status} {cause}"].append(one)
        ordered = sorted(by_cause.items(), key=lambda item: -len(item[1]))
        for cause, found in ordered[:CAUSES]:
            yield ""
            yield f"{one_line(cause)}: {many(len(found), 'stream')}"
            yield f"  {named(map(name_of, found))}"
            if found[0].cause:
                yield f"  For example {one_line(name_of(found[0]))}: {one_line(found[0].cause, 500)}"
        if left := ordered[CAUSES:]:
            yield ""
            yield f"and {many(len(left), 'more cause')}"


def name_of(one: Outcome) -> str:
    return f"{one.group_id}/{one.stream_id}"


def named(names: Iterable[str]) -> str:
    """Returns the first names, each once, and counts the others."""
    each, shown = [*dict.fromkeys(names)], list[str]()
    for name in each[:NAMES]:
        shown.append(one_line(name))
        if len(", ".join(shown)) > NAMES_CHARACTERS:
            break
    more = f" and {len(each) - len(shown):,} more" if len(each) > len(shown) else ""
    return ", ".join(shown) + more


def many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
