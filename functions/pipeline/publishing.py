"""Publishing the summary of a run to the topic: once, whether SendQCSummary or CloseRun does it."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable

from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from pipeline import details, message
from pipeline.aws import sns
from pipeline.claims import Done, Held, claim, claim_id, complete, find, release
from pipeline.environment import environment
from pipeline.errors import SummaryNotConfirmed
from pipeline.model import Run
from pipeline.observe import logger, measure


class Progress(enum.Enum):
    """How far publishing a summary has come. UNKNOWN: it was started, and the summary may have been sent."""

    NOT_STARTED = enum.auto()
    UNKNOWN = enum.auto()
    SENT = enum.auto()


def publish(run: Run, close: Callable[[], Run]) -> str:
    """Publishes the summary of the run that `close` returns, unless it was published before. Returns its MessageId.

    `close` is called only by the attempt that publishes. Raises SummaryNotConfirmed where an earlier attempt failed after it
    may have published: a failed execution is better than a summary that is sent twice or lost silently.
    """
    checks = list(details.failing(run))
    summary, owner = _id(run.execution_arn), str(uuid.uuid4())  # Lambda reuses its request ID in asynchronous retries
    claimed = claim(summary, owner)
    if isinstance(claimed, Held):
        raise _not_confirmed(run, "an earlier attempt did not finish")
    if isinstance(claimed, Done):
        return _message_id(run, claimed.result)
    try:
        sent = _send(message.summary(close(), checks))
    except Exception:
        release(summary, owner)  # it was not sent, so the step may be retried
        raise
    complete(summary, owner, sent)
    if "MessageId" in sent:
        logger.info("summary published", extra=sent)
        measure({"Runs": (MetricUnit.Count, 1)}, ("Status", sent["Status"]), ExecutionArn=run.execution_arn)
    return _message_id(run, sent)


def progress(execution_arn: str) -> Progress:
    """Returns how far publishing the summary of an execution has come."""
    found = find(_id(execution_arn))
    if found is None:
        return Progress.NOT_STARTED
    return Progress.SENT if isinstance(found, Done) and "MessageId" in found.result else Progress.UNKNOWN


def _send(summary: message.Summary) -> dict[str, str]:
    """Returns MessageId and Status, or Unanswered where SNS may or may not have the message. Raises where it does not."""
    # Prepared before the try: an error here sends nothing, so that the claim is released and the step may be retried.
    client, topic = sns(), environment().results_topic
    subject, body, attributes = summary.subject, summary.body(), summary.attributes()
    try:
        answer = client.publish(
            TopicArn=topic, Subject=subject, Message=body, MessageStructure="json", MessageAttributes=attributes
        )
    except Exception as error:
        if _was_refused(error):
            raise
        return {"Unanswered": f"{type(error).__name__}: {error}"}  # returned, so that the claim remembers it
    return {"MessageId": answer["MessageId"], "Status": summary.status}


def _was_refused(error: Exception) -> bool:
    """Returns whether SNS refused the message or was never reached. If it failed or did not answer, it may have the message."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
    return isinstance(error, EndpointConnectionError | ConnectTimeoutError | NoCredentialsError | ParamValidationError)


def _message_id(run: Run, sent: dict[str, str]) -> str:
    if "Unanswered" in sent:
        raise _not_confirmed(run, sent["Unanswered"])
    return sent["MessageId"]


def _not_confirmed(run: Run, why: str) -> SummaryNotConfirmed:
    return SummaryNotConfirmed(
        f"the summary of {run.execution_arn} may already have been published, so it is not published again: {why}"
    )


def _id(execution_arn: str) -> str:
    return claim_id("Summary", execution_arn)
