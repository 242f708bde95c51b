"""Executions that an execution starts and waits for, as on AWS.

MiniStack runs them inside the task: a second one of the same name replaces the first, they send no events, and the end of the
execution that started them does not stop them.
"""

from __future__ import annotations

import contextvars
import json
import time
from typing import Any

from ministack.services import stepfunctions

WAIT_SECONDS = 0.02
_child: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("child", default=None)


def start_executions_by_name() -> None:
    """Starts nested executions as StartExecution does, and stops them, and what a map has not begun, with their parent."""
    run = stepfunctions._run_sub_machine

    def run_child(states: Any, start: Any, given: Any, execution: dict[str, Any], ctx: Any) -> Any:
        if "mapRunArn" not in execution:
            return run(states, start, given, execution, ctx)
        _refuse_if_stopped(execution)
        token = _child.set(execution)
        try:
            return run(states, start, given, execution, ctx)
        finally:
            _child.reset(token)

    stepfunctions._run_sub_machine = run_child
    stepfunctions._invoke_nested_start_execution_sync = _start_and_wait


def _start_and_wait(resource: str, given: dict[str, Any]) -> dict[str, Any]:
    status, _, body = stepfunctions._start_execution(stepfunctions._nested_start_execution_request(given))
    answer = json.loads(body)
    if status >= 400:
        error = str(answer.get("__type", "SfnException")).rpartition("#")[2].removesuffix("Exception")
        raise stepfunctions._ExecutionError(f"StepFunctions.{error}Exception", answer.get("message", ""))
    arn = answer["executionArn"]
    execution = stepfunctions._executions[arn]
    while execution["status"] == "RUNNING" or not execution["stopDate"]:
        if _is_stopped(_child.get()):
            stepfunctions._stop_execution({"executionArn": arn})
        time.sleep(WAIT_SECONDS)
    if execution["status"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", f"{arn} ended with status {execution['status']}")
    output = execution.get("output") or "{}"
    return {
        "ExecutionArn": arn,
        "Name": execution["name"],
        "Status": execution["status"],
        "Output": json.loads(output) if resource.endswith(":2") else output,
    }


def _refuse_if_stopped(child: dict[str, Any]) -> None:
    if _is_stopped(child):
        raise stepfunctions._ExecutionError("States.TaskFailed", "the execution of the map was stopped")


def _is_stopped(child: dict[str, Any] | None) -> bool:
    if child is None:
        return False
    parent = stepfunctions._map_runs[child["mapRunArn"]]["executionArn"]
    return bool(stepfunctions._executions[parent]["status"] != "RUNNING")
