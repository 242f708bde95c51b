"""One fault at a time, in every place where a run can fail, and what must be true after it.

The places are not listed by hand: a run without faults is observed, and every call that it makes to AWS is a place, as are
the start and the end of every function. Each fault has a group of its own, so that many are tried at once in one stack.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.pipeline import Execution, Inbox, Pipeline
from pipeline.execution import arn_in
from tests.pipeline.conftest import QUARTER

ALWAYS = 1000
HOUR = 31  # attempts of a step within an hour, by the means of the state machine's waits
# A value that process 2 must find: temp_max above its maximum, for the rules in sample_data/rules/default.yaml.
BAD = QUARTER.replace("5.6", "99.5")
# A run that ends without a word, which CloseRun must then find.
BREAKING_OFF = {"function": "SendQCSummary", "at": "Publish 1", "kind": "refuse", "times": ALWAYS}
# What breaks first where CloseRun is what is tried: by an event of EventBridge's, or in the state machine.
AFTER = {
    "after SendQCSummary broke": BREAKING_OFF,
    "after StartQC broke": {"function": "StartQC", "at": "enter", "kind": "raise", "times": ALWAYS},
}
# Another delivery of the same upload, without a fault.
BESIDE = ("after another delivery", "before another delivery", "beside another delivery")
OF_A_CALL = (
    "throttle",
    "fail",
    "timeout",
    "lost",
    "served",
    "unreachable",
)  # what a retry may get over, once and for good
OF_A_PROGRAM = ("before raise", "after raise", "before exit", "after exit", "before hang", "after hang")
SETTLING_SECONDS = 20


@dataclass(frozen=True)
class Fault:
    """function, at, kind, times: see tests/observed/faults.py. data: whether the file is good or bad. around: what else is the
    matter, one of AFTER or BESIDE.
    """

    function: str
    at: str
    kind: str
    times: int
    data: str
    around: str = ""

    def __str__(self) -> str:
        often = {ALWAYS: "always", HOUR: "for an hour"}.get(self.times, "once")
        around = f", {self.around}" if self.around else ""
        return f"{self.function}, {self.at}: {self.kind} {often}, {self.data} file{around}"

    @property
    def group(self) -> str:
        return "fault " + hashlib.sha256(str(self).encode()).hexdigest()[:16]


def every_fault(calls: dict[str, list[str]], around: str = "") -> Iterator[Fault]:
    """Yields every fault for functions that make these calls: `PutItem 1`, `PutItem 2` …"""
    for function, places in calls.items():
        for place, kind, times in itertools.chain(
            itertools.product(["enter", "leave"], ["raise", "exit", "hang"], [1]),
            itertools.product(["invoke"], ["Lambda.TooManyRequestsException", "Lambda.ServiceException"], [1, ALWAYS]),
            itertools.product(places, OF_A_CALL, [1, ALWAYS]),
            itertools.product(places, [*OF_A_PROGRAM, "stall"], [1]),
            itertools.product(places, ["refuse"], [ALWAYS]),
            itertools.product((one for one in places if one.startswith("GetObject")), ["truncate"], [1, ALWAYS]),
        ):
            if around == "after SendQCSummary broke" and place == "invoke":
                continue  # it is EventBridge that invokes CloseRun then, and tries again for a day
            yield Fault(function, place, kind, times, "bad" if hash_of(function, place, kind) % 2 else "good", around)


def hash_of(*parts: str) -> int:
    return hashlib.sha256(" ".join(parts).encode()).digest()[0]


def calls_by_function(folder: Path, group: str) -> dict[str, list[str]]:
    """Returns the calls of each function in the runs of a group: of several invocations, the one with the most calls."""
    found: dict[tuple[str, str], list[str]] = {}
    for call in map(json.loads, (folder / "calls.jsonl").read_text().splitlines()):
        if call["group"] == group:
            places = found.setdefault((call["function"], call["invocation"]), [])
            places.append(f"{call['operation']} {1 + sum(one.startswith(call['operation'] + ' ') for one in places)}")
    longest: dict[str, list[str]] = {}
    for (function, _), places in found.items():
        longest[function] = max(longest.get(function, []), places, key=len)
    return longest


def plant(folder: Path, fault: Fault) -> None:
    """Plants the fault, so that it happens from now on."""
    asked = [{name: getattr(fault, name) for name in ("function", "at", "kind", "times")}]
    if fault.around in AFTER:
        asked.append(AFTER[fault.around])
    (folder / "faults" / f"{fault.group}.json").write_text(json.dumps(asked))


def pull(folder: Path, fault: Fault) -> None:
    """Removes the fault, so that it no longer happens."""
    (folder / "faults" / f"{fault.group}.json").unlink(missing_ok=True)


def happened(folder: Path, fault: Fault) -> bool:
    return (folder / "faults" / f"{fault.group}.{fault.function}.0").exists()


def upload(pipeline: Pipeline, fault: Fault) -> tuple[str, str]:
    """Uploads the fault's file; returns the key and the version."""
    key = f"streams/{fault.group}/s.csv"
    return key, pipeline.upload(key, (BAD if fault.data == "bad" else QUARTER).encode())


def deliver(pipeline: Pipeline, folder: Path, fault: Fault) -> list[Execution]:
    """Delivers an upload twice, once with the fault, and returns both executions when they have ended. The upload rule must be disabled."""
    key, version = upload(pipeline, fault)
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"object": {"key": key, "version-id": version}},
    }
    if fault.around != "after another delivery":
        plant(folder, fault)
    started = [pipeline.start(event)]
    if fault.around == "beside another delivery":
        started.append(pipeline.start(event))
        return [pipeline.finished(arn) for arn in started]
    first = pipeline.finished(started[0])
    if fault.around == "after another delivery":
        plant(folder, fault)
    else:
        pull(folder, fault)
    return [first, pipeline.finished(pipeline.start(event))]


@dataclass
class Outcome:
    """The rows, summaries, details and dead letters of one upload."""

    executions: list[Execution]
    rows: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    details: dict[str, dict[str, Any]]
    unclosed: list[dict[str, Any]]

    @property
    def execution(self) -> Execution:
        """The execution that the row names."""
        arn = self.rows[0]["ExecutionArn"] if self.rows else self.executions[0].arn
        return next(one for one in self.executions if one.arn == arn)

    @property
    def sent(self) -> str:
        return ", ".join(message["Summary"]["Status"] for message in self.messages) or "nothing"

    def __str__(self) -> str:
        row = self.rows[0] if self.rows else {}
        flags = "".join(str(row.get(f"Process{number}Pass", "-")) for number in (1, 2, 3))
        return f"{self.execution.status} {self.execution.error}, row {row.get('Status')} {flags}, sent {self.sent}"


def mistakes(fault: Fault, outcome: Outcome, clean: set[str]) -> list[str]:
    """Returns what is wrong after a fault. `clean`: the checks of a run without faults."""
    if len(outcome.rows) != 1:
        return [f"{len(outcome.rows)} rows"]
    row = outcome.rows[0]
    return [*in_the_row(fault, row, outcome.details, clean), *in_the_summaries(fault, outcome, row)]


def in_the_row(fault: Fault, row: dict[str, Any], details: dict[str, dict[str, Any]], clean: set[str]) -> Iterator[str]:
    flags = [row.get(f"Process{number}Pass") for number in (1, 2, 3)]
    if row["Status"] not in ("PASS", "FAIL", "ERROR"):
        yield f"the row still says {row['Status']}"
    if not all(flag in (0, 1) for flag in flags):
        yield f"flags {flags}"
    if (row.get("TotalPass") == 1) != (row["Status"] == "PASS") or (row["Status"] == "PASS" and flags != [1, 1, 1]):
        yield f"{row['Status']} with flags {flags} and TotalPass {row.get('TotalPass')}"
    if fault.data == "bad" and (flags[1] != 0 or row["Status"] == "PASS"):
        yield "a file with a bad value passed"
    passed = {check for check, item in details.items() if item["Pass"] == 1}
    for number, flag in enumerate(flags, start=1):
        if flag == 1 and not {check for check in clean if check.startswith(f"{number}#")} <= passed:
            yield f"process {number} passed without its details"


def in_the_summaries(fault: Fault, outcome: Outcome, row: dict[str, Any]) -> Iterator[str]:
    failed = outcome.execution.status == "FAILED"
    if len(outcome.messages) > 1:
        yield f"{len(outcome.messages)} messages"
    if any(message["Summary"]["Status"] != row["Status"] for message in outcome.messages):
        yield f"the message says {outcome.sent}, the row {row['Status']}"
    if any(message["Summary"]["ExecutionArn"] != row["ExecutionArn"] for message in outcome.messages):
        yield "a summary of a run that does not exist"
    if row.get("Notified") and not outcome.messages:
        yield "the row says that a summary was sent, and none was"
    if not row.get("Notified") and not (outcome.unclosed and failed):
        yield "the row does not say that a summary was sent, and no alarm rings"
    if not outcome.messages and not (outcome.unclosed and failed):
        yield "no summary was sent, and no alarm rings"
    if any(one.status == "FAILED" and not one.error for one in outcome.executions):
        yield "a failed execution without an error"
    # A verdict stands, whatever breaks after it was written: the execution fails, and CloseRun tells the verdict. So does one of
    # which nobody knows whether it was told, and the alarm says so.
    broken_off = fault.function in ("EndQC", "SendQCSummary") or fault.around == "after SendQCSummary broke"
    told = broken_off and outcome.messages
    if (row["Status"] == "ERROR") != failed and not (failed and (outcome.unclosed or told)):
        yield f"the execution {outcome.execution.status}, the row {row['Status']}"


class Observatory:
    """Collects the outcomes of many groups from one stack."""

    def __init__(self, pipeline: Pipeline, inbox: Inbox) -> None:
        self.pipeline, self.inbox = pipeline, inbox
        self.unclosed_url = next(url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UnclosedRuns" in url)
        self.unclosed: dict[str, list[dict[str, Any]]] = {}

    def outcomes_of(self, faults: dict[Fault, tuple[str, str]], seconds: float) -> dict[Fault, Outcome]:
        """Returns the outcomes of uploads, each with its fault. Raises TimeoutError."""
        try:
            ended = self._ended(set(faults.values()), seconds)
        except TimeoutError as error:
            groups = {fault.group: str(fault) for fault in faults}
            raise TimeoutError(f"{error}: {[name for group, name in groups.items() if group in str(error)]}") from error
        return self.outcomes({fault: [ended[uploaded]] for fault, uploaded in faults.items()})

    def outcomes(self, executions: dict[Fault, list[Execution]]) -> dict[Fault, Outcome]:
        """Returns the outcomes of executions that have ended, once CloseRun is done as well."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while True:
            found = self.look(executions)
            waiting = [fault for fault, outcome in found.items() if not outcome.messages and not outcome.unclosed]
            waiting += [
                fault for fault, outcome in found.items() if any(r["Status"] == "RUNNING" for r in outcome.rows)
            ]
            if not waiting or time.monotonic() > deadline:
                time.sleep(1)  # for a second message, if there were one
                return self.look(executions)
            time.sleep(0.5)

    def redriven(self, outcomes: dict[Fault, Outcome], folder: Path) -> dict[Fault, Outcome]:
        """Removes the faults, handles the queue UnclosedRuns as make redrive does, and returns the outcomes after that."""
        functions = self.pipeline.aws.client("lambda")
        (name,) = [
            one["FunctionName"] for one in functions.list_functions()["Functions"] if "CloseRun" in one["FunctionName"]
        ]
        for fault, outcome in outcomes.items():
            for record in outcome.unclosed:
                pull(folder, fault)
                functions.invoke(FunctionName=name, Payload=json.dumps(record.get("requestPayload", record)))
        return self.look({fault: outcome.executions for fault, outcome in outcomes.items()})

    def _ended(self, uploads: set[tuple[str, str]], seconds: float) -> dict[tuple[str, str], Execution]:
        deadline, ended, arns = (
            time.monotonic() + seconds,
            dict[tuple[str, str], Execution](),
            dict[str, tuple[str, str]](),
        )
        while len(ended) < len(uploads):
            for arn in self.pipeline.executions():
                if arn not in arns:
                    given = json.loads(self.pipeline.sfn.describe_execution(executionArn=arn)["input"])
                    placed = given.get("detail", {}).get("object", {})
                    arns[arn] = (placed.get("key", ""), placed.get("version-id", ""))
                if arns[arn] in uploads and arns[arn] not in ended:
                    execution = self.pipeline.execution(arn)
                    if execution.ended:
                        ended[arns[arn]] = execution
            if time.monotonic() > deadline:
                raise TimeoutError(f"no end of {sorted(uploads - ended.keys())}")
            time.sleep(0.5)
        return ended

    def look(self, executions: dict[Fault, list[Execution]]) -> dict[Fault, Outcome]:
        """Returns the outcomes as they are now."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self.pipeline.rows():
            rows.setdefault(row["GroupID"], []).append(row)
        details: dict[str, dict[str, dict[str, Any]]] = {}
        for item in self.pipeline.all_details():
            details.setdefault(item["QCPID"], {})[item["Check"]] = item
        self._take_unclosed()
        found = {}
        for fault, ended in executions.items():
            mine = rows.get(fault.group, [])
            found[fault] = Outcome(
                ended,
                mine,
                [message for one in ended for message in self.inbox.all(one.arn)],
                details.get(mine[0]["QCPID"], {}) if mine else {},
                [record for one in ended for record in self.unclosed.get(one.arn, [])],
            )
        return found

    def _take_unclosed(self) -> None:
        for body in self.pipeline.take(self.unclosed_url):
            record = json.loads(body)
            arn = arn_in(record.get("requestPayload", record))
            self.unclosed.setdefault(arn, []).append(record)
