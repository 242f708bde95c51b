"""PlanParts: decides how a large file is cut into parts, first by its size and then, with its rows counted, exactly.

In: the run; the second time with Counted. Out: the run, without InParts if its file must be checked in one pass. Raises
FileTooLarge and StreamNotFound.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import parts
from pipeline.checking import rules_of
from pipeline.model import Payload, Run
from pipeline.observe import step
from stream_qc.errors import InvalidRules


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    run = Run.from_payload(event)
    plan = parts.number if event.get("Counted") else parts.cut
    try:
        in_parts = plan(run, rules_of(run))
    except InvalidRules:  # which the processes tell
        in_parts = False
    return replace(run, in_parts=in_parts).to_payload()
