"""Reconcile: finds uploads that never became a run, and starts them.

S3 and EventBridge deliver nearly always, not always, and the rule may have been off. Every few hours this lists the objects
under streams/ and compares those that were written lately with the rows of QCSummary, and where there is none with the claims of
uploads: an object whose newest version has neither is started as its upload would have been, so that a delivery that comes
after all finds it done.

EventBridge tells of executions that broke off by its best effort, too: for each that did so within the same days, and whose
summary nobody has published, CloseRun is invoked again.

In: Days, how far back to look (by default LOOK_BACK_DAYS, at most MOST_DAYS). Out: counts: Listed, Recent, Unread, Started,
Closed, Unconfirmed (broke off while publishing: nobody can know whether it was told).
It costs a LIST request for every 1,000 objects, for each recent one a HEAD request and the reading of its group's rows, and for
each execution that broke off the reading of its claim.
Raises ReconciliationIncomplete where the time is not enough for all of them, or an upload cannot be looked at.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from pipeline import keys, objects, runs
from pipeline.aws import error_code, is_passing, lambdas, stepfunctions
from pipeline.errors import ReconciliationIncomplete, StreamNotFound
from pipeline.executions import BROKEN_OFF, input_of, run_of, upload_in
from pipeline.observe import Event, logger, metrics, step
from pipeline.publishing import progress
from pipeline.uploads import has_run_elsewhere, is_claimed

LOOK_BACK_DAYS = 3  # the schedule looks again long before these are over
MOST_DAYS = 29  # as long as StartQC remembers which uploads have a run (pipeline.claims)
SETTLING = dt.timedelta(hours=1)  # an upload this young may still be on its way
SPARE_MILLISECONDS = 30_000

Counts = dict[str, int]


@step
def handler(event: Event, context: LambdaContext) -> Event:
    now = dt.datetime.now(dt.UTC)
    since = now - dt.timedelta(days=min(float(event.get("Days", LOOK_BACK_DAYS)), MOST_DAYS))
    settled = now - dt.timedelta(seconds=float(event.get("SettlingSeconds", SETTLING.total_seconds())))
    counts = {"Listed": 0, "Recent": 0, "Unread": 0, "Started": 0, "Closed": 0, "Unconfirmed": 0}
    try:
        close_broken_runs(since, settled, counts, context)  # the cheaper of the two, and nobody comes after it
        start_lost_uploads(since, settled, counts, context)
        if counts["Unread"]:
            raise ReconciliationIncomplete(f"{counts['Unread']} uploads could not be looked at: see the log")
    finally:
        logger.info("reconciled", extra=counts)
        metrics.add_metric("UploadsReconciled", MetricUnit.Count, counts["Started"])
    return counts


def start_lost_uploads(since: dt.datetime, settled: dt.datetime, counts: Counts, context: LambdaContext) -> None:
    """Starts the uploads between these times that have no run."""
    groups: dict[str | None, list[tuple[str, dt.datetime]]] = {}
    for key, written in objects.every_object(keys.PREFIX):
        counts["Listed"] += 1
        if since <= written <= settled and not key.endswith("/"):
            counts["Recent"] += 1
            group_id = keys.ids_in(key).GroupID
            groups.setdefault(group_id if keys.is_id(group_id) else None, []).append((key, written))
        in_time(context, counts)
    for group_id, found in groups.items():
        # S3 gives whole seconds, and a run may begin in the second in which its object was written.
        earliest = min(written for _, written in found) - dt.timedelta(seconds=5)
        checked = runs.checked_since(group_id, earliest) if group_id else set()
        for key, _ in found:
            in_time(context, counts)
            version = version_of(key, counts)
            # One that names no stream has no row, and one that is just being started has none yet.
            if version and (key, version) not in checked and not is_claimed({"Key": key, "VersionId": version}):
                counts["Started"] += start(key, version)


def version_of(key: str, counts: Counts) -> str | None:
    """The newest version of the object; None where it is gone, or cannot be read: one object must not hide the others."""
    try:
        return objects.locate(key, None).version_id
    except StreamNotFound:
        return None
    except ClientError as error:
        if is_passing(error):
            raise
        logger.exception("an upload cannot be looked at", extra={"Key": key})
        counts["Unread"] += 1
        return None


def close_broken_runs(since: dt.datetime, settled: dt.datetime, counts: Counts, context: LambdaContext) -> None:
    """Has the runs closed whose executions broke off between these times, and of whose end nobody told or could tell."""
    for arn in broken_executions(since, settled):
        in_time(context, counts)
        told = progress(arn)
        if told == "COMPLETED":
            continue
        execution = stepfunctions().describe_execution(executionArn=arn)
        detail = {
            **{
                name: execution.get(name)
                for name in ("executionArn", "stateMachineArn", "status", "input", "error", "cause")
            },
            "startDate": int(execution["startDate"].timestamp() * 1000),
        }
        given = input_of(detail)
        run = run_of(detail, given)
        if told == "INPROGRESS" and run.get("Status") != "RUNNING":
            logger.warning("nobody can know whether the summary was sent", extra={"ExecutionArn": arn})
            counts["Unconfirmed"] += 1
            continue
        if "StartTime" not in run and has_run_elsewhere(upload_in(given) or {}, arn):
            continue  # a repeated delivery that broke
        logger.warning("a run broke off and was not closed", extra={"ExecutionArn": arn})
        # Without the input, which may be too long to be sent: CloseRun looks it up.
        payload = json.dumps({"detail": {**detail, "input": None}})
        lambdas().invoke(FunctionName=os.environ["CLOSE_RUN"], InvocationType="Event", Payload=payload)
        counts["Closed"] += 1


def broken_executions(since: dt.datetime, settled: dt.datetime) -> Iterator[str]:
    """The ARNs of the executions that were started after the first and broke off before the second of these times."""
    for status in BROKEN_OFF:
        pages = stepfunctions().get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=os.environ["STATE_MACHINE"], statusFilter=status)  # type: ignore[arg-type]
        newest_first = (execution for page in found for execution in page["executions"])
        for execution in itertools.takewhile(lambda one: one["startDate"] >= since, newest_first):
            if execution["stopDate"] <= settled:
                yield execution["executionArn"]


def start(key: str, version: str) -> bool:
    """Starts the run of an upload as its event would have. False where this has been done before."""
    event: dict[str, Any] = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "reason": "Reconcile",
            "bucket": {"name": objects.bucket()},
            "object": {"key": key, "version-id": version},
        },
    }
    # The name is the upload's, so that Step Functions itself refuses to start it twice.
    name = "reconcile-" + hashlib.sha256(f"{key} {version}".encode()).hexdigest()[:40]
    try:
        stepfunctions().start_execution(
            stateMachineArn=os.environ["STATE_MACHINE"], name=name, input=json.dumps(event, ensure_ascii=False)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return False
        raise
    logger.warning("an upload had no run", extra={"Key": key, "VersionId": version, "Execution": name})
    return True


def in_time(context: LambdaContext, counts: Counts) -> None:
    if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
        raise ReconciliationIncomplete(f"there is more to look at than there is time; so far: {json.dumps(counts)}")
