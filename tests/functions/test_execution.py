"""Executions as the state machine, EventBridge and Step Functions tell of them."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from pipeline.execution import CAUSE_CHARACTERS, Execution, arn_in
from pipeline.model import Failure
from tests.functions.cloud import SETTINGS, Cloud

ARN = "arn:aws:states:eu-west-1:123456789012:execution:StreamQC:a"
START = dt.datetime(2026, 11, 23, 8, 0, 0, 250_000, tzinfo=dt.UTC)
INPUT = {"GroupID": "g", "StreamID": "s"}
STEP = {"ExecutionArn": ARN, "ExecutionStart": "2026-11-23T08:00:00.250Z", "Input": INPUT}
DETAIL = {"executionArn": ARN, "startDate": 1795420800250, "status": "FAILED", "input": json.dumps(INPUT)}


def test_every_source_gives_the_same_execution() -> None:
    failure = Failure("E", "c")
    step = Execution.from_close_run({**STEP, "Error": "E", "Cause": "c"})
    event = Execution.from_close_run({"source": "aws.states", "detail": {**DETAIL, "error": "E", "cause": "c"}})
    assert step == event == Execution(ARN, START, INPUT, failure)
    assert Execution.from_step(STEP) == Execution(ARN, START, INPUT)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("FAILED", Failure("ExecutionFailed", "the execution failed")),
        ("TIMED_OUT", Failure("States.Timeout", "the execution took longer than its timeout")),
        ("ABORTED", Failure("ExecutionAborted", "the execution was stopped before it ended")),
        ("SUCCEEDED", None),
        ("RUNNING", None),
    ],
)
def test_execution_without_an_error_of_its_own_is_named_by_its_status(status: str, failure: Failure | None) -> None:
    assert Execution.from_event({**DETAIL, "status": status}).failure == failure


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ('{"errorMessage": "no such row", "errorType": "KeyError"}', "no such row"),
        ("The function returned an error", "The function returned an error"),
        ('{"message": "Rate exceeded"}', '{"message": "Rate exceeded"}'),
        ("[1]", "[1]"),
        ("x" * 10_000, "x" * CAUSE_CHARACTERS),
    ],
)
def test_cause_is_the_part_for_people(cause: str, shown: str) -> None:
    assert Execution.from_event({**DETAIL, "error": "E", "cause": cause}).failure == Failure("E", shown)


def test_long_input_is_looked_up(cloud: Cloud) -> None:
    arn = cloud.sfn.start_execution(stateMachineArn=SETTINGS["STATE_MACHINE"], input=json.dumps(INPUT))["executionArn"]
    found = Execution.from_event({**DETAIL, "executionArn": arn, "input": None, "error": "E"})
    assert (found.input, found.started, found.failure) == (INPUT, START, Failure("E", "the execution failed"))
    cloud.sfn.stop_execution(executionArn=arn)
    described = Execution.from_close_run({"ExecutionArn": arn})
    assert described.failure == Failure("ExecutionAborted", "the execution was stopped before it ended")
    assert described.input == INPUT


def test_arn_is_found_in_every_event_of_close_run() -> None:
    assert arn_in(STEP) == arn_in({"detail": DETAIL}) == arn_in({"ExecutionArn": ARN}) == ARN
    with pytest.raises(KeyError):
        arn_in({"source": "somebody"})


def test_qcpid_names_the_execution_and_its_start() -> None:
    execution = Execution(ARN, START, INPUT)
    assert execution.qcpid == Execution(ARN, START + dt.timedelta(microseconds=900), None).qcpid
    assert execution.qcpid != Execution(ARN, START + dt.timedelta(days=120), INPUT).qcpid  # a name that is used again
    assert execution.qcpid != Execution(ARN + "b", START, INPUT).qcpid
