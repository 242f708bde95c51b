"""What a rerun in bulk is for: the input of its execution."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import InvalidInput
from pipeline.keys import PREFIX, check_id, check_text
from pipeline.model import OVERDUE, Status
from pipeline.times import first_of

FIELDS = (
    "GroupID", "Prefix", "Status", "Since", "Files", "Rules", "Versions", "Resume", "MaxConcurrency",
    "ToleratedFailurePercentage",
)  # fmt: skip
STATUSES = (Status.PASS, Status.FAIL, Status.ERROR, OVERDUE)
CANDIDATES = "candidates/"
MOST_VERSIONS = 100
MOST_AT_ONCE = 1000
# What Step Functions may add, so that the console links the execution that started this one.
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


@dataclass(frozen=True)
class Selection:
    """Which files. group_id, prefix: whose. status, since: of streams that have this status, and whose last run began since then.
    every_file: all files of each stream, and not only the newest. rules: where the rules are that a what-if tries; None for a
    rerun. versions: how many of the last versions of each stream it reads.
    """

    group_id: str | None = None
    prefix: str | None = None
    status: str | None = None
    since: str | None = None
    every_file: bool = False
    rules: str | None = None
    versions: int = 1

    @property
    def id(self) -> str:
        """The same for every execution that asks for the same."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def listed_under(self) -> str:
        """The prefix of the keys of its files."""
        of_group = f"{PREFIX}{self.group_id}/" if self.group_id else PREFIX
        return self.prefix or of_group

    def __str__(self) -> str:
        newest = f"the last {self.versions} versions" if self.versions > 1 else "the newest file"
        what = "every file" if self.every_file else newest
        whose = f"each stream of {self.group_id}" if self.group_id else "each stream"
        stands = f" that is {self.status}" if self.status else ""
        since = f" and ran since {self.since}" if self.since else ""
        under = f" under {self.prefix}" if self.prefix else ""
        return f"{what} of {whose}{stands}{since}{under}"


@dataclass(frozen=True)
class Options:
    """How a rerun is done. at_once: runs at the same time. tolerated: the share of runs in percent that may end in ERROR. resume:
    the ID of the rerun to resume; None for a new one.
    """

    at_once: int
    tolerated: int
    resume: str | None


def selection_of(given: Any, at_once: int) -> tuple[Selection, Options]:
    """Returns what the input asks for. at_once: unless MaxConcurrency is given. Raises InvalidInput, naming the field."""
    if not isinstance(given, dict):
        raise InvalidInput(f"the input must be a JSON object; got {type(given).__name__}")
    fields = {name: value for name, value in given.items() if name != STARTED_BY}
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise InvalidInput(f"there is no field {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
    group = check_id("GroupID", fields["GroupID"]) if "GroupID" in fields else None
    files, rules = fields.get("Files", "newest"), fields.get("Rules")
    if files not in ("newest", "all"):
        raise InvalidInput(f"Files is {files!r}; it must be newest or all")
    selection = Selection(
        group_id=group,
        prefix=_prefix(fields["Prefix"], group) if "Prefix" in fields else None,
        status=_status(fields["Status"]) if "Status" in fields else None,
        since=first_of("Since", str(fields["Since"])) if "Since" in fields else None,
        every_file=files == "all",
        rules=None if rules is None else _candidates(rules),
        versions=_whole("Versions", fields.get("Versions", 1), 1, MOST_VERSIONS),
    )
    if selection.since and not selection.status:
        raise InvalidInput("Since needs a Status")
    if "Versions" in fields and rules is None:
        raise InvalidInput("Versions needs Rules: a rerun judges the newest version of a file")
    if "Versions" in fields and selection.every_file:
        raise InvalidInput("Versions and Files: all exclude each other")
    resume = check_text("Resume", fields["Resume"]) if "Resume" in fields else None
    if resume and rules is not None:
        raise InvalidInput("Resume and Rules exclude each other: a what-if is asked again from its beginning")
    return selection, Options(
        _whole("MaxConcurrency", fields.get("MaxConcurrency", at_once), 1, MOST_AT_ONCE),
        _whole("ToleratedFailurePercentage", fields.get("ToleratedFailurePercentage", 100), 0, 100),
        resume,
    )


def _prefix(value: Any, group: str | None) -> str:
    prefix, within = check_text("Prefix", value), f"{PREFIX}{group}/" if group else PREFIX
    if not prefix.startswith(within):
        raise InvalidInput(f"Prefix {prefix!r} is not under {within}")
    return prefix


def _status(value: Any) -> str:
    if value not in STATUSES:
        raise InvalidInput(f"Status is {value!r}; it must be one of {', '.join(STATUSES)}")
    return str(value)


def _candidates(value: Any) -> str:
    prefix = check_text("Rules", value)
    if not prefix.startswith(CANDIDATES):
        raise InvalidInput(
            f"Rules {prefix!r} is not under {CANDIDATES}; upload them to {CANDIDATES}<name>/, as under rules/"
        )
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        unit = " percent" if name.endswith("Percentage") else ""
        raise InvalidInput(f"{name} is {value!r}; it must be a whole number from {least} to {most:,}{unit}")
    return value
