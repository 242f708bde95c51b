"""Compares what two sets of rules say of one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from stream_qc.engine import Open, check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import Format
from stream_qc.redaction import EVERY_FIELD, with_times
from stream_qc.results import Report, Result
from stream_qc.rules import Rules
from stream_qc.whatif.asked import asked_of, reads_alike
from stream_qc.whatif.nearest import Nearest, nearest_of


@dataclass(frozen=True)
class Changed:
    """A check that passes under one set of rules and not under the other.

    before, after: None where the rules do not ask for it, and `before` where they cannot read the file.
    rule: whether what the rules ask of it differs. nearest: limits that would let it pass, if it fails under the new rules.
    """

    name: str
    before: Result | None
    after: Result | None
    rule: bool
    nearest: tuple[Nearest, ...] = ()

    @property
    def fails(self) -> bool:
        """Returns whether it fails under the new rules."""
        return self.after is not None and not self.after.passed

    @property
    def told(self) -> Result:
        """Returns the result that failed, or fails now, with the rows that fail, and not those that are only SUSPECT."""
        result = self.after if self.fails else self.before
        if result is None:
            raise ValueError(f"{self.name} has no result that failed")
        return replace(result, examples=[one for one in result.examples if not one.suspect])

    def item(self) -> dict[str, Any]:
        """Returns it as JSON shows it: the results are items of QCDetails."""
        return {
            "Check": self.name,
            "RuleChanged": self.rule,
            "Before": self.before.item() if self.before else None,
            "After": self.after.item() if self.after else None,
            "WouldPass": [{"Place": one.place, "Value": one.value} for one in self.nearest],
        }


def verdict_of(passed: bool) -> str:  # noqa: FBT001
    return "PASS" if passed else "FAIL"


# What is said of a check whose rule makes no difference.
WITHOUT_EFFECT = {"new": "new, passes", "changed": "rule changed, still passes", "gone": "no longer asked for"}


@dataclass(frozen=True)
class WithoutEffect:
    """A check whose rule differs and that passes under both.

    rule: `new`, `gone` or `changed`. before, after: how many rows are SUSPECT.
    """

    name: str
    rule: str
    before: int
    after: int

    def item(self) -> dict[str, Any]:
        """Returns it as JSON shows it."""
        return {"Check": self.name, "Rule": self.rule, "SuspectBefore": self.before, "SuspectAfter": self.after}


@dataclass(frozen=True)
class Compared:
    """What two sets of rules say of a file. changed: the checks that make the difference. still_failing: those that fail under
    both, whatever their rules. without_effect: those whose rules differ, and whose results pass or fail as before. reads_alike:
    whether both read the file in the same way.
    """

    file: str
    rows: int
    before: bool
    after: bool
    changed: list[Changed]
    still_failing: list[Changed]
    without_effect: list[WithoutEffect]
    reads_alike: bool

    @property
    def verdict_changes(self) -> bool:
        return self.before != self.after

    def item(self) -> dict[str, Any]:
        """Returns it as JSON shows it."""
        return {
            "File": self.file,
            "Rows": self.rows,
            "Before": verdict_of(self.before),
            "After": verdict_of(self.after),
            "Changed": [one.item() for one in self.changed],
            "StillFailing": [one.item() for one in self.still_failing],
            "WithoutEffect": [one.item() for one in self.without_effect],
            "ReadsAlike": self.reads_alike,
        }


@dataclass(frozen=True)
class NotCompared:
    """A file that at least one of the rules could not check, and why. before, after: its verdicts; "" where it has none."""

    file: str
    why: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before} to {self.after}: {self.why}" if self.before else f"not checked: {self.why}"


class UnusableRules(Exception):
    """The rules cannot be used for this file. which: `current` or `candidate`."""

    def __init__(self, which: str, error: InvalidRules) -> None:
        self.which = which
        super().__init__(str(error))


def compare(file: str, open_stream: Open, form: Format, current: Rules, candidate: Rules) -> Compared:
    """Checks a file by both rules. What one of them redacts is not shown.

    Raises UnusableRules, and OSError if the stream itself cannot be read.
    """
    current, candidate = _redacted_alike(current, candidate)
    before = _checked(open_stream, form, current, "current")
    after = _checked(open_stream, form, candidate, "candidate")
    was, is_now = _results(before), _results(after)
    asked_before, asked_now = asked_of(current), asked_of(candidate)
    changed, still, without_effect = list[Changed](), list[Changed](), list[WithoutEffect]()
    for name in dict.fromkeys([*is_now, *was]):
        earlier, now = was.get(name), is_now.get(name)
        # What could not be judged, because one of them cannot read the file, neither passes nor fails; `readable` says why.
        if now is None and name in asked_now and _unread(after, name):
            continue
        if now is not None and now.passed and earlier is None and name in asked_before and _unread(before, name):
            continue
        differs = asked_before.get(name) != asked_now.get(name)
        passed, passes = earlier is None or earlier.passed, now is None or now.passed
        near = () if now is None or passes else tuple(nearest_of(open_stream, form, candidate, now))
        if passed != passes:
            changed.append(Changed(name, earlier, now, differs, near))
        elif not passes:
            still.append(Changed(name, earlier, now, differs, near))
        elif differs:
            rule = "new" if name not in asked_before else "gone" if name not in asked_now else "changed"
            without_effect.append(
                WithoutEffect(name, rule, earlier.suspect if earlier else 0, now.suspect if now else 0)
            )
    return Compared(
        file,
        max(report.rows for report in after.values()),
        all(report.passed for report in before.values()),
        all(report.passed for report in after.values()),
        changed,
        still,
        without_effect,
        reads_alike(current, candidate),
    )


def _unread(reports: dict[int, Report], name: str) -> bool:
    return reports[int(name.partition("#")[0])].unread


def _redacted_alike(current: Rules, candidate: Rules) -> tuple[Rules, Rules]:
    redact: tuple[str, ...] = EVERY_FIELD
    if EVERY_FIELD not in (current.redact, candidate.redact):
        times = [rules.schema.time_parts for rules in (current, candidate)]
        redact = with_times((*current.redact, *candidate.redact), times)
    return structs.replace(current, redact=redact), structs.replace(candidate, redact=redact)


def _checked(open_stream: Open, form: Format, rules: Rules, which: str) -> dict[int, Report]:
    try:
        return check_stream(open_stream, form, rules)
    except InvalidRules as error:
        raise UnusableRules(which, error) from error


def _results(reports: dict[int, Report]) -> dict[str, Result]:
    return {result.name: result for report in reports.values() for result in report.results}
