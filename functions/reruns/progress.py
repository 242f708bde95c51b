"""How far a rerun in bulk is: who is doing it, what is left to do, and how it is resumed.

One execution at a time has the claim on a selection. Another that asks for the same is told how far that one is. A rerun that was
stopped can be resumed, by its ID. Each file has one verdict in a rerun.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline import objects, outcomes, uploads
from pipeline.aws import error_code, s3, stepfunctions
from pipeline.claims import Held, Won, claim, claim_id, find, release, take_over
from pipeline.environment import environment
from pipeline.errors import InvalidInput, RerunUnderWay, RunsStillEnding
from pipeline.execution import QCPID_NAMESPACE, Execution
from pipeline.model import Status
from pipeline.outcomes import Outcome
from pipeline.request import Delivery
from reruns.listing import File, files_of
from reruns.selection import Selection


@dataclass(frozen=True)
class Rerun:
    """A rerun in bulk. rerun_id: stays the same when it is resumed. execution_arn: of the execution that is doing it."""

    rerun_id: str
    execution_arn: str
    selection: Selection

    def key(self, name: str) -> str:
        """Returns where something of it is in the results bucket."""
        return f"reruns/{self.rerun_id}/{name}"

    @property
    def attempt(self) -> str:
        """Tells the executions of a rerun apart."""
        return hashlib.sha256(self.execution_arn.encode()).hexdigest()[:8]

    @property
    def todo(self) -> str:
        """The key of the list of the files that this execution runs."""
        return self.key(f"{self.attempt}.json")

    @property
    def owner(self) -> str:
        return f"{self.rerun_id} {self.execution_arn}"


def begin(selection: Selection, execution: Execution, resume: str | None) -> Rerun:
    """Returns the rerun that this execution does. resume: the ID of the one to resume; None for a new one.

    Raises RerunUnderWay, and InvalidInput where there is no such rerun.
    """
    begun = rerun_of(selection, execution, resume)
    for _ in range(2):
        held = find(_id(selection))
        if not isinstance(held, Held):
            if resume:
                raise InvalidInput(f"Resume: there is no rerun {resume} of these files that was stopped within 30 days")
            if isinstance(claim(_id(selection), begun.owner), Won):
                return begun
            continue
        rerun_id, arn = held.owner.split(" ", 1)
        if arn == execution.arn:
            return begun
        if is_running(arn):
            raise RerunUnderWay(f"{arn} is doing this: {progress(arn)}")
        if resume and resume != rerun_id:
            raise InvalidInput(f"Resume: the rerun of these files that was stopped is {rerun_id}, not {resume}")
        if take_over(_id(selection), begun.owner, held.owner):
            return begun
    raise RerunUnderWay("another execution has just begun to do this")


def rerun_of(selection: Selection, execution: Execution, resume: str | None) -> Rerun:
    """Returns the rerun of an execution, whether or not it may do it. resume: the ID of the one to resume; None for a new one."""
    # The month, because names of executions can be used again after 90 days; an event may round the time of the start.
    own = uuid.uuid5(QCPID_NAMESPACE, f"{execution.arn} {execution.started:%Y-%m}")
    return Rerun(resume or str(own), execution.arn, selection)


def end(rerun: Rerun) -> None:
    """Ends the rerun: whoever asks for the same begins another."""
    release(_id(rerun.selection), rerun.owner)


def files(rerun: Rerun) -> list[File]:
    """Returns the files of the rerun, which are listed once. Raises InvalidInput."""
    earlier = listed(rerun)
    if earlier is not None:
        return earlier
    found = files_of(rerun.selection)
    put(rerun.key("files.json"), [file.item() for file in found])
    return found


def listed(rerun: Rerun) -> list[File] | None:
    """Returns the files of the rerun; None where they have not been listed."""
    return _read(rerun.key("files.json"))


def began(rerun: Rerun) -> bool:
    """Returns whether the execution has begun with the files."""
    return _read(rerun.todo) is not None


def _read(key: str) -> list[File] | None:
    try:
        return [File.from_item(one) for one in json.loads(objects.read_result(key))]
    except ClientError as error:
        if error_code(error) != "NoSuchKey":
            raise
        return None


def left(rerun: Rerun, listed: Sequence[File]) -> list[File]:
    """Returns the files that have no verdict in this rerun. Raises RunsStillEnding.

    Those whose run ended as ERROR are among them: they may have another.
    """
    running = _running(rerun.rerun_id)
    if running:
        raise RunsStillEnding(f"runs of this rerun that have not ended yet: {running:,}")
    todo = []
    for file, outcome in zip(listed, outcomes_of(rerun, listed), strict=True):
        if outcome is None:
            todo.append(file)
        elif outcome.status == Status.ERROR:
            uploads.forget(_delivery(rerun, file), outcome.qcpid)
            todo.append(file)
    still = uploads.started([_delivery(rerun, file) for file in todo])
    if still:
        raise RunsStillEnding(
            f"runs of this rerun that are not closed yet: {len(still):,}, such as that of {still[0].key}"
        )
    return todo


def outcomes_of(rerun: Rerun, listed: Sequence[File]) -> list[Outcome | None]:
    """Returns how the last run of each file ended; None where none has."""
    return outcomes.of(rerun.rerun_id, [(file.key, file.version_id) for file in listed])


def _running(rerun_id: str) -> int:
    """Returns how many executions of the first state machine are running for the rerun: their names begin with its ID."""
    pages = stepfunctions().get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=environment().state_machine, statusFilter="RUNNING")
    return sum(one["name"].startswith(rerun_id) for page in found for one in page["executions"])


def progress(execution_arn: str) -> str:
    """Returns how far an execution is, for people."""
    maps = stepfunctions().list_map_runs(executionArn=execution_arn)["mapRuns"]
    if not maps:
        return "it is listing the files"
    counts = stepfunctions().describe_map_run(mapRunArn=maps[0]["mapRunArn"])["itemCounts"]
    done = counts["total"] - counts["pending"] - counts["running"]
    return f"{done:,} of {counts['total']:,} files are done, {counts['running']:,} are running"


def put(key: str, content: Any) -> None:
    """Writes an object of a rerun, as JSON."""
    put_bytes(key, json.dumps(content).encode())


def put_bytes(key: str, content: bytes) -> None:
    """Writes an object of a rerun."""
    s3().put_object(Bucket=str(environment().results_bucket), Key=key, Body=content)


def is_running(execution_arn: str) -> bool:
    """Returns whether an execution has not ended. One that Step Functions no longer knows has."""
    try:
        return stepfunctions().describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        return False


def _delivery(rerun: Rerun, file: File) -> Delivery:
    return Delivery(file.key, file.version_id, rerun.rerun_id)


def _id(selection: Selection) -> str:
    return claim_id("Reruns", selection.id)
