"""QCProcess1, 2 and 3: reads the file's version from S3, runs the checks of one process, writes details and flag.

In: the run. Out: Process, Pass, Rows and, where a sentence is needed, Message. For one part of a large file, in: the run, with
Part; out: Process. After its parts, a run has InParts, and their findings are merged. Raises InvalidRules, StreamNotFound,
FileTooLarge, PartMissing and RunClosed; the state machine turns an error into this process's result.
"""

from __future__ import annotations

import time

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.checking import check, check_part
from pipeline.model import Payload, Run
from pipeline.observe import Handler, logger, measure, step
from stream_qc.vocabulary import PROCESSES


def process(number: int) -> Handler:
    """Returns the handler of one process."""

    @step
    def handler(event: Payload, _context: LambdaContext) -> Payload:
        began, run = time.perf_counter(), Run.from_payload(event)
        if "Part" in event:
            check_part(run, number, event["Part"])
            return {"Process": number}
        result = check(run, number)
        seconds, rows = time.perf_counter() - began, result.rows or 0
        logger.info("process done", extra={**result.to_payload(), "Seconds": round(seconds, 3)})
        sizes = {"Rows": (MetricUnit.Count, rows), "Bytes": (MetricUnit.Bytes, run.file.size)}
        measure({**sizes, "Seconds": (MetricUnit.Seconds, seconds)}, ("Process", PROCESSES[number]))
        return result.to_payload()

    return handler


structure = process(1)
values = process(2)
continuity = process(3)
