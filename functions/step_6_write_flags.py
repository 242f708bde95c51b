"""WriteFlags: writes the flags of every row of a run, and the clean rows and the others apart, where its rules ask for them.

In: the run as it ended. Out: FlagsKey and, with `split`, CleanKey and QuarantineKey. Whatever it raises changes no verdict.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.checking import rules_of
from pipeline.flag_tables import write
from pipeline.model import Payload, Run
from pipeline.observe import logger, step
from pipeline.runs import RESULT_ATTRIBUTES


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    item = write(Run.from_payload(event), rules_of).to_item()
    keys = {name: item[name] for name in RESULT_ATTRIBUTES if name in item}
    logger.info("flags written", extra=keys)
    return keys
