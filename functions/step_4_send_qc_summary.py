"""SendQCSummary: writes the summary of a run and publishes it to the topic, once.

In: the run as it ended or was refused. Out: the MessageId.
Raises SummaryNotConfirmed where an earlier attempt broke after it may have published.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.observe import Event, step
from pipeline.publishing import publish


@step
def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    return publish(event, lambda: event)
