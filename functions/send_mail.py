"""SendMail: sends one mail for the messages that the outbox holds.

In: EventBridge's scheduled event; its `time` names the window, which has one mail. Out: counts: Messages, Mailed, NotWanted
(by emailFor), Repeated (mailed before). Raises what SNS answers where it refuses the mail: its messages stay in the outbox.
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.mailing import send
from pipeline.model import Payload
from pipeline.observe import logger, measure, step
from pipeline.times import over_after


@step
def handler(event: Payload, context: LambdaContext) -> Payload:
    counts = send(str(event["time"]), over_after(context.get_remaining_time_in_millis())).to_payload()
    if counts["Messages"]:
        logger.info("mail", extra=counts)
        measure({"MessagesMailed": (MetricUnit.Count, counts["Mailed"])})
    return counts
