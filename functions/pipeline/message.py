"""The summary of a run: an email for people, JSON for programs."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.keys import is_id
from pipeline.model import OVERDUE, Change, ProcessResult, Run, Status
from stream_qc.printable import printable
from stream_qc.results import Result, alike
from stream_qc.vocabulary import PROCESSES

SUBJECT_CHARACTERS = 99  # SNS takes fewer than 100, says its documentation
MESSAGE_BYTES = 240_000  # of SNS's 256 KiB, for both forms of the message together
EXAMPLES_IN_TEXT = 5
CHECKS_IN_TEXT = 40
TEXT_BYTES = 24_000  # for the checks in the text, which the message holds twice, quoted

VERDICTS = {
    Status.PASS: "Every check passed.",
    Status.FAIL: "The data failed its checks.",
    Status.ERROR: "The data could not be checked.",
    Status.REJECTED: "The request does not identify a stream; nothing was checked.",
}
NO_RULES = (
    "The file is readable and has a header and at least one row. Nothing else was checked: no rules file applies to it."
)
BUILT_IN_RULES = "none; upload rules/<GroupID>/<StreamID>.yaml, rules/<GroupID>.yaml or rules/default.yaml to add some"


@dataclass(frozen=True)
class Summary:
    """The summary of a run that has ended, with its failing checks. `text` is the email. report_url: where its report is."""

    run: Run
    checks: list[Result]
    text: str
    report_url: str | None = None

    @property
    def status(self) -> str:
        return str(self.run.status)

    @property
    def subject(self) -> str:
        return subject_of(_verdict(self.run), name_of(self.run))

    def body(self) -> str:
        """Returns the message in SNS's JSON structure. Where it is too long for SNS, the last checks are left out and counted."""
        shown = [check.item() for check in self.checks]
        while True:
            record = {**replace(self.run, notified=None).to_item(), "Checks": shown, "Text": self.text}
            if self.report_url:
                record["ReportUrl"] = self.report_url
            if left_out := len(self.checks) - len(shown):
                record["ChecksLeftOut"] = left_out
            parts = {"default": json.dumps(record, ensure_ascii=False), "email": self.text}
            body = json.dumps(parts, ensure_ascii=False)
            if len(body.encode()) <= MESSAGE_BYTES or not shown:
                return body
            shown = shown[: len(shown) * 3 // 4]

    def attributes(self) -> dict[str, Any]:
        """Returns what a subscriber can filter by. An invalid ID, of a rejected upload, is left out."""
        ids = {"GroupID": self.run.group_id, "StreamID": self.run.stream_id, "RerunID": self.run.rerun_id}
        values = {name: value for name, value in ids.items() if is_id(value)} | {"Status": self.status}
        of_run = {"Rules": self.run.rules, "PreviousStatus": self.run.previous_status, "Change": self.run.change}
        values |= {name: str(value) for name, value in of_run.items() if value is not None}
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def summary(run: Run, failing: list[Result], report_url: str | None = None) -> Summary:
    """Returns the summary of a run that has ended, with the checks that did not pass. report_url: where its report is."""
    return Summary(run, failing, "\n".join(_text(run, failing, report_url)), report_url)


def subject_of(status: str, about: str) -> str:
    """Returns `[QC FAIL] group1/streamA`, in printable ASCII and fewer than 100 characters, as SNS wants it."""
    plain = unicodedata.normalize("NFKD", f"[QC {status}] {about}")
    ascii_only = "".join(c if " " <= c <= "~" else "?" for c in plain if not unicodedata.combining(c))
    return ascii_only if len(ascii_only) <= SUBJECT_CHARACTERS else f"{ascii_only[: SUBJECT_CHARACTERS - 3]}..."


def name_of(run: Run) -> str:
    """Returns the stream's name, or the object's where the stream has none."""
    ids = {"GroupID": run.group_id, "StreamID": run.stream_id}
    if not all(map(is_id, ids.values())) and run.key:
        return run.key
    return "/".join(str(value) if is_id(value) else f"(no {name})" for name, value in ids.items())


def _verdict(run: Run) -> str:
    """Returns the status, followed by `no rules` if no rules file applies."""
    return f"{run.status}, no rules" if _is_without_rules(run) else str(run.status)


def _is_without_rules(run: Run) -> bool:
    return run.rules == "none" and run.status in (Status.PASS, Status.FAIL)


def rerun_command(run: Run) -> str:
    """Returns the shell command that checks the same version of the same file again."""
    machine = run.execution_arn.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
    asked = {"GroupID": run.group_id, "StreamID": run.stream_id, "Key": run.key, "VersionId": run.version_id}
    return start_command(machine, {name: value for name, value in asked.items() if value is not None})


def start_command(machine: str, given: Mapping[str, Any]) -> str:
    """Returns the shell command that starts an execution with this input."""
    text = "".join(c if c.isprintable() else json.dumps(c).strip('"') for c in json.dumps(given, ensure_ascii=False))
    return f"aws stepfunctions start-execution --state-machine-arn {machine} --input {shlex.quote(text)}"


def _text(run: Run, checks: list[Result], report_url: str | None) -> Iterator[str]:
    """Yields the lines of the email: the verdict, the processes, what failed in each, then the file and what to type next."""
    yield f"{_verdict(run)}: {one_line(name_of(run))}{_news(run)}"
    yield NO_RULES if _is_without_rules(run) and run.status == Status.PASS else VERDICTS[run.status]
    if run.failure:
        yield ""
        yield f"{one_line(run.failure.error)}: {one_line(run.failure.cause, 2000)}"
    if run.results:
        yield ""
    for result in run.results:
        yield _process_line(result, run)
    yield from _findings(run.results, checks)
    yield ""
    yield from _facts(run, report_url)


def _news(run: Run) -> str:
    """Returns whether this is new: ` (still failing since 2026-11-20 12:00 UTC, 14 runs)`, ` (PASS before, since …)`; "" if it
    is the stream's first run, or as before and well.
    """
    if run.failing_runs and run.failing_since:
        came = "OVERDUE before; " if run.previous_status == OVERDUE else ""
        return f" ({came}still failing since {minute(run.failing_since)}, {run.failing_runs:,} runs)"
    if run.change == Change.CHANGED and run.previous_since:
        recovered = "recovered; " if run.status == Status.PASS else ""
        return f" ({recovered}{run.previous_status} before, since {minute(run.previous_since)})"
    return ""


def minute(timestamp: str) -> str:
    return f"{timestamp[:16].replace('T', ' ')} UTC"


def _findings(results: tuple[ProcessResult, ...], checks: list[Result]) -> Iterator[str]:
    """Yields the failing checks by process, up to CHECKS_IN_TEXT and TEXT_BYTES, and counts the rest."""
    shown, room = 0, TEXT_BYTES
    for result in results:
        failing = [check for check in checks if check.process == result.process]
        if failing:
            yield ""
            yield f"{result.process} {PROCESSES[result.process]}"
        together = list(alike(failing))
        for position, (name, check) in enumerate(together):
            lines = list(_check_lines(name, check))
            room -= sum(len(line.encode()) for line in lines)
            if shown == CHECKS_IN_TEXT or room < 0:
                left = len(together) - position
                yield f"  and {left:,} more failing {'check' if left == 1 else 'checks'}; see QCDetails"
                break
            yield from lines
            shown += 1


def _process_line(result: ProcessResult, run: Run) -> str:
    """Returns `2 values      FAIL`, with the reason if no check gives it."""
    name = f"{result.process} {PROCESSES[result.process]:<10}"
    if result.failure:
        why = "as above" if result.failure == run.failure else one_line(result.failure.cause, 1000)
        return f"{name}  could not run: {one_line(result.failure.error)}: {why}"
    more = f" ({one_line(result.message, 1000)})" if result.message else ""
    return f"{name}  {'pass' if result.passed else 'FAIL'}{more}"


def _check_lines(name: str, check: Result) -> Iterator[str]:
    """Yields a failing check with its counts and its first offending rows."""
    of_file = check.field == "*"
    yield f"  {one_line(name)}: {one_line(check.message, 1000)}"
    examples = check.shown(EXAMPLES_IN_TEXT)
    for example in examples:
        value = f": {one_line(example.value)}" if of_file and example.value else ""
        yield f"    {example.place}: {one_line(example.reason)}{value}"
    more = check.fail + check.suspect - len(examples)
    if more > 0 and examples:
        yield f"    and {more:,} more"


def _facts(run: Run, report_url: str | None) -> Iterator[str]:
    """Yields the file, the rules, the run, and the command that runs it again."""
    if run.key is not None:
        yield f"File   s3://{run.bucket or ''}/{one_line(run.key, 1100)}"
    if run.size is not None:
        rows = "" if run.rows is None else f", {run.rows:,} {'row' if run.rows == 1 else 'rows'}"
        yield f"       version {run.version_id}, {run.size:,} bytes{rows}"
        rules = f"{one_line(run.rules_key)}, version {run.rules_version_id}" if run.rules_key else BUILT_IN_RULES
        yield f"Rules  {rules}"
    started = f", started {run.start_time}" if run.start_time else ""
    yield f"Run    {run.qcpid}{started}"
    if report_url:
        yield f"Report {report_url}"
    if is_id(run.group_id) and is_id(run.stream_id) and run.status != Status.REJECTED:
        yield ""
        yield "To check it again, for example after changing the rules:"
        yield rerun_command(run)


def one_line(value: object, most: int = 300) -> str:
    """Returns text for a line of the email: what is not printable is escaped, and what is too long is cut."""
    plain = printable(value)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
