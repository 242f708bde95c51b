"""ListStreams: lists the files of a rerun in bulk, or those that are left of one that was stopped.

In: ExecutionArn, ExecutionStart and Input, the input of the execution. Out: RerunID, List, Files, Left, MaxConcurrency,
ToleratedFailurePercentage; Rules for a what-if. Raises InvalidInput, RerunUnderWay and RunsStillEnding.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.observe import step
from reruns.planning import plan


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    return plan(Execution.from_step(event))
