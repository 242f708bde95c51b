"""Reconciliation: uploads that never became a run are started, and runs that failed without a summary are closed.

S3 and EventBridge deliver nearly every event, not every one, and the upload rule may have been disabled.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipeline import execution, keys, objects, runs
from pipeline.aws import error_code, is_transient, lambdas, stepfunctions
from pipeline.closing import find
from pipeline.environment import environment
from pipeline.errors import ReconciliationIncomplete, StreamNotFound
from pipeline.execution import Execution
from pipeline.model import Status
from pipeline.observe import logger
from pipeline.publishing import Progress, progress
from pipeline.request import Delivery, request_of, upload_event
from pipeline.uploads import has_run_elsewhere, is_claimed

# S3 gives whole seconds, and a run may start in the second in which its object was written.
CLOCK_TOLERANCE = dt.timedelta(seconds=5)


@dataclass
class Counts:
    """What one invocation of Reconcile did."""

    listed: int = 0
    recent: int = 0
    unread: int = 0  # uploads that could not be looked at
    started: int = 0
    closed: int = 0
    unconfirmed: int = 0  # runs that failed while they published: their summary may have been sent

    def to_payload(self) -> dict[str, int]:
        return {name.capitalize(): count for name, count in dataclasses.asdict(self).items()}


class Reconciliation:
    """Looks at what was written, or failed, between `since` and `settled`. has_time: whether there is time for one more item."""

    def __init__(self, since: dt.datetime, settled: dt.datetime, has_time: Callable[[], bool]) -> None:
        self.since, self.settled, self.has_time = since, settled, has_time
        self.counts = Counts()

    def start_lost_uploads(self) -> None:
        """Starts the run of every upload that has none. Raises ReconciliationIncomplete when time runs out."""
        for group_id, found in self._recent_objects().items():
            earliest = min(written for _, written in found) - CLOCK_TOLERANCE
            checked = runs.checked_since(group_id, earliest) if group_id else set()
            for key, _ in found:
                self._stop_when_out_of_time()
                version = self._newest_version(key)
                # The upload of an invalid key has no row, and one that is being started has none yet.
                if version and (key, version) not in checked and not is_claimed(Delivery(key, version)):
                    self.counts.started += _start(key, version)

    def close_unnotified_runs(self) -> None:
        """Invokes CloseRun for every failed run whose summary was not sent, or whose row is RUNNING.

        Raises ReconciliationIncomplete when time runs out.
        """
        for arn in execution.unsuccessful(self.since, self.settled):
            self._stop_when_out_of_time()
            summary = progress(arn)
            if summary == Progress.SENT:
                continue
            failed = Execution.described(arn)
            request = request_of(failed.input)
            run = find(failed, request.named)
            if summary == Progress.UNKNOWN and not (run.has_row and run.status == Status.RUNNING):
                logger.warning("the summary may or may not have been sent", extra={"ExecutionArn": arn})
                self.counts.unconfirmed += 1
            elif run.has_row or not has_run_elsewhere(request.delivery, arn):  # not a failed repeated delivery
                logger.warning("a failed run was not closed", extra={"ExecutionArn": arn})
                _invoke_close_run(arn)
                self.counts.closed += 1

    def _recent_objects(self) -> dict[str | None, list[tuple[str, dt.datetime]]]:
        """Returns key and time of writing of the recent objects by group; under None those without a valid group."""
        groups: dict[str | None, list[tuple[str, dt.datetime]]] = {}
        for key, written in objects.list_under(keys.PREFIX):
            self.counts.listed += 1
            if self.since <= written <= self.settled and not key.endswith("/"):
                self.counts.recent += 1
                group_id, _ = keys.ids_in(key)
                groups.setdefault(group_id if keys.is_id(group_id) else None, []).append((key, written))
            self._stop_when_out_of_time()
        return groups

    def _newest_version(self, key: str) -> str | None:
        """Returns the object's newest version; None where it is gone or cannot be read, so that it does not hide the others."""
        try:
            return objects.locate(key, None).version_id
        except StreamNotFound:
            return None
        except ClientError as error:
            if is_transient(error):
                raise
            logger.exception("an upload could not be read", extra={"Key": key})
            self.counts.unread += 1
            return None

    def _stop_when_out_of_time(self) -> None:
        if not self.has_time():
            so_far = json.dumps(self.counts.to_payload())
            raise ReconciliationIncomplete(f"ran out of time; so far: {so_far}")


def _start(key: str, version: str) -> bool:
    """Starts the run of an upload as its event would have. Returns False where this was done before."""
    event = upload_event(environment().stream_bucket, key, version)
    # The name is the upload's, so that Step Functions itself refuses to start it twice.
    name = "reconcile-" + hashlib.sha256(f"{key} {version}".encode()).hexdigest()[:40]
    try:
        stepfunctions().start_execution(
            stateMachineArn=environment().state_machine, name=name, input=json.dumps(event, ensure_ascii=False)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return False
        raise
    logger.warning("an upload had no run", extra={"Key": key, "VersionId": version, "Execution": name})
    return True


def _invoke_close_run(arn: str) -> None:
    payload = json.dumps({"ExecutionArn": arn})
    lambdas().invoke(FunctionName=environment().close_run, InvocationType="Event", Payload=payload)
