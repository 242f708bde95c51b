"""A message of the topic QCResults, as the mail to people needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model import OVERDUE, Change, Status
from stream_qc.results import Result, alike

WELL = str(Status.PASS)
RERUN, WHAT_IF = "RERUN", "WHATIF"  # the status of the message at the end of a rerun in bulk, and of a what-if
ASKED_FOR = (RERUN, WHAT_IF)
MISTAKES = 5  # of a rules file, in a digest


@dataclass(frozen=True)
class Cause:
    """Why a stream has a problem. Streams with a cause of the same name share a paragraph.

    example: lines about one of them; with `alone`, about the only one, such as a rules file.
    """

    name: str
    example: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Notice:
    """One message. name: of the stream, the object or the rules that it is about. text: of the mail if it goes out alone.

    since: when the stream got the problem that it still has, in `runs` runs, or, recovered, when it got the one that it had.
    due: when the file was due that did not come. in_doubt: it may have been mailed before. receipt: with which SQS deletes it.
    """

    message_id: str
    receipt: str
    status: str
    name: str
    subject: str
    text: str = ""
    change: str | None = None
    previous_status: str | None = None
    since: str | None = None
    runs: int | None = None
    causes: tuple[Cause, ...] = ()
    command: str = ""
    due: str | None = None
    in_doubt: bool = False

    @property
    def kind(self) -> str:
        """What its command is for."""
        if self.command.startswith("stream-qc "):
            return "To check the rules in"
        return "To see the files of" if self.status == OVERDUE else "To check again:"

    @property
    def is_problem(self) -> bool:
        return self.status not in (WELL, *ASKED_FOR)

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody waits for it, who started a rerun in bulk or a what-if."""
        return self.status in ASKED_FOR

    @property
    def is_recovery(self) -> bool:
        return self.status == WELL and self.change == Change.CHANGED

    def is_wanted(self, email_for: str) -> bool:
        """Returns whether it is mailed: with `all`, or, with `changes`, if the stream's status changed, or, with `problems`, if
        it is a problem, a recovery or the first PASS of a stream.
        """
        if email_for == "all" or self.is_asked_for:
            return True
        changed = self.change != Change.SAME
        return changed if email_for == "changes" else self.is_problem or changed

    @classmethod
    def from_message(cls, body: str, receipt: str) -> Notice:
        """Returns the notice in SNS's envelope, as SQS has it. Raises ValueError, KeyError and TypeError for anything else."""
        envelope = json.loads(body)
        record = json.loads(envelope["Message"])
        status, text = str(record["Status"]), str(record["Text"])
        recovered = status == WELL and record.get("Change") == Change.CHANGED
        return cls(
            message_id=envelope["MessageId"],
            receipt=receipt,
            status=status,
            name=_name(record),
            subject=envelope["Subject"],
            text=text,
            change=record.get("Change"),
            previous_status=record.get("PreviousStatus"),
            since=record.get("PreviousSince") if recovered else record.get("FailingSince"),
            runs=record.get("FailingRuns"),
            causes=() if status in (WELL, *ASKED_FOR) else tuple(_causes(record)),
            command=_command(text),
            due=record.get("DueAt"),
        )


def _name(record: Mapping[str, Any]) -> str:
    if record["Status"] in ASKED_FOR:
        return str(record["RerunID"])
    ids = [record.get("GroupID"), record.get("StreamID")]
    return "/".join(ids) if all(ids) else str(record.get("Key", "?"))  # type: ignore[arg-type]


def _command(text: str) -> str:
    """Returns what to type, the last line of a mail that has it."""
    last = text.rstrip().rsplit("\n", 1)[-1]
    return last if last.startswith(("aws ", "stream-qc ")) else ""


def _causes(record: Mapping[str, Any]) -> list[Cause]:
    """Returns the failing checks, each with the rules that ask for it; the error; or what is wrong with rules."""
    rules = record.get("RulesKey")
    if "Error" in record:
        by = f" ({rules})" if rules else ""
        return [Cause(f"{record['Status']} {record['Error']}{by}", (str(record.get("Cause", ""))[:500],))]
    if "Mistakes" in record or "Hint" in record:
        hint = [f"did you mean {record['Hint']}?"] if "Hint" in record else []
        judged = record.get("Streams", 0)
        streams = [f"it judges {judged:,} {'stream' if judged == 1 else 'streams'}"] if judged else []
        lines = (*record.get("Mistakes", ())[:MISTAKES], *hint, *streams)
        return [Cause(f"{record['Status']} {record.get('Key', '?')}", lines, alone=True)]
    rules = rules or "no rules file"
    found = []
    for name, check in alike(map(Result.from_item, record.get("Checks", ()))):
        shown = [f"{example.place}: {example.reason}" for example in check.shown(1)]
        found.append(Cause(f"{name} ({rules})", (check.message[:300], *shown)))
    return found or [Cause(str(record["Status"]))]
