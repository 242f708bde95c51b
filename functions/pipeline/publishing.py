"""Publishing the summary of an execution, once, whoever comes to do it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from pipeline import message, runs
from pipeline.aws import sns
from pipeline.claims import REMEMBERED_SECONDS, Claims
from pipeline.errors import SummaryNotConfirmed
from pipeline.observe import logger, metrics

warnings.filterwarnings("ignore", message="Couldn't determine the remaining time left")
# No Lambda context is registered: what an attempt has claimed stays claimed when it times out, because it may have
# published by then. A summary that is sent twice, or never and nobody knows, is worse than a failed execution.
once = IdempotencyConfig(expires_after_seconds=REMEMBERED_SECONDS, hash_function="sha256")
store = Claims()


def publish(run: runs.Run, end: Callable[[], runs.Run]) -> dict[str, str]:
    """Publishes the summary of the run as `end` gives it, which is called only by whoever is first to publish.

    Returns the MessageId, that of the first time where it was published before.
    Raises SummaryNotConfirmed where an earlier attempt broke after it may have published.
    """
    store.new_claimant()
    checks = list(runs.failing_details(run)) if "QCPID" in run else []
    arn = run["ExecutionArn"]
    try:
        sent: dict[str, str] = publish_once(execution=arn, summarise=lambda: message.summary(end(), checks))
    except IdempotencyAlreadyInProgressError:
        raise not_confirmed(arn, "an earlier attempt broke off") from None
    if "Unanswered" in sent:
        raise not_confirmed(arn, sent["Unanswered"])
    logger.info("summary published", extra=sent)
    metrics.add_dimension("Status", sent["Status"])
    metrics.add_metric("Runs", MetricUnit.Count, 1)
    return {"MessageId": sent["MessageId"]}


@idempotent_function(
    data_keyword_argument="execution", persistence_store=store, config=once, key_prefix="SendQCSummary"
)
def publish_once(*, execution: str, summarise: Callable[[], message.Summary]) -> dict[str, str]:  # noqa: ARG001  # `execution` is what makes it the same
    """Publishes, and remembers that it did, or that it may have done."""
    summary = summarise()
    try:
        answer = sns().publish(
            TopicArn=os.environ["RESULTS_TOPIC"],
            Subject=summary.subject,
            Message=summary.body(),
            MessageStructure="json",
            MessageAttributes=summary.attributes(),
        )
    except (ClientError, EndpointConnectionError, ConnectTimeoutError):
        raise  # SNS said no, or was not reached: the claim is given up, and the step may be retried
    except Exception as error:  # noqa: BLE001  # whatever else it was, SNS may have taken the message
        return {"Unanswered": f"{type(error).__name__}: {error}"}  # returned, so that it is remembered
    return {"MessageId": answer["MessageId"], "Status": summary.fields["Status"]}


def not_confirmed(execution_arn: str, why: str) -> SummaryNotConfirmed:
    return SummaryNotConfirmed(
        f"the summary of {execution_arn} may have been published, and is not published again: {why}"
    )
