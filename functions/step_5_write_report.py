"""WriteReport: writes the page of a run from what its processes have left in the results bucket, after the summary was sent.

In: the run as it ended. Out: ReportKey, or nothing for a run that checked no file. Whatever it raises changes no verdict.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.model import Payload, Run
from pipeline.observe import logger, step
from pipeline.report_page import write


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    key = write(Run.from_payload(event))
    if key is None:
        return {}
    logger.info("report written", extra={"ReportKey": key})
    return {"ReportKey": key}
