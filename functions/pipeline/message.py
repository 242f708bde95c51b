"""The summary of a run: an email for people, JSON for programs."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.keys import is_id
from stream_qc.printable import printable
from stream_qc.vocabulary import PROCESSES

Item = dict[str, Any]

SUBJECT_CHARACTERS = 100
MESSAGE_BYTES = 240_000  # of SNS's 256 KiB, for both forms of the message together
EXAMPLES_IN_TEXT = 5
CHECKS_IN_TEXT = 40
TEXT_BYTES = 24_000  # of the checks in the text, which the message holds twice, quoted

VERDICTS = {
    "PASS": "Every check passed.",
    "FAIL": "The data did not pass.",
    "ERROR": "The data could not be checked.",
    "REJECTED": "What should be checked is not named rightly; nothing was checked.",
}
FIELDS = (
    "GroupID", "StreamID", "StartTime", "QCPID", "Status", "Bucket", "Key", "VersionId", "Size", "RulesKey", "RulesVersionId",
    "ExecutionArn", "Process1Pass", "Process2Pass", "Process3Pass", "TotalPass", "Rows", "EndTime", "Error", "Cause",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """A message for the topic: subject and text for email, `fields` as JSON for every other protocol."""

    subject: str
    text: str
    fields: Item
    checks: list[Item]

    def body(self) -> str:
        """The message in SNS's JSON structure, small enough for SNS: checks are left out from the end, and counted."""
        shown = list(self.checks)
        while True:
            left_out = len(self.checks) - len(shown)
            record = {**self.fields, "Checks": shown, "Text": self.text} | (
                {"ChecksLeftOut": left_out} if left_out else {}
            )
            body = json.dumps(
                {"default": json.dumps(record, default=int, ensure_ascii=False), "email": self.text},
                ensure_ascii=False,
            )
            if len(body.encode()) <= MESSAGE_BYTES or not shown:
                return body
            shown = shown[: len(shown) * 3 // 4]

    def attributes(self) -> dict[str, Any]:
        """What a subscriber's filter policy sees. An ID that is none (of a rejected upload) is left out."""
        named = ["GroupID", "StreamID"]
        shown = {name: self.fields[name] for name in named if is_id(self.fields.get(name))}
        shown["Status"] = self.fields["Status"]
        return {name: {"DataType": "String", "StringValue": value} for name, value in shown.items()}


def summary(run: Item, failing: list[Item]) -> Summary:
    """The summary of a run that has ended, with its failing checks as QCDetails holds them."""
    fields = {name: run[name] for name in FIELDS if name in run}
    checks = [{name: value for name, value in item.items() if name not in ("QCPID", "ExpiresAt")} for item in failing]
    return Summary(subject(run), "\n".join(text(run, checks)), fields, checks)


def subject(run: Item) -> str:
    """`[QC FAIL] group1/streamA`, in printable ASCII and at most 100 characters, as SNS wants it."""
    full = f"[QC {run['Status']}] {name_of(run)}"
    plain = unicodedata.normalize("NFKD", full)
    ascii_only = "".join(c if " " <= c <= "~" else "?" for c in plain if not unicodedata.combining(c))
    return ascii_only if len(ascii_only) <= SUBJECT_CHARACTERS else f"{ascii_only[: SUBJECT_CHARACTERS - 3]}..."


def name_of(run: Item) -> str:
    """The stream's name, or the object's where the stream has none."""
    if is_id(run.get("GroupID")) and is_id(run.get("StreamID")):
        return f"{run['GroupID']}/{run['StreamID']}"
    if run.get("Key"):
        return str(run["Key"])
    return "/".join(run[name] if is_id(run.get(name)) else f"(no {name})" for name in ("GroupID", "StreamID"))


def text(run: Item, checks: list[Item]) -> Iterator[str]:
    """The lines of the email: the verdict, the processes, what failed in each, then the file and what to type next."""
    yield f"{run['Status']}: {one_line(name_of(run))}"
    yield VERDICTS[run["Status"]]
    if "Cause" in run:
        yield ""
        yield f"{one_line(run['Error'])}: {one_line(run['Cause'], 2000)}"
    results = run.get("Results", [])
    if results:
        yield ""
    for result in results:
        yield process_line(result, run)
    yield from findings(results, checks)
    yield ""
    yield from facts(run)


def findings(results: list[Item], checks: list[Item]) -> Iterator[str]:
    """The failing checks, process by process, as far as CHECKS_IN_TEXT and TEXT_BYTES go; what was left out is counted."""
    shown, room = 0, TEXT_BYTES
    for result in results:
        mine = [check for check in checks if check["Check"].startswith(f"{result['Process']}#")]
        if mine:
            yield ""
            yield f"{result['Process']} {PROCESSES[result['Process']]}"
        for position, check in enumerate(mine):
            lines = list(check_lines(check))
            room -= sum(len(line.encode()) for line in lines)
            if shown == CHECKS_IN_TEXT or room < 0:
                yield f"  and {len(mine) - position:,} more failing checks, in QCDetails"
                break
            yield from lines
            shown += 1


def process_line(result: Item, run: Item) -> str:
    """`2 values      FAIL`, and why where that is not a check's to say."""
    name = f"{result['Process']} {PROCESSES[result['Process']]:<10}"
    if "Error" in result:
        same = (result["Error"], result["Cause"]) == (run.get("Error"), run.get("Cause"))
        why = "as above" if same else one_line(result["Cause"], 1000)
        return f"{name}  could not run: {one_line(result['Error'])}: {why}"
    more = f" ({one_line(result['Message'], 1000)})" if "Message" in result else ""
    return f"{name}  {'pass' if result['Pass'] else 'FAIL'}{more}"


def check_lines(check: Item) -> Iterator[str]:
    """A failing check with its count and its first offending rows."""
    field, test = check["Check"].split("#", 1)[1].rsplit("#", 1)
    of_file = field == "*"
    yield f"  {one_line(test if of_file else f'{field} {test}')}: {one_line(check['Message'], 1000)}"
    for example in check["Examples"][:EXAMPLES_IN_TEXT]:
        value = f": {one_line(example['Value'])}" if of_file and example["Value"] else ""
        yield f"    row {int(example['Row']):,}: {one_line(example['Reason'])}{value}"
    more = int(check["Fail"]) + int(check["Suspect"]) - len(check["Examples"][:EXAMPLES_IN_TEXT])
    if more > 0 and check["Examples"]:
        yield f"    and {more:,} more"


def facts(run: Item) -> Iterator[str]:
    """The file, the rules, the run, and the command that runs it again."""
    if "Key" in run:
        yield f"File   s3://{run.get('Bucket', '')}/{one_line(run['Key'], 1100)}"
    if "Size" in run:
        rows = f", {int(run['Rows']):,} rows" if "Rows" in run else ""
        yield f"       version {run['VersionId']}, {int(run['Size']):,} bytes{rows}"
        default = "built-in default: a readable file with a header and at least one row"
        yield (
            f"Rules  {one_line(run['RulesKey'])}, version {run['RulesVersionId']}"
            if "RulesKey" in run
            else f"Rules  {default}"
        )
    if "QCPID" in run:
        yield f"Run    {run['QCPID']}" + (f", started {run['StartTime']}" if "StartTime" in run else "")
    if is_id(run.get("GroupID")) and is_id(run.get("StreamID")) and run["Status"] != "REJECTED":
        yield ""
        yield "Check it again, for example after a change of the rules:"
        yield rerun_command(run)


def rerun_command(run: Item) -> str:
    """The command that checks the same version of the same file again, as a shell takes it."""
    machine = run["ExecutionArn"].replace(":execution:", ":stateMachine:").rsplit(":", 1)[0]
    asked = {name: run[name] for name in ("GroupID", "StreamID", "Key", "VersionId") if name in run}
    given = "".join(c if c.isprintable() else json.dumps(c).strip('"') for c in json.dumps(asked, ensure_ascii=False))
    return f"aws stepfunctions start-execution --state-machine-arn {machine} --input {shlex.quote(given)}"


def one_line(value: Any, most: int = 300) -> str:
    """Text for a line of the email: what is not printable, line ends included, is escaped; what is long is cut."""
    plain = printable(value)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
