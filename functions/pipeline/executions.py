"""Executions that ended otherwise than by their last state, as EventBridge tells of them, and the runs that they were.

An execution is here the `detail` of a "Step Functions Execution Status Change".
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pipeline import keys, runs
from pipeline.aws import stepfunctions

WORDS = {
    "TIMED_OUT": ("States.Timeout", "the execution took longer than it may"),
    "ABORTED": ("ExecutionAborted", "the execution was stopped before it had ended"),
    "FAILED": ("ExecutionFailed", "the execution failed"),
}


def run_of(execution: dict[str, Any]) -> runs.Run:
    """The row of the execution, or what its input says of the run where there is none."""
    asked = asked_of(execution)
    run: runs.Run = {"ExecutionArn": execution["executionArn"], **asked}
    if not keys.is_id(asked.get("GroupID")):
        return run
    return runs.find(asked["GroupID"], execution["executionArn"], started(execution)) or {
        **run,
        "QCPID": runs.qcpid(execution["executionArn"], started(execution)),
    }


def asked_of(execution: dict[str, Any]) -> dict[str, str]:
    """The IDs, the key and the version that the execution was started with, as far as they are there."""
    text = execution.get("input")
    if text is None:  # an event has no room for a long one
        text = stepfunctions().describe_execution(executionArn=execution["executionArn"])["input"]
    given = json.loads(text)
    given = given if isinstance(given, dict) else {}
    if (
        given.get("source") == "aws.s3" and given.get("detail-type") == "Object Created"
    ):  # as the state machine tells it
        detail = given.get("detail")
        found = detail.get("object") if isinstance(detail, dict) else None
        found = found if isinstance(found, dict) else {}
        key = str(found.get("key", ""))
        given = {**keys.ids_in(key)._asdict(), "Key": key, "VersionId": found.get("version-id")}
    return {
        name: given[name] for name in ("GroupID", "StreamID", "Key", "VersionId") if isinstance(given.get(name), str)
    }


def started(execution: dict[str, Any]) -> str:
    """When the execution was started, as the state machine writes it."""
    start = dt.datetime.fromtimestamp(execution["startDate"] / 1000, dt.UTC)
    return start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
