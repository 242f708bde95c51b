"""SendQCSummary: writes the summary of a run and publishes it to the topic, once.

In: the run as it ended or was refused. Out: the MessageId.
Raises SummaryNotConfirmed where an earlier attempt broke after it may have published.
"""

from __future__ import annotations

import os
import warnings

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from pipeline import message, runs
from pipeline.aws import sns
from pipeline.claims import REMEMBERED_SECONDS, Claims
from pipeline.errors import SummaryNotConfirmed
from pipeline.observe import Event, logger, metrics, step

warnings.filterwarnings("ignore", message="Couldn't determine the remaining time left")
# No Lambda context is registered: what an attempt has claimed stays claimed when it times out, because it may have
# published by then. A summary that is sent twice, or never and nobody knows, is worse than a failed execution.
once = IdempotencyConfig(expires_after_seconds=REMEMBERED_SECONDS, hash_function="sha256")
store = Claims()


@step
def handler(event: Event, context: LambdaContext) -> Event:
    store.claimant = context.aws_request_id
    checks = list(runs.failing_details(event)) if "QCPID" in event else []
    summary = message.summary(event, checks)
    try:
        sent: dict[str, str] = publish_once(execution=event["ExecutionArn"], summary=summary)
    except IdempotencyAlreadyInProgressError:
        raise not_confirmed(summary, "an earlier attempt broke off") from None
    if "Unanswered" in sent:
        raise not_confirmed(summary, sent["Unanswered"])
    logger.info("summary published", extra={"MessageId": sent["MessageId"], "Status": event["Status"]})
    metrics.add_dimension("Status", event["Status"])
    metrics.add_metric("Runs", MetricUnit.Count, 1)
    return sent


@idempotent_function(
    data_keyword_argument="execution", persistence_store=store, config=once, key_prefix="SendQCSummary"
)
def publish_once(*, execution: str, summary: message.Summary) -> dict[str, str]:  # noqa: ARG001  # `execution` is what makes it the same
    """Publishes, and remembers that it did. Where SNS says no, nothing is remembered and the step may be retried."""
    try:
        answer = sns().publish(
            TopicArn=os.environ["RESULTS_TOPIC"],
            Subject=summary.subject,
            Message=summary.body(),
            MessageStructure="json",
            MessageAttributes=summary.attributes(),
        )
    except (ReadTimeoutError, ConnectionClosedError) as error:
        return {"Unanswered": str(error)}  # returned, so that it is remembered: SNS may have taken the message
    return {"MessageId": answer["MessageId"]}


def not_confirmed(summary: message.Summary, why: str) -> SummaryNotConfirmed:
    return SummaryNotConfirmed(f"{summary.subject} may have been published, and is not published again: {why}")
