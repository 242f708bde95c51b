"""EndRerun: publishes the message at the end of a rerun in bulk or a what-if, once, and writes the list of its results.

In: ExecutionArn, ExecutionStart and Input, with Error and Cause if the map has failed; or EventBridge's "Step Functions
Execution Status Change" of an execution that failed, timed out or was stopped. Out: RerunID, Files, how many ended in each
status, and Results. Raises SummaryNotConfirmed.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.observe import step
from reruns.ending import tell


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    return tell(Execution.from_close_run(event))
