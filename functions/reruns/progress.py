"""How far a rerun in bulk is: who is doing it, what is left to do, and how to go on where it was stopped.

Whoever asks for the same gets the same rerun, as long as it has not ended: one execution at a time has its claim. Another is told
how far that one is, or goes on with what it left, if it was stopped. Each file has one run in a rerun.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline import objects, outcomes, uploads
from pipeline.aws import error_code, s3, stepfunctions
from pipeline.claims import Held, claim, claim_id, find, release, take_over
from pipeline.environment import environment
from pipeline.errors import RerunUnderWay, RunsStillEnding
from pipeline.execution import Execution
from pipeline.outcomes import Outcome
from pipeline.request import Delivery
from reruns.listing import File, files_of
from reruns.selection import Selection

STOPPED = "ExecutionAborted"  # the error of a run whose execution was stopped
AT_ONCE = 100


@dataclass(frozen=True)
class Rerun:
    """A rerun in bulk. rerun_id: the same where it goes on. execution_arn: of the execution that is doing it."""

    rerun_id: str
    execution_arn: str
    selection: Selection

    def key(self, name: str) -> str:
        """Returns where something of it is in the results bucket."""
        return f"reruns/{self.rerun_id}/{name}"

    @property
    def owner(self) -> str:
        return f"{self.rerun_id} {self.execution_arn}"


def begin(selection: Selection, execution: Execution) -> Rerun:
    """Returns the rerun that this execution does: a new one, or one that was stopped. Raises RerunUnderWay."""
    fresh = Rerun(execution.qcpid, execution.arn, selection)
    for _ in range(2):
        held = claim(_id(selection), fresh.owner)
        if not isinstance(held, Held):
            return fresh
        rerun_id, arn = held.owner.split(" ", 1)
        again = Rerun(rerun_id, execution.arn, selection)
        if arn == execution.arn:
            return again
        if is_running(arn):
            raise RerunUnderWay(f"{arn} is doing this: {progress(arn)}")
        if take_over(_id(selection), again.owner, held.owner):
            return again
    raise RerunUnderWay("another execution has just begun to do this")


def of(selection: Selection, execution_arn: str) -> Rerun | None:
    """Returns the rerun that the execution does, or did until it was stopped; None for one that never began, or has ended."""
    held = find(_id(selection))
    if not isinstance(held, Held):
        return None
    rerun_id, arn = held.owner.split(" ", 1)
    return Rerun(rerun_id, arn, selection) if arn == execution_arn else None


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
    try:
        return [File.from_item(one) for one in json.loads(objects.read_result(rerun.key("files.json")))]
    except ClientError as error:
        if error_code(error) != "NoSuchKey":
            raise
        return None


def left(rerun: Rerun, listed: Sequence[File]) -> list[File]:
    """Returns the files that have no run in this rerun, or one that was stopped. Raises RunsStillEnding.

    A run that was stopped is forgotten here: the file gets another.
    """
    ended = outcomes.of(rerun.rerun_id, [(file.key, file.version_id) for file in listed])
    without = [file for file, outcome in zip(listed, ended, strict=True) if outcome is None]
    deliveries = {_delivery(rerun, file): file for file in without}
    some = [*deliveries]
    still = [one for first in range(0, len(some), AT_ONCE) for one in uploads.started(some[first : first + AT_ONCE])]
    if still:
        raise RunsStillEnding(f"{len(still):,} runs of this rerun have not ended yet, such as that of {still[0].key}")
    stopped = [file for file, outcome in zip(listed, ended, strict=True) if outcome and outcome.error == STOPPED]
    for file in stopped:  # in this order: if this is cut off, the run is still known to have been stopped
        uploads.forget(_delivery(rerun, file))
        outcomes.forget(rerun.rerun_id, file.key, file.version_id)
    again = {*stopped, *without}
    return [file for file in listed if file in again]


def outcomes_of(rerun: Rerun, listed: Sequence[File]) -> list[Outcome | None]:
    """Returns how the run of each file ended; None where it has not, or was stopped."""
    found = outcomes.of(rerun.rerun_id, [(file.key, file.version_id) for file in listed])
    return [None if outcome and outcome.error == STOPPED else outcome for outcome in found]


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
