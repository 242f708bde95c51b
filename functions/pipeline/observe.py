"""The logger and the metrics of every Lambda, and what is the same around each handler."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.aws import passing_failures_named

# Not every step has something to measure.
warnings.filterwarnings("ignore", message="No application metrics to publish")
logger = Logger(log_uncaught_exceptions=False, use_rfc3339=True)
metrics = Metrics()

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Event]
LOGGED = ("QCPID", "GroupID", "StreamID")  # on every line


def step(handle: Callable[[Event, LambdaContext], Event]) -> Handler:
    """A handler of the state machine: its log lines name the run, its metrics are sent, its passing failures are named."""

    @functools.wraps(handle)
    @metrics.log_metrics
    def handler(event: Event, context: LambdaContext) -> Event:
        with logger.append_context_keys(
            function_request_id=context.aws_request_id, **{name: event.get(name) for name in LOGGED}
        ):
            try:
                return passing_failures_named(handle)(event, context)
            except Exception:
                logger.exception("the step broke")
                raise

    return handler
