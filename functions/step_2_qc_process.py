"""QCProcess1, 2 and 3: reads the file's version from S3, runs the checks of one process, marks the row and the details.

In: the row of the run. Out: Process, Pass, Rows and, where there is more to say, Message.
Raises InvalidRules, StreamNotFound; the state machine turns whatever breaks here into an ERROR result of this process.
"""

from __future__ import annotations

import os
import time
from typing import BinaryIO, cast

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import objects, runs
from pipeline.observe import Event, Handler, logger, metrics, step
from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.results import Report
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.vocabulary import PROCESSES


def process(number: int) -> Handler:
    """The handler of one process."""

    @step
    def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
        began = time.perf_counter()
        report = check(event, number)
        record(event, report)
        seconds = time.perf_counter() - began
        logger.info(
            "process done",
            extra={
                "Process": number,
                "Pass": report.passed,
                "Rows": report.rows,
                "Seconds": round(seconds, 3),
            },
        )
        metrics.add_dimension("Process", PROCESSES[number])
        metrics.add_metric("Rows", MetricUnit.Count, report.rows)
        metrics.add_metric("Bytes", MetricUnit.Bytes, int(event["Size"]))
        metrics.add_metric("Seconds", MetricUnit.Seconds, seconds)
        return {
            "Process": number,
            "Pass": int(report.passed),
            "Rows": report.rows,
            **({"Message": report.message} if report.message else {}),
        }

    return handler


def check(run: runs.Run, number: int) -> Report:
    """The report of one process on the run's file, under the run's rules."""
    form = format_of(run["Key"])
    assert form is not None, run["Key"]  # noqa: S101  # StartQC let it through
    rules = rules_of(run)

    def stream() -> BinaryIO:
        return cast("BinaryIO", objects.read(run["Key"], run["VersionId"]))

    return check_stream(stream, form, rules, [number])[number]


def rules_of(run: runs.Run) -> Rules:
    """The rules that StartQC found for the run, in that very version. Raises InvalidRules."""
    if "RulesKey" not in run:
        return BUILT_IN
    return load(objects.read(run["RulesKey"], run["RulesVersionId"]).read())


def record(run: runs.Run, report: Report) -> None:
    """Writes the report: one item a check, then the flag, so that a flag never stands before what it rests on."""
    days = int(os.environ.get("DETAILS_DAYS", "0"))
    runs.put_details(
        run, (result.item() for result in report.results), int(time.time()) + days * 86400 if days else None
    )
    values = {f"Process{report.process}Pass": int(report.passed)}
    runs.update(run, values | ({"Rows": report.rows} if report.process == 1 else {}))


structure = process(1)
values = process(2)
continuity = process(3)
