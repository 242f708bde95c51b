"""CloseRun: marks a failed or stopped run as ERROR, unless it has a verdict, and sends its summary.

In: the state machine's payload when StartQC or EndQC failed; EventBridge's "Step Functions Execution Status Change" of an
execution that failed, timed out or was stopped; or ExecutionArn alone, from Reconcile. Nothing changes where the summary was
published and the row is closed. A run without a row gets one, unless its upload has a run in another execution.
Out: the MessageId, or RepeatOf. Raises SummaryNotConfirmed as SendQCSummary does.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.closing import close, find_or_create
from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.observe import logger, name_run, step
from pipeline.publishing import publish


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    execution = Execution.from_close_run(event)
    if (failure := execution.failure) is None:
        return {"Ignored": f"{execution.arn} did not fail"}

    run = find_or_create(execution, failure)
    name_run(run)
    if run.execution_arn != execution.arn:
        logger.info("this upload already has a run", extra={"RepeatOf": run.qcpid})
        return {"RepeatOf": run.qcpid}

    return {"MessageId": publish(close(run, failure))}
