"""Executions that broke off, as EventBridge or the state machine tells of them, and the runs that they were.

An execution is here the `detail` of a "Step Functions Execution Status Change": executionArn, status, input, startDate in
milliseconds, error, cause.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pipeline import keys, runs
from pipeline.aws import stepfunctions

# How an execution can break off, with the words for it where it has none of its own.
BROKEN_OFF = {
    "TIMED_OUT": ("States.Timeout", "the execution took longer than it may"),
    "ABORTED": ("ExecutionAborted", "the execution was stopped before it had ended"),
    "FAILED": ("ExecutionFailed", "the execution failed"),
}
CAUSE_CHARACTERS = 4000


def run_of(execution: dict[str, Any], given: dict[str, Any]) -> runs.Run:
    """The row of the execution that was started with this input, or what the input says of the run where there is none."""
    asked = upload_in(given) or given
    run: runs.Run = {
        "QCPID": runs.qcpid(execution["executionArn"], started(execution)),
        "ExecutionArn": execution["executionArn"],
        **keys.named_in(asked),
    }
    if not keys.is_id(run.get("GroupID")):
        return run
    return runs.find(run["GroupID"], run["ExecutionArn"], started(execution)) or run


def input_of(execution: dict[str, Any]) -> dict[str, Any]:
    """What the execution was started with; empty where that is no object."""
    text = execution.get("input")
    if text is None:  # an event has no room for a long one
        text = stepfunctions().describe_execution(executionArn=execution["executionArn"])["input"]
    given = json.loads(text)
    return given if isinstance(given, dict) else {}


def upload_in(given: dict[str, Any]) -> dict[str, Any] | None:
    """GroupID, StreamID, Key, and VersionId or Sequencer where the input is an upload's event, as the state machine tells it."""
    if given.get("source") != "aws.s3" or given.get("detail-type") != "Object Created":
        return None
    detail = given.get("detail")
    found = detail.get("object") if isinstance(detail, dict) else None
    found = found if isinstance(found, dict) else {}
    named = {"Key": "key", "VersionId": "version-id", "Sequencer": "sequencer"}
    return {
        **keys.ids_in(str(found.get("key", "")))._asdict(),
        **{name: found[raw] for name, raw in named.items() if raw in found},
    }


def started(execution: dict[str, Any]) -> str:
    """When the execution was started, as the state machine writes it."""
    start = dt.datetime.fromtimestamp(execution["startDate"] / 1000, dt.UTC)
    return start.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error_of(execution: dict[str, Any]) -> str:
    return execution.get("error") or BROKEN_OFF[execution["status"]][0]


def cause_of(execution: dict[str, Any]) -> str:
    """Why it broke off, for people: of a Lambda's error, which is told as JSON, its message."""
    cause = execution.get("cause") or BROKEN_OFF[execution["status"]][1]
    try:
        said = json.loads(cause)["errorMessage"]
    except (ValueError, TypeError, KeyError):
        said = cause
    return str(said)[:CAUSE_CHARACTERS]
