"""What the steps of the state machine have in common: how a Lambda is invoked and retried, and how its error is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

# What passes by itself: failures of Lambda, throttles (a burst can keep a small account's Lambdas busy for long), AWS's failures
# inside a function (pipeline.errors), and another delivery of the same upload that is starting the run. An upload that waits is
# better than one that is lost. Never States.ALL: a mistake stays one.
TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "TemporaryFailure",
    "UploadBeingStarted",
]
# They last 94 minutes on average, by full jitter, so that an hour in which a service refuses everything is waited out.
ATTEMPTS = 45
BACKOFF: dict[str, Any] = {"interval": Duration.seconds(1), "backoff_rate": 2, "jitter_strategy": sfn.JitterType.FULL}

# What a function receives about the execution; pipeline.request reads the input, pipeline.execution the rest.
EXECUTION = """{
    "ExecutionArn": $states.context.Execution.Id,
    "ExecutionStart": $states.context.Execution.StartTime,
    "Input": $states.context.Execution.Input
}"""
FAILED_EXECUTION = f"$merge([{EXECUTION}, $states.input])"

# The Cause of a function's error is JSON with errorMessage for people; Lambda's own errors carry text.
ERROR_AND_CAUSE = r"""
    "Error": $states.errorOutput.Error,
    "Cause": (
        $cause := $string($states.errorOutput.Cause);
        $said := $contains($cause, /^\s*\{/) ? $parse($cause).errorMessage;
        $substring($exists($said) ? $string($said) : $cause, 0, 4000)
    )"""


def invoke(
    scope: Construct,
    name: str,
    function: lambda_.Function,
    *,
    payload: str = "$states.input",
    outputs: str = "$states.result.Payload",
    assign: Mapping[str, str] | None = None,
    attempts: int = ATTEMPTS,
) -> tasks.LambdaInvoke:
    """Returns a step that invokes a Lambda with the state's input, outputs its result, and retries transient failures."""
    step = tasks.LambdaInvoke.jsonata(
        scope,
        f"Invoke{name}",
        state_name=name,
        lambda_function=function.current_version,  # an execution that is running keeps its code
        payload=sfn.TaskInput.from_text(jsonata(payload)),
        outputs=jsonata(outputs),
        assign=assign,
        retry_on_service_exceptions=False,  # its list lacks throttling, and its delays lack jitter
    )
    step.add_retry(errors=TRANSIENT, max_attempts=attempts, max_delay=Duration.seconds(300), **BACKOFF)
    return step


def condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(jsonata(expression))


def jsonata(expression: str) -> str:
    return f"{{% {expression} %}}"
