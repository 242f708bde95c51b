"""The output of the engine: one result per check, one report per process. `Result.item` is an item of QCDetails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 20  # offending rows listed in a result
SHOWN_CHARACTERS = 200  # of a value or a reason
MESSAGE_CHARACTERS = 2000


@dataclass
class Example:
    """An offending row: its number (data rows, from 1), its value as written in the file, and the reason.

    line: its line in the file, from 1, if that is CSV. time: in ISO 8601, if it has one. suspect: whether it is SUSPECT, not
    FAIL.
    """

    row: int
    value: str | None
    reason: str
    line: int | None = None
    time: str | None = None
    suspect: bool = False

    def __post_init__(self) -> None:
        self.value = None if self.value is None else shorten(self.value)
        self.reason = shorten(self.reason)

    @property
    def place(self) -> str:
        """Returns where the row is, such as `row 51 (line 52), 2012-01-15`."""
        line = "" if self.line is None else f" (line {self.line:,})"
        return f"row {self.row:,}{line}" + ("" if self.time is None else f", {self.time}")

    def item(self) -> dict[str, Any]:
        """Returns the row as in an item of QCDetails."""
        beside = {"Line": self.line, "Time": self.time}
        known = {name: value for name, value in beside.items() if value is not None}
        return {"Row": self.row, **known, "Value": self.value, "Reason": self.reason}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Example:
        return cls(item["Row"], item["Value"], item["Reason"], item.get("Line"), item.get("Time"))


@dataclass
class Result:
    """The result of a check. The counts are rows by flag; `passed` takes the limits in the rules into account."""

    process: int
    field: str  # "*" for a check of the whole file
    test: str
    passed: bool
    message: str
    rows: int = 0
    good: int = 0
    not_evaluated: int = 0
    suspect: int = 0
    fail: int = 0
    missing: int = 0
    examples: list[Example] = dataclasses.field(default_factory=list)
    truncated: bool = False

    def __post_init__(self) -> None:
        self.message = shorten(self.message, MESSAGE_CHARACTERS)

    @property
    def name(self) -> str:
        return f"{self.process}#{self.field}#{self.test}"

    def shown(self, most: int) -> list[Example]:
        """Returns the first offending rows, up to `most`, of which no two have the same reason."""
        reasons: dict[str, Example] = {}
        for example in self.examples:
            reasons.setdefault(example.reason, example)
        return [*reasons.values()][:most]

    def item(self) -> dict[str, Any]:
        """Returns the result as an item of QCDetails, without its key QCPID."""
        return {
            "Check": self.name,
            "Pass": int(self.passed),
            "Rows": self.rows,
            "Good": self.good,
            "NotEvaluated": self.not_evaluated,
            "Suspect": self.suspect,
            "Fail": self.fail,
            "Missing": self.missing,
            "Message": self.message,
            "Examples": [one.item() for one in self.examples],
            "Truncated": self.truncated,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Result:
        """Returns the result in a QCDetails item."""
        process, rest = item["Check"].split("#", 1)
        field, test = rest.rsplit("#", 1)
        return cls(
            process=int(process),
            field=field,
            test=test,
            passed=item["Pass"] == 1,
            message=item["Message"],
            rows=item["Rows"],
            good=item["Good"],
            not_evaluated=item["NotEvaluated"],
            suspect=item["Suspect"],
            fail=item["Fail"],
            missing=item["Missing"],
            examples=[Example.from_item(one) for one in item["Examples"]],
            truncated=item["Truncated"],
        )


def alike(results: Iterable[Result]) -> Iterator[tuple[str, Result]]:
    """Yields the results with their names; those that were not evaluated for the same reason together, as one.

    So a missing field takes one line, and not one for each test.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        why = result.message if result.message.startswith("not evaluated") else result.name
        groups.setdefault((str(result.process), result.field, why), []).append(result)
    for (_, field, _), group in groups.items():
        tests = ", ".join(dict.fromkeys(result.test for result in group))
        yield tests if field == "*" else f"{field} {tests}", group[0]


@dataclass
class Report:
    """The report of a process on a file."""

    process: int
    rows: int
    results: list[Result]
    message: str = ""  # set if the rules ask for no checks, or the file could not be read
    unread: bool = False  # the file could not be read, or not to its end
    header: tuple[str, ...] = ()  # the fields of the file

    def __post_init__(self) -> None:
        self.message = shorten(self.message, MESSAGE_CHARACTERS)

    @property
    def passed(self) -> bool:
        return not self.unread and all(result.passed for result in self.results)


def shorten(text: str, most: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
