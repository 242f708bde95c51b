"""CountRows: counts the rows between two cuts of a large file, and makes sure that each line is a row.

In: the run, with Cut: number, start and end. Out: Number. Raises StreamNotFound.
"""

from __future__ import annotations

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import parts
from pipeline.model import Payload, Run
from pipeline.observe import step
from stream_qc.parts.cutting import Cut


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    cut = msgspec.convert(event["Cut"], Cut)
    parts.count(Run.from_payload(event), cut)
    return {"Number": cut.number}
