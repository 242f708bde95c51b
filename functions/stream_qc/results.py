"""What the engine answers: a result a check, a report a process. The fields' names are the contract's (QCDetails)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 20  # offending rows that a result names
SHOWN_CHARACTERS = 200  # of a value or a reason
MESSAGE_CHARACTERS = 2000


@dataclass
class Example:
    """An offending row: its number (1-based data row), its value as it stood in the file, and why it offends."""

    row: int
    value: str | None
    reason: str

    def __post_init__(self) -> None:
        self.value = None if self.value is None else shorten(self.value)
        self.reason = shorten(self.reason)


@dataclass
class Result:
    """What a check found. The counts are rows by flag; `passed` takes the rules' limits into account."""

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

    def item(self) -> dict[str, Any]:
        """The result as a QCDetails item, without its key QCPID."""
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
            "Examples": [{"Row": one.row, "Value": one.value, "Reason": one.reason} for one in self.examples],
            "Truncated": self.truncated,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Result:
        """Return the result in a QCDetails item."""
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
            examples=[Example(one["Row"], one["Value"], one["Reason"]) for one in item["Examples"]],
            truncated=item["Truncated"],
        )


@dataclass
class Report:
    """What a process found in a file."""

    process: int
    rows: int
    results: list[Result]
    message: str = ""  # where there is more to say than the results do: nothing was asked, or nothing could be read
    unread: bool = False  # the file could not be read, or not to its end

    def __post_init__(self) -> None:
        self.message = shorten(self.message, MESSAGE_CHARACTERS)

    @property
    def passed(self) -> bool:
        return not self.unread and all(result.passed for result in self.results)


def shorten(text: str, most: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
