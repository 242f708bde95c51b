"""Publishing the summary of an execution, once, whoever comes to do it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from pipeline import message, runs
from pipeline.aws import sns
from pipeline.claims import Claimed, Claims
from pipeline.errors import SummaryNotConfirmed
from pipeline.observe import logger, metrics

claims = Claims("SendQCSummary")


def publish(run: runs.Run, end: Callable[[], runs.Run]) -> dict[str, str]:
    """Publishes the summary of the run as `end` gives it, which is called only by whoever is first to publish.

    Returns the MessageId, that of the first time where it was published before.
    Raises SummaryNotConfirmed where an earlier attempt broke after it may have published: a summary that is sent twice, or
    never and nobody knows, is worse than a failed execution.
    """
    checks = list(runs.failing_details(run))
    arn = run["ExecutionArn"]
    told = {"ExecutionArn": arn}
    try:
        # Every attempt is another claimant: Lambda keeps the request's ID when it tries an asynchronous one again.
        sent: dict[str, str] | None = claims.claim(told, str(uuid.uuid4()))
    except Claimed:
        raise not_confirmed(arn, "an earlier attempt broke off") from None
    if sent is None:
        try:
            sent = send(message.summary(end(), checks))
        except Exception as error:
            claims.give_up(told, error)  # it was not sent, so the step may be retried
            raise
        claims.save_success(told, sent)
        if "MessageId" in sent:
            logger.info("summary published", extra=sent)
            metrics.add_dimension("Status", sent["Status"])
            metrics.add_metadata("ExecutionArn", arn)  # the run behind a count, for whoever asks the logs
            metrics.add_metric("Runs", MetricUnit.Count, 1)
    if "Unanswered" in sent:
        raise not_confirmed(arn, sent["Unanswered"])
    return {"MessageId": sent["MessageId"]}


def progress(execution_arn: str) -> str | None:
    """How far the publishing of an execution's summary has come: None where nobody has begun it, COMPLETED where it was sent,
    INPROGRESS where nobody can know.
    """
    found = claims.found({"ExecutionArn": execution_arn})
    if found and found.status == "COMPLETED" and "Unanswered" in (found.response_json_as_dict() or {}):
        return "INPROGRESS"
    return found.status if found else None


def send(summary: message.Summary) -> dict[str, str]:
    """MessageId and Status, or Unanswered where nobody can know whether SNS has taken it. Raises where SNS has not."""
    asked: dict[str, Any] = {
        "TopicArn": os.environ["RESULTS_TOPIC"],
        "Subject": summary.subject,
        "Message": summary.body(),
        "MessageStructure": "json",
        "MessageAttributes": summary.attributes(),
    }
    try:
        answer = sns().publish(**asked)
    except Exception as error:
        if was_refused(error):
            raise
        return {"Unanswered": f"{type(error).__name__}: {error}"}  # returned, so that it is remembered
    return {"MessageId": answer["MessageId"], "Status": summary.fields["Status"]}


def was_refused(error: Exception) -> bool:
    """Whether SNS said no, or was never reached. Where it failed, or did not answer, it may have taken the message."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
    return isinstance(error, EndpointConnectionError | ConnectTimeoutError | NoCredentialsError | ParamValidationError)


def not_confirmed(execution_arn: str, why: str) -> SummaryNotConfirmed:
    return SummaryNotConfirmed(
        f"the summary of {execution_arn} may have been published, and is not published again: {why}"
    )
