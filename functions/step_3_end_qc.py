"""EndQC: decides the verdict from the results of the three processes, and closes the row.

In: the run with Results, the list of three. Out: the run as it ended, with Error and Cause where a process could not run.
Raises RunClosed where the run was closed in another way before.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.ending import end
from pipeline.model import Payload, Run
from pipeline.observe import step


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    return end(Run.from_payload(event)).to_payload()
