"""The state machine: a run of Stream QC, drawn in docs/pipeline.svg.

    Upload? ─┬─ the key ends in / ──► FolderMarker (end)
             ├─ TakeIDsFromKey ───┐
             └─ TakeIDsFromInput ─┴► StartQC ─┬─ RUNNING ──► QCProcesses 1, 2, 3 ──► EndQC ─┐
                                              ├─ REPEATED ─► AlreadyChecked (end)            │
                                              └─ REJECTED, ERROR ────────────────────────────┴► SendQCSummary ─┐
                                                   Passed, Failed (end) ◄── Verdict? ◄─────────────────────────┘
             StartQC, EndQC ── break ──► CloseRun ──► Broke (the execution fails) ◄─┘

A process that breaks ends in its own branch. What CloseRun does here it does for every execution that breaks off elsewhere.
Expressions are JSONata. What a step hands on is the row of the run; StartQC's output is the same for an upload and a rerun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.functions import Functions
from stacks.review import ANY, accept, aws_managed_key, versions_of
from stacks.storage import Storage

# Failures that pass: Lambda's own, and AWS's inside a function (pipeline.errors). Never States.ALL: a mistake stays one.
TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "TemporaryFailure",
]
# A burst can hold a small account's Lambdas busy for long, and an upload that waits is better than one that is lost. It may
# wait for another delivery of the same upload, too, which is starting the run that this one then finds.
WAITING = ["Lambda.TooManyRequestsException", "UploadBeingStarted"]
BACKOFF: dict[str, Any] = {"interval": Duration.seconds(1), "backoff_rate": 2, "jitter_strategy": sfn.JitterType.FULL}

UPLOADED = '$states.input.source = "aws.s3" and $states.input.`detail-type` = "Object Created"'
FOLDER_MARKER = '$substring($states.input.detail.object.key, -1) = "/"'
EXECUTION = '"ExecutionArn": $states.context.Execution.Id, "ExecutionStart": $states.context.Execution.StartTime'
# streams/<GroupID>/<StreamID>.<ext> or streams/<GroupID>/<StreamID>/<any/path>.<ext>. The key is raw: it is never URL-decoded.
# The endings in both cases, letter by letter: what /i takes for the same letter differs between JSONata's implementations.
ENDING = (
    r"/\.(([cC][sS][vV]|[nN][dD][jJ][sS][oO][nN]|[jJ][sS][oO][nN][lL])(\.([gG][zZ]|[zZ][sS][tT]))?"
    r"|[pP][aA][rR][qQ][uU][eE][tT])$/"
)
IDS_FROM_KEY = (
    r"""(
    $object := $states.input.detail.object;
    $parts := $split($object.key, "/");
    $name := $count($parts) = 3 ? $replace($parts[2], """
    + ENDING
    + r""", "") : $parts[2];
    {
        "Trigger": "upload",
        "GroupID": $count($parts) > 2 ? $parts[1],
        "StreamID": $name,
        "Key": $object.key,
        "VersionId": $object.`version-id`,
        "Sequencer": $object.sequencer,
        """
    + EXECUTION
    + """
    }
)"""
)
IDS_FROM_INPUT = (
    """$merge([
    $type($states.input) = "object"
        ? $sift($states.input, function($v, $k) { $k in ["GroupID", "StreamID", "Key", "VersionId"] }) : {},
    {"Trigger": "rerun", """
    + EXECUTION
    + "}])"
)
# A Lambda's error carries JSON in its Cause, of which errorMessage is the part for people; Lambda's own errors carry text.
ERROR_AND_CAUSE = r"""
    "Error": $states.errorOutput.Error,
    "Cause": (
        $cause := $string($states.errorOutput.Cause);
        $said := $contains($cause, /^\s*\{/) ? $parse($cause).errorMessage;
        $substring($exists($said) ? $string($said) : $cause, 0, 4000)
    )"""
# What EventBridge will say of this execution, said now (pipeline.executions). A long input CloseRun looks up, as it does then.
BROKEN_EXECUTION = """(
    $given := $type($states.context.Execution.Input) = "object" ? $string($states.context.Execution.Input) : "{}";
    {"detail": {
        "executionArn": $states.context.Execution.Id,
        "startDate": $toMillis($states.context.Execution.StartTime),
        "input": $length($given) < 30000 ? $given : null,
        "status": "FAILED",
        "error": $states.input.Error,
        "cause": $states.input.Cause
    }}
)"""


class QCStateMachine(sfn.StateMachine):
    def __init__(self, scope: Construct, functions: Functions, storage: Storage) -> None:
        log_group = logs.LogGroup(
            scope,
            "StateMachineLogs",
            # This prefix keeps the log group out of the account's resource policy, which has little room.
            log_group_name=f"/aws/vendedlogs/states/{Stack.of(scope).stack_name}",
            encryption_key=storage.key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        super().__init__(
            scope,
            "QC",
            # A name of its own: CloseRun, which the machine invokes, may look up executions of this name, and neither
            # could be made before the other if the name were not known.
            state_machine_name=Stack.of(scope).stack_name,
            definition_body=sfn.DefinitionBody.from_chainable(_definition(scope, functions)),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            timeout=Duration.hours(12),  # the longest that a step can be tried, and tried again, with the waits between
        )
        if not storage.key:
            aws_managed_key(log_group, "CKV_AWS_158")
        accept(self, ANY, reason="X-Ray, and the delivery of the log, take * only")
        for step in functions.steps:
            accept(
                self,
                versions_of(step),
                reason="the CDK's LambdaInvoke allows a function's versions, of which there are none",
            )


def _definition(scope: Construct, functions: Functions) -> sfn.IChainable:
    broke = sfn.Fail.jsonata(
        scope, "Broke", error=_jsonata("$states.input.Error"), cause=_jsonata("$states.input.Cause")
    )
    close = _invoke(scope, "CloseRun", functions.close_run, payload=BROKEN_EXECUTION, outputs="$states.input")
    close.add_catch(broke, errors=["States.ALL"], outputs=_jsonata("$states.input"))  # EventBridge has it tried again
    close.next(broke)
    broken_off = _jsonata(f"{{{ERROR_AND_CAUSE}}}")

    send = _invoke(scope, "SendQCSummary", functions.send_qc_summary, outputs="$states.input")
    send.next(
        sfn.Choice.jsonata(scope, "Verdict?")
        .when(_condition('$states.input.Status = "PASS"'), _ending(scope, "Passed"))
        .when(_condition('$states.input.Status = "FAIL"'), _ending(scope, "Failed"))
        .otherwise(broke)
    )

    end = _invoke(scope, "EndQC", functions.end_qc, payload='$merge([$run, {"Results": $states.input}])')
    end.add_catch(close, errors=["States.ALL"], outputs=broken_off)
    end.next(send)

    processes = sfn.Parallel.jsonata(scope, "QCProcesses")
    processes.branch(
        *(_process(scope, number, function) for number, function in enumerate(functions.processes, start=1))
    )
    processes.next(end)

    # The run is a variable, too: what comes out of the processes is the list of their answers alone.
    start = _invoke(
        scope,
        "StartQC",
        functions.start_qc,
        assign={"run": _jsonata("$states.result.Payload")},
    )
    start.add_catch(close, errors=["States.ALL"], outputs=broken_off)
    start.next(
        sfn.Choice.jsonata(scope, "Started?")
        .when(_condition('$states.input.Status = "RUNNING"'), processes)
        .when(_condition('$states.input.Status = "REPEATED"'), _ending(scope, "AlreadyChecked"))
        .otherwise(send)
    )

    return (
        sfn.Choice.jsonata(scope, "Upload?")
        .when(
            _condition(f"{UPLOADED} and {FOLDER_MARKER}"),
            sfn.Pass.jsonata(scope, "FolderMarker", outputs={"Ignored": _jsonata("$states.input.detail.object.key")}),
        )
        .when(
            _condition(UPLOADED),
            sfn.Pass.jsonata(scope, "TakeIDsFromKey", outputs=_jsonata(IDS_FROM_KEY)).next(start),
        )
        .otherwise(sfn.Pass.jsonata(scope, "TakeIDsFromInput", outputs=_jsonata(IDS_FROM_INPUT)).next(start))
    )


def _process(scope: Construct, number: int, function: lambda_.Function) -> sfn.IChainable:
    """One QC process. What breaks in it is caught here, in its own branch, so that its siblings finish."""
    broke = sfn.Pass.jsonata(scope, f"QCProcess{number}Broke")
    process = _invoke(scope, f"QCProcess{number}", function)
    return process.add_catch(
        broke,
        errors=["States.ALL"],
        outputs=_jsonata(f'{{"Process": {number}, "Pass": 0,{ERROR_AND_CAUSE}}}'),
    )


def _invoke(
    scope: Construct,
    name: str,
    function: lambda_.Function,
    *,
    payload: str = "$states.input",
    outputs: str = "$states.result.Payload",
    assign: Mapping[str, str] | None = None,
) -> tasks.LambdaInvoke:
    """A step that is a Lambda: the state's input goes in, its answer comes out, and what passes is tried again."""
    step = tasks.LambdaInvoke.jsonata(
        scope,
        f"Invoke{name}",
        state_name=name,
        lambda_function=function,
        payload=sfn.TaskInput.from_text(_jsonata(payload)),
        outputs=_jsonata(outputs),
        assign=assign,
        retry_on_service_exceptions=False,  # its list lacks throttling, and its delays lack jitter
    )
    step.add_retry(errors=TRANSIENT, max_attempts=8, max_delay=Duration.seconds(60), **BACKOFF)
    step.add_retry(errors=WAITING, max_attempts=30, max_delay=Duration.seconds(300), **BACKOFF)
    return step


def _ending(scope: Construct, name: str) -> sfn.Pass:
    """An end that succeeds, with what a person looks for in an execution's output."""
    shown = [
        "GroupID",
        "StreamID",
        "QCPID",
        "StartTime",
        "Status",
        "TotalPass",
        "RepeatOf",
        "Key",
        "VersionId",
    ]
    names = ", ".join(f'"{field}"' for field in shown)
    return sfn.Pass.jsonata(
        scope, name, outputs=_jsonata(f"$sift($states.input, function($v, $k) {{ $k in [{names}] }})")
    )


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(_jsonata(expression))


def _jsonata(expression: str) -> str:
    return f"{{% {expression} %}}"
