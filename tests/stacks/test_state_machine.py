"""The state machine's definition, which the emulator hardly checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonata import Jsonata

from tests.bursts import model
from tests.stacks.template import STEPS, Template, as_list

TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "TemporaryFailure",
    "UploadBeingStarted",
]


# Steps whose function has another name.
OTHERS = {
    "CutFile": "PlanParts",
    "NumberRows": "PlanParts",
    "CountRowsOfPart": "CountRows",
    **{f"QCProcess{number}{what}": f"QCProcess{number}" for number in (1, 2, 3) for what in ("Part", "Merge")},
}


def machines(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine and each branch inside it."""
    yield definition
    for state in definition["States"].values():
        for branch in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            yield from machines(branch)


def states(template: Template) -> dict[str, dict[str, Any]]:
    return {name: state for machine in machines(template.definition()) for name, state in machine["States"].items()}


def followers(state: dict[str, Any]) -> set[str]:
    catches = [one["Next"] for one in state.get("Catch", [])]
    choices = [one["Next"] for one in state.get("Choices", [])]
    return {*catches, *choices, *(state[name] for name in ("Next", "Default") if name in state)}


def test_states_are_all_reachable_and_no_next_dangles(template: Template) -> None:
    for machine in machines(template.definition()):
        reached, waiting = set(), {machine["StartAt"]}
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting |= followers(machine["States"][name]) - reached  # a KeyError here is a dangling Next
        assert reached == set(machine["States"])


def test_state_has_exactly_one_way_to_continue(template: Template) -> None:
    for name, state in states(template).items():
        ways = [state.get("End") is True, "Next" in state, state["Type"] in ("Choice", "Fail")]
        assert sum(ways) == 1, name
        assert state["Type"] != "Choice" or "Default" in state, name


def test_machine_is_standard_jsonata_traced_logged_and_times_out(template: Template) -> None:
    machine = template.properties("AWS::StepFunctions::StateMachine", "QC")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["Destinations"]
    assert template.properties("AWS::Logs::LogGroup", "StateMachineLogs")["LogGroupName"].startswith(
        "/aws/vendedlogs/states/"
    )
    assert template.definition()["QueryLanguage"] == "JSONata"
    assert template.definition()["TimeoutSeconds"] == 12 * 3600


@pytest.mark.parametrize("name", [*(one for one in STEPS if one not in ("PlanParts", "CountRows")), *OTHERS])
def test_lambda_step_retries_transient_errors_only_with_full_jitter(template: Template, name: str) -> None:
    backoff = {"IntervalSeconds": 1, "BackoffRate": 2, "JitterStrategy": "FULL"}
    attempts = 5 if name.startswith("Write") else 45
    assert states(template)[name]["Retry"] == [
        {"ErrorEquals": TRANSIENT, "MaxAttempts": attempts, "MaxDelaySeconds": 300, **backoff},
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_branch_catches_its_own_errors(template: Template, number: int) -> None:
    branch = template.definition()["States"]["QCProcesses"]["Branches"][number - 1]
    (catch,) = branch["States"][f"QCProcess{number}"]["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]
    assert branch["States"][catch["Next"]]["End"] is True


def test_failed_start_or_end_goes_through_close_run(template: Template) -> None:
    top = template.definition()["States"]
    for name in ("StartQC", "CutFile", "CountRows", "NumberRows", "EndQC"):
        (catch,) = top[name]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "CloseRun")
    assert top["CloseRun"]["Next"] == "RunError"
    # What breaks here EventBridge has CloseRun try again; the execution fails as what first broke.
    (catch,) = top["CloseRun"]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"], catch["Output"]) == (["States.ALL"], "RunError", "{% $states.input %}")
    assert "Catch" not in top["SendQCSummary"]
    for name, following in {
        "WriteReport": "Verdict?",
        "WriteFlags": "VerdictAfterFlags?",
    }.items():  # they change no verdict
        (catch,) = top[name]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"], top[name]["Next"]) == (["States.ALL"], following, following)
        assert catch["Output"] == "{% $states.input %}"
    first, *others = top["Verdict?"]["Choices"]
    assert first["Next"] == "WriteFlags"
    assert (others, top["Verdict?"]["Default"]) == (
        top["VerdictAfterFlags?"]["Choices"],
        top["VerdictAfterFlags?"]["Default"],
    )
    assert top["RunError"] == {
        "Type": "Fail",
        "Error": "{% $states.input.Error %}",
        "Cause": "{% $states.input.Cause %}",
    }


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)
    elif isinstance(value, str) and value.startswith("{%"):
        yield value[2:-2]


def test_expressions_are_valid_jsonata(template: Template) -> None:
    found = list(expressions(template.definition()))
    assert found
    for expression in found:
        Jsonata(expression)


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ('{"errorMessage": "no such row", "errorType": "KeyError"}', "no such row"),
        (' \n{"errorMessage": "a"}', "a"),
        ("The Lambda function returned an error", "The Lambda function returned an error"),
        ("", ""),
        ('{"message": "Rate exceeded"}', '{"message": "Rate exceeded"}'),
    ],
)
def test_cause_of_an_error_is_its_message(template: Template, cause: str, shown: str) -> None:
    (catch,) = states(template)["QCProcess2"]["Catch"]
    expression = Jsonata(re.sub(r"^{%|%}$", "", catch["Output"]))
    expression.assign("states", {"errorOutput": {"Error": "KeyError", "Cause": cause}, "input": {}})
    # Step Functions has $parse; the library has not.
    expression.register_lambda("parse", json.loads)
    assert expression.evaluate(None) == {"Process": 2, "Pass": 0, "Error": "KeyError", "Cause": shown}


def test_lambda_step_passes_on_its_result(template: Template) -> None:
    for name, state in states(template).items():
        if state["Type"] == "Task":
            assert state["Resource"].endswith(":states:::lambda:invoke")
            assert state["Arguments"]["FunctionName"] == OTHERS.get(name, name)
            assert as_list(state["Output"]) == [
                "{% $states.input %}"
                if name in ("SendQCSummary", "WriteReport", "WriteFlags", "CloseRun")
                else "{% $states.result.Payload %}"
            ]


def test_bursts_are_simulated_with_the_retries_of_the_machine(template: Template) -> None:
    (retry,) = states(template)["StartQC"]["Retry"]
    assert (retry["MaxAttempts"], retry["MaxDelaySeconds"]) == (model.ATTEMPTS, model.LONGEST_WAIT)
