"""Reconcile: finds uploads that never became a run, and starts them.

S3 and EventBridge deliver nearly always, not always, and the rule may have been off. Every few hours this lists the objects
under streams/ and compares those that were written lately with the rows of QCSummary: an object whose newest version has no
row is started as its upload would have been, so that a delivery that comes after all finds it done.

In: Days, how far back to look (by default LOOK_BACK_DAYS). Out: Listed, Recent, Started, each a count.
It costs a LIST request for every 1,000 objects, and for each recent one a HEAD request and the reading of its group's rows.
Raises ReconciliationIncomplete where the time is not enough for all of them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from pipeline import keys, objects, runs
from pipeline.aws import error_code, stepfunctions
from pipeline.errors import ReconciliationIncomplete, StreamNotFound
from pipeline.observe import Event, logger, metrics, step

LOOK_BACK_DAYS = 3  # the schedule looks again long before these are over
SETTLING = dt.timedelta(hours=1)  # an upload this young may still be on its way
SPARE_MILLISECONDS = 30_000


@step
def handler(event: Event, context: LambdaContext) -> Event:
    now = dt.datetime.now(dt.UTC)
    since = now - dt.timedelta(days=float(event.get("Days", LOOK_BACK_DAYS)))
    settled = now - dt.timedelta(seconds=float(event.get("SettlingSeconds", SETTLING.total_seconds())))
    listed, recent = 0, list[tuple[str, dt.datetime]]()
    for key, written in objects.every_object(keys.PREFIX):
        listed += 1
        if since <= written <= settled and not key.endswith("/"):
            recent.append((key, written))
        in_time(context, f"{listed:,} objects listed, and there are more")
    started = 0
    for done, (key, version) in enumerate(without_a_row(recent)):
        in_time(context, f"{done:,} of the uploads without a run looked at, {started:,} started, and there are more")
        started += start(key, version)
    metrics.add_metric("UploadsReconciled", MetricUnit.Count, started)
    counts = {"Listed": listed, "Recent": len(recent), "Started": started}
    logger.info("reconciled", extra=counts)
    return counts


def without_a_row(recent: list[tuple[str, dt.datetime]]) -> Iterator[tuple[str, str]]:
    """The key and the version of those objects whose newest version has no row, group by group."""
    groups: dict[str | None, list[tuple[str, dt.datetime]]] = {}
    for key, written in recent:
        group_id = keys.ids_in(key).GroupID
        groups.setdefault(group_id if keys.is_id(group_id) else None, []).append((key, written))
    for group_id, found in groups.items():
        # S3 gives whole seconds, and a run may begin in the second in which its object was written.
        since = min(written for _, written in found) - dt.timedelta(seconds=5)
        checked = runs.checked_since(group_id, since) if group_id else set()
        for key, _ in found:
            try:
                version = objects.locate(key, None).version_id
            except StreamNotFound:  # it was deleted since
                continue
            if (key, version) not in checked:
                yield key, version


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


def in_time(context: LambdaContext, so_far: str) -> None:
    if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
        raise ReconciliationIncomplete(so_far)
