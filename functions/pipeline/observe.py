"""The logger and the metrics of every Lambda, and the wrapper around every handler."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.aws import raise_transient_as_temporary
from pipeline.model import Payload, Run

logger = Logger(log_uncaught_exceptions=False, use_rfc3339=True)
metrics = Metrics()

Handler = Callable[[Payload, LambdaContext], Payload]
LOGGED = ("QCPID", "GroupID", "StreamID")  # on every line


def step(handle: Handler) -> Handler:
    """Wraps a handler: its log lines name the run, its errors are logged, and transient AWS errors are TemporaryFailure."""

    @functools.wraps(handle)
    def handler(event: Payload, context: LambdaContext) -> Payload:
        with logger.append_context_keys(
            function_request_id=context.aws_request_id, **{name: event.get(name) for name in LOGGED}
        ):
            try:
                return raise_transient_as_temporary(handle)(event, context)
            except Exception:
                logger.exception("the step failed")
                raise

    return handler


def name_run(run: Run) -> None:
    """Puts the run's IDs on every log line from now on, for a step whose event does not hold them."""
    logger.append_keys(QCPID=run.qcpid, GroupID=run.group_id, StreamID=run.stream_id)


def measure(
    values: Mapping[str, tuple[MetricUnit, float]], dimension: tuple[str, str] | None = None, **more: str
) -> None:
    """Sends metrics, by name, under this dimension. `more` is logged as metadata, not as a dimension."""
    if dimension:
        metrics.add_dimension(*dimension)
    for name, text in more.items():
        metrics.add_metadata(name, text)
    for name, (unit, value) in values.items():
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
