"""SendQCSummary: publishes the summary of a run to the topic, once.

In: the run as it ended or was refused. Out: the MessageId. Raises SummaryNotConfirmed where an earlier attempt failed after
it may have published.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.model import Payload, Run
from pipeline.observe import step
from pipeline.publishing import publish


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    run = Run.from_payload(event)
    return {"MessageId": publish(run)}
