"""StartQC: decides which file, which version and which rules, and puts the run's row into QCSummary.

In: ExecutionArn, ExecutionStart and Input, the execution's input: S3's event of an upload, or a person's rerun.
Out: the run. Status is RUNNING; REPEATED where the upload already has a run (`RepeatOf` names it); REJECTED or ERROR, with
Error and Cause, where there is nothing to check. Raises UploadBeingStarted.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.observe import step
from pipeline.starting import start


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    return start(Execution.from_step(event)).to_payload()
