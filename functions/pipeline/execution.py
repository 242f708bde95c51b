"""Executions of the state machine, read from what the state machine, EventBridge or Step Functions says of them."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.aws import stepfunctions
from pipeline.environment import environment
from pipeline.model import Failure

# The error and the cause of an execution that ended with none of its own, by its status.
DEFAULT_FAILURES = {
    "TIMED_OUT": Failure("States.Timeout", "the execution took longer than its timeout"),
    "ABORTED": Failure("ExecutionAborted", "the execution was stopped before it ended"),
    "FAILED": Failure("ExecutionFailed", "the execution failed"),
}
UNSUCCESSFUL = tuple(DEFAULT_FAILURES)
CAUSE_CHARACTERS = 4000
QCPID_NAMESPACE = uuid.UUID("6f1f6ad5-3c0a-4d8b-9a53-0a6c8a4f0a11")


@dataclass(frozen=True)
class Execution:
    """An execution. started: UTC, in milliseconds. input: what it was started with. failure: why it did not succeed."""

    arn: str
    started: dt.datetime
    input: Any
    failure: Failure | None = None

    @property
    def qcpid(self) -> str:
        """The id of the execution's run: the same for every attempt of every step."""
        return str(uuid.uuid5(QCPID_NAMESPACE, f"{self.arn} {self.started:%Y-%m-%dT%H:%M:%S}.{self._millisecond:03}Z"))

    @property
    def _millisecond(self) -> int:
        return self.started.microsecond // 1000

    @classmethod
    def from_step(cls, payload: Mapping[str, Any]) -> Execution:
        """Returns the execution that the state machine passes to a step, with Error and Cause if another step failed."""
        failure = _failure("FAILED", payload["Error"], payload.get("Cause")) if "Error" in payload else None
        return cls(payload["ExecutionArn"], _utc(payload["ExecutionStart"]), payload["Input"], failure)

    @classmethod
    def from_event(cls, detail: Mapping[str, Any]) -> Execution:
        """Returns the execution in the `detail` of EventBridge's "Step Functions Execution Status Change"."""
        arn, started, text = detail["executionArn"], _utc(detail["startDate"]), detail.get("input")
        failure = _failure(detail["status"], detail.get("error"), detail.get("cause"))
        if text is not None:
            return cls(arn, started, json.loads(text), failure)
        # EventBridge leaves out a long input and, under a customer's key, all data.
        described = cls.described(arn)
        return cls(arn, started, described.input, failure if "error" in detail else described.failure or failure)

    @classmethod
    def described(cls, arn: str) -> Execution:
        """Returns the execution as Step Functions describes it."""
        found = stepfunctions().describe_execution(executionArn=arn)
        failure = _failure(found["status"], found.get("error"), found.get("cause"))
        return cls(arn, _utc(found["startDate"]), json.loads(found["input"]), failure)

    @classmethod
    def from_close_run(cls, event: Mapping[str, Any]) -> Execution:
        """Returns the execution that CloseRun was invoked for: by EventBridge, by the state machine, or by ARN alone."""
        if "detail" in event:
            return cls.from_event(event["detail"])
        return cls.from_step(event) if "Input" in event else cls.described(event["ExecutionArn"])


def arn_in(event: Mapping[str, Any]) -> str:
    """Returns the ARN of the execution that CloseRun was invoked for. Raises KeyError and TypeError for another event."""
    return str(event["detail"]["executionArn"] if "detail" in event else event["ExecutionArn"])


def _failure(status: str, error: str | None, cause: str | None) -> Failure | None:
    if status not in DEFAULT_FAILURES:
        return None
    default = DEFAULT_FAILURES[status]
    return Failure(error or default.error, _for_people(cause or default.cause)[:CAUSE_CHARACTERS])


def _for_people(cause: str) -> str:
    """Returns the message in the cause of a failed Lambda, which is JSON, or the cause itself."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause


def _utc(time: str | float | dt.datetime) -> dt.datetime:
    """Returns a time as UTC: ISO 8601 text, milliseconds since 1970, or a datetime."""
    if isinstance(time, str):
        time = dt.datetime.fromisoformat(time)
    elif not isinstance(time, dt.datetime):
        time = dt.datetime.fromtimestamp(time / 1000, dt.UTC)
    return time.astimezone(dt.UTC)


def unsuccessful(since: dt.datetime, settled: dt.datetime) -> Iterator[str]:
    """Returns the ARNs of the executions started after `since` that failed, timed out or were stopped before `settled`."""
    pages = stepfunctions().get_paginator("list_executions")
    for status in UNSUCCESSFUL:
        found = pages.paginate(stateMachineArn=environment().state_machine, statusFilter=status)  # type: ignore[arg-type]
        newest_first = (execution for page in found for execution in page["executions"])
        for execution in itertools.takewhile(lambda one: one["startDate"] >= since, newest_first):
            if execution["stopDate"] <= settled:
                yield execution["executionArn"]
