"""Publishing messages to the topic, once each; the summary of a run, whether SendQCSummary or CloseRun does it."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from pipeline import details, message, outcomes, report, runs
from pipeline.aws import sns
from pipeline.claims import Done, Held, claim, claim_id, complete, find, release
from pipeline.environment import environment
from pipeline.errors import SummaryNotConfirmed
from pipeline.model import Run
from pipeline.observe import logger, measure
from stream_qc.results import Result

Sent = dict[str, str]  # MessageId and Status, or Unanswered: why SNS may or may not have the message


REFUSED = "Refused"


class Message(Protocol):
    """What is published: to email as text, to programs as JSON."""

    @property
    def status(self) -> str: ...

    @property
    def subject(self) -> str: ...

    def body(self) -> str: ...

    def attributes(self) -> dict[str, Any]: ...


class Progress(enum.Enum):
    """How far publishing a summary has come. UNKNOWN: it was started, and the summary may have been sent."""

    NOT_STARTED = enum.auto()
    UNKNOWN = enum.auto()
    SENT = enum.auto()


def publish(run: Run) -> str:
    """Publishes the summary of a run that has ended, unless it was published before, and notes in its row whether it was.

    Returns the MessageId. Raises SummaryNotConfirmed where an earlier attempt failed after it may have published: a failed
    execution is better than a summary that is sent twice or lost silently.
    """
    try:
        checks = list(details.failing(run))
        outcomes.note(run, checks)
        message_id = _publish_once(run, checks)
    except Exception:
        _note_failure(run)
        raise
    runs.set_notified(run, notified=True)
    return message_id


def _note_failure(run: Run) -> None:
    """Notes that the summary was not published. What keeps it from being published may also keep this from being noted."""
    try:
        runs.set_notified(run, notified=False)
    except (ClientError, BotoCoreError):
        logger.exception("the row does not say that the summary was not published")


def _publish_once(run: Run, checks: list[Result]) -> str:
    sent, is_new = send_once(_id(run.execution_arn), lambda: _summary(run, checks))
    if is_new and "MessageId" in sent:
        logger.info("summary published", extra=sent)
        measure({"Runs": (MetricUnit.Count, 1)}, ("Status", sent["Status"]), ExecutionArn=run.execution_arn)
    if "Unanswered" in sent:
        raise SummaryNotConfirmed(
            f"the summary of {run.execution_arn} may already have been published, so it is not published again: "
            f"{sent['Unanswered']}"
        )
    return sent["MessageId"]


def _summary(run: Run, checks: list[Result]) -> Message:
    key = report.key_of(run)
    if key is None:
        return message.summary(run, checks)
    return message.summary(replace(run, report_key=key), checks, report.link(key))


def send_once(claim_id: str, write: Callable[[], Message]) -> tuple[Sent, bool]:
    """Publishes the message that `write` returns, unless it was published before. Returns what came of it, and whether it is new.

    Raises where SNS does not take it, or where it cannot be written; it may then be sent later.
    """
    owner = str(uuid.uuid4())  # Lambda reuses its request ID in asynchronous retries
    claimed = claim(claim_id, owner)
    if isinstance(claimed, Held):
        return {"Unanswered": "an earlier attempt did not finish"}, False
    if isinstance(claimed, Done):
        return claimed.result, False
    try:
        sent = _send(write())
    except Exception:
        release(claim_id, owner)  # it was not sent, so the step may be retried
        raise
    complete(claim_id, owner, sent)
    return sent, True


def announce_once(claim_id: str, write: Callable[[], Message]) -> Sent:
    """Publishes a message, for a caller that holds a lock. Returns what came of it.

    Where an attempt was killed before it published, the next one publishes; where it may have published, none does.
    """
    owner = "announce"
    claimed = claim(claim_id, owner)
    if isinstance(claimed, Done) and REFUSED not in claimed.result:
        return dict(claimed.result)
    message = write()
    complete(claim_id, owner, {"Unanswered": "an earlier attempt did not finish"})
    try:
        sent = _send(message)
    except Exception:
        complete(claim_id, owner, {REFUSED: "it may be sent later"})
        raise
    complete(claim_id, owner, sent)
    return sent


def progress(execution_arn: str) -> Progress:
    """Returns how far publishing the summary of an execution has come."""
    found = find(_id(execution_arn))
    if found is None:
        return Progress.NOT_STARTED
    return Progress.SENT if isinstance(found, Done) and "MessageId" in found.result else Progress.UNKNOWN


def _send(summary: Message) -> Sent:
    """Returns MessageId and Status, or Unanswered where SNS may or may not have the message. Raises where it does not."""
    # Prepared before the try: an error here sends nothing, so that the claim is released and the step may be retried.
    client, topic = sns(), environment().results_topic
    subject, body, attributes = summary.subject, summary.body(), summary.attributes()
    try:
        answer = client.publish(
            TopicArn=topic, Subject=subject, Message=body, MessageStructure="json", MessageAttributes=attributes
        )
    except Exception as error:
        if was_refused(error):
            raise
        return {"Unanswered": f"{type(error).__name__}: {error}"}  # returned, so that the claim remembers it
    return {"MessageId": answer["MessageId"], "Status": summary.status}


def was_refused(error: Exception) -> bool:
    """Returns whether SNS refused the message or was never reached. If it failed or did not answer, it may have the message."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
    return isinstance(error, EndpointConnectionError | ConnectTimeoutError | NoCredentialsError | ParamValidationError)


def _id(execution_arn: str) -> str:
    return claim_id("Summary", execution_arn)
