"""Reconciliation: uploads that never became a run are started, and runs that failed without a summary are closed.

S3 and EventBridge deliver nearly every event, not every one, and the upload rule may have been disabled.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipeline import execution, keys, objects, runs
from pipeline.aws import error_code, lambdas, stepfunctions
from pipeline.claims import REMEMBERED_DAYS, claims_table
from pipeline.closing import find
from pipeline.environment import environment
from pipeline.errors import ReconciliationIncomplete
from pipeline.execution import Execution
from pipeline.model import Item, Status
from pipeline.observe import logger
from pipeline.publishing import Progress, progress
from pipeline.request import Delivery, request_of, upload_event
from pipeline.uploads import has_run_elsewhere, unclaimed

AT_ONCE = 100  # claims that DynamoDB looks up in one request
CURSOR = "Reconcile#cursor"


@dataclass
class Counts:
    """What one invocation of Reconcile did."""

    listed: int = 0
    recent: int = 0
    started: int = 0
    closed: int = 0
    unconfirmed: int = 0  # runs that failed while they published: their summary may have been sent

    def to_payload(self) -> dict[str, int]:
        return {name.capitalize(): count for name, count in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class Round:
    """One look at the whole bucket, in as many invocations as it takes: at what was written between `since` and `settled`.

    key, version: where the listing goes on; "" at its beginning.
    """

    since: dt.datetime
    settled: dt.datetime
    key: str = ""
    version: str = ""

    def to_item(self) -> Item:
        return {
            "id": CURSOR,
            "since": self.since.isoformat(),
            "settled": self.settled.isoformat(),
            "key": self.key,
            "version": self.version,
        }

    @classmethod
    def from_item(cls, item: Item) -> Round:
        since, settled = (dt.datetime.fromisoformat(item[name]) for name in ("since", "settled"))
        return cls(since, settled, item["key"], item["version"])

    @classmethod
    def under_way(cls) -> Round | None:
        """Returns the round that an earlier invocation had no time to end, or None."""
        item = claims_table().get_item(Key={"id": CURSOR}, ConsistentRead=True).get("Item")
        return cls.from_item(item) if item else None

    def save(self) -> None:
        """Lets the next invocation go on here."""
        claims_table().put_item(Item={**self.to_item(), "expiration": int(time.time()) + REMEMBERED_DAYS * 86400})

    @staticmethod
    def end() -> None:
        claims_table().delete_item(Key={"id": CURSOR})


class Reconciliation:
    """Looks for uploads without a run and runs without an end. has_time: whether there is time for more."""

    def __init__(self, has_time: Callable[[], bool]) -> None:
        self.has_time = has_time
        self.counts = Counts()

    def start_lost_uploads(self, round_: Round) -> bool:
        """Starts the run of every upload of the round that has none. Returns False if there was no time to end the round.

        It costs a request for every 1,000 versions in the bucket, and one for every 100 recent ones.
        """
        for page in objects.versions_under(keys.PREFIX, round_.key, round_.version):
            self.counts.listed += len(page.versions)
            recent = [
                Delivery(one.key, one.version_id)
                for one in page.versions
                if round_.since <= one.written <= round_.settled and not one.key.endswith("/")
            ]
            self.counts.recent += len(recent)
            for first in range(0, len(recent), AT_ONCE):
                for delivery in unclaimed(recent[first : first + AT_ONCE]):
                    if not _has_row(delivery):  # a rerun by hand has a row and no claim
                        self.counts.started += _start(delivery.key, delivery.version)
            if page.key:
                dataclasses.replace(round_, key=page.key, version=page.version).save()
                if not self.has_time():
                    return False
        Round.end()
        return True

    def close_unnotified_runs(self, since: dt.datetime, settled: dt.datetime) -> None:
        """Invokes CloseRun for every run that failed in this time and whose summary was not sent, or whose row is RUNNING.

        Raises ReconciliationIncomplete when time runs out.
        """
        for arn in execution.unsuccessful(since, settled):
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

    def _stop_when_out_of_time(self) -> None:
        if not self.has_time():
            so_far = json.dumps(self.counts.to_payload())
            raise ReconciliationIncomplete(f"ran out of time; so far: {so_far}")


def _has_row(delivery: Delivery) -> bool:
    """Returns whether a run has read this version of the object."""
    group_id, stream_id = keys.ids_in(delivery.key)
    if not (keys.is_id(group_id) and keys.is_id(stream_id)):
        return False
    return runs.has_read(f"{group_id}/{stream_id}", delivery.key, delivery.version)


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


def go_on(function: str) -> None:
    """Has the function go on with the round, in another invocation."""
    lambdas().invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"Continue": True}))


def _invoke_close_run(arn: str) -> None:
    payload = json.dumps({"ExecutionArn": arn})
    lambdas().invoke(FunctionName=environment().close_run, InvocationType="Event", Payload=payload)
