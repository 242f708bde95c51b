"""Publishing the message about an execution of the second state machine, once."""

from __future__ import annotations

from pipeline.claims import claim_id
from pipeline.errors import SummaryNotConfirmed
from pipeline.execution import Execution
from pipeline.observe import logger
from pipeline.publishing import Message, send_once


def publish(execution: Execution, message: Message) -> None:
    """Publishes the message, unless one about this execution was published before.

    Raises SummaryNotConfirmed where an earlier attempt failed after it may have published.
    """
    sent, is_new = send_once(claim_id("RerunSummary", execution.arn), lambda: message)
    if "Unanswered" in sent:
        raise SummaryNotConfirmed(
            f"the message about {execution.arn} may already have been published, so it is not published again: "
            f"{sent['Unanswered']}"
        )
    if is_new:
        logger.info("rerun told", extra={"ExecutionArn": execution.arn, **sent})


def fitting(text: str, most: int) -> str:
    """Returns the text, or its beginning in at most so many bytes."""
    content = text.encode()
    return text if len(content) <= most else f"{content[: most - 8].decode(errors='ignore')}\n…"
