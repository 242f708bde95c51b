"""Reconcile: starts the uploads that never became a run, and has CloseRun close the runs that failed without a summary.

In: Days, how far back to look (LOOK_BACK_DAYS by default, at most MOST_DAYS); SettlingSeconds, how old an upload must be. Out:
counts: Listed, Recent, Started, Closed, Unconfirmed (failed while publishing: the summary may have been sent); and Continues
where there was no time to look at the whole bucket: the function has then invoked itself, to go on where it was.
Raises ReconciliationIncomplete where the time is too short for the failed runs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.claims import REMEMBERED_DAYS
from pipeline.model import Payload
from pipeline.observe import logger, measure, step
from pipeline.reconciling import Reconciliation, Round, go_on

LOOK_BACK_DAYS = 3  # the schedule looks again long before these are over
MOST_DAYS = REMEMBERED_DAYS - 1
SETTLING_SECONDS = 3600  # a younger upload may still be on its way
SPARE_MILLISECONDS = 60_000  # for a page of the listing and the uploads that it has


@step
def handler(event: Payload, context: LambdaContext) -> Payload:
    look = Reconciliation(has_time=lambda: context.get_remaining_time_in_millis() >= SPARE_MILLISECONDS)
    counts = look.counts
    try:
        new = _new_round(event)
        if not event.get("Continue"):
            look.close_unnotified_runs(new.since, new.settled)  # the cheaper of the two, and nothing else does it later
        # A round that an invocation could not end goes on, unless a person asks for another.
        ended = look.start_lost_uploads(new if "Days" in event else Round.under_way() or new)
    finally:
        logger.info("reconciled", extra=counts.to_payload())
        measure({"UploadsReconciled": (MetricUnit.Count, counts.started)})
    if ended:
        return counts.to_payload()
    go_on(context.invoked_function_arn)
    return {**counts.to_payload(), "Continues": True}


def _new_round(event: dict[str, Any]) -> Round:
    now = dt.datetime.now(dt.UTC)
    days = min(float(event.get("Days", LOOK_BACK_DAYS)), MOST_DAYS)
    settling = float(event.get("SettlingSeconds", SETTLING_SECONDS))
    return Round(since=now - dt.timedelta(days=days), settled=now - dt.timedelta(seconds=settling))
