"""Reconcile: starts the uploads that never became a run, and has CloseRun close the runs that failed without a summary.

In: Days, how far back to look (LOOK_BACK_DAYS by default, at most MOST_DAYS). Out: counts: Listed, Recent, Unread, Started,
Closed, Unconfirmed (failed while publishing: the summary may have been sent).
It costs one LIST request for every 1,000 objects, for each recent one a HEAD request and its share of one query of its
group's rows, and for each failed execution the reading of its claim.
Raises ReconciliationIncomplete where the time is too short for all of them, or an upload cannot be read.
"""

from __future__ import annotations

import datetime as dt

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.claims import REMEMBERED_DAYS
from pipeline.errors import ReconciliationIncomplete
from pipeline.model import Payload
from pipeline.observe import logger, measure, step
from pipeline.reconciling import Reconciliation

LOOK_BACK_DAYS = 3  # the schedule looks again long before these are over
MOST_DAYS = REMEMBERED_DAYS - 1
SETTLING_SECONDS = 3600  # a younger upload may still be on its way
SPARE_MILLISECONDS = 30_000


@step
def handler(event: Payload, context: LambdaContext) -> Payload:
    now = dt.datetime.now(dt.UTC)
    look = Reconciliation(
        since=now - dt.timedelta(days=min(float(event.get("Days", LOOK_BACK_DAYS)), MOST_DAYS)),
        settled=now - dt.timedelta(seconds=float(event.get("SettlingSeconds", SETTLING_SECONDS))),
        has_time=lambda: context.get_remaining_time_in_millis() >= SPARE_MILLISECONDS,
    )
    counts = look.counts
    try:
        look.close_unnotified_runs()  # the cheaper of the two, and nothing else does it later
        look.start_lost_uploads()
        if counts.unread:
            raise ReconciliationIncomplete(f"{counts.unread} uploads could not be read; see the log")
    finally:
        logger.info("reconciled", extra=counts.to_payload())
        measure({"UploadsReconciled": (MetricUnit.Count, counts.started)})
    return counts.to_payload()
