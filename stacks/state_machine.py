"""The state machine: a run of Stream QC, drawn in docs/pipeline.svg.

    Folder? ─┬─ an upload whose key ends in / ─► FolderMarker (end)
             └─ upload, rerun ─► StartQC ─┬─ RUNNING ─────────► QCProcesses 1, 2, 3 ─► EndQC ─┐
                                          ├─ a large file ────► its parts (parts.py) ─► EndQC ┤
                                          ├─ REPEATED ────────► AlreadyChecked (end)          │
                                          └─ REJECTED, ERROR ─────────────────────────────────┴► SendQCSummary
                    SendQCSummary ─► WriteReport ─► Verdict?
                    Verdict? ─┬─ flags are asked for ─► WriteFlags ─► VerdictAfterFlags?, with the same ends
                              ├─ PASS ─► Passed (end)
                              ├─ FAIL ─► Failed (end)
                              └─ REJECTED, ERROR ─► RunError (the execution fails)
             StartQC, EndQC ── an error ──► CloseRun ─► RunError

A process that cannot run ends in its own branch, so its siblings finish. CloseRun does here what it does for every execution
that fails elsewhere. Expressions are JSONata. Each step passes on the run; StartQC reads the input of the execution, an
upload's event or a rerun's fields, and its output is the same for both.
"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import parts
from stacks.functions import Functions
from stacks.review import ANY, accept, aws_managed_key, versions_of
from stacks.settings import Settings
from stacks.steps import ERROR_AND_CAUSE, EXECUTION, FAILED_EXECUTION, condition, invoke, jsonata
from stacks.storage import Storage

FOLDER_MARKER = """
    $states.input.source = "aws.s3" and $states.input.`detail-type` = "Object Created"
    and $type($states.input.detail.object.key) = "string" and $substring($states.input.detail.object.key, -1) = "/"
"""


class QCStateMachine(sfn.StateMachine):
    def __init__(self, scope: Construct, functions: Functions, storage: Storage, settings: Settings) -> None:
        super().__init__(
            scope,
            "QC",
            # An explicit name: the machine invokes CloseRun, whose role names the machine's executions. With a generated
            # name each would have to be created before the other.
            state_machine_name=Stack.of(scope).stack_name,
            definition_body=sfn.DefinitionBody.from_chainable(_definition(scope, functions, storage, settings)),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            tracing_enabled=True,
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(storage.key) if storage.key else None,
            logs=logged(scope, "StateMachineLogs", Stack.of(scope).stack_name, storage),
            timeout=Duration.hours(12),  # the longest that a step can take with all its retries and waits
        )
        accept(self, ANY, reason="X-Ray and log delivery accept only *")
        for step in functions.steps:
            step.grant_invoke(self)
            reason = "executions that were started before a deployment invoke the versions of that time"
            accept(self, versions_of(step), reason=reason)


def logged(scope: Construct, name: str, machine: str, storage: Storage) -> sfn.LogOptions:
    """Returns how the executions of a state machine of this name are logged: without their data."""
    log_group = logs.LogGroup(
        scope,
        name,
        # This prefix keeps the log group out of the account's resource policy, which has little room.
        log_group_name=f"/aws/vendedlogs/states/{machine}",
        encryption_key=storage.key,
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=RemovalPolicy.DESTROY,
    )
    if not storage.key:
        aws_managed_key(log_group, "CKV_AWS_158")
    return sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False)


def _definition(scope: Construct, functions: Functions, storage: Storage, settings: Settings) -> sfn.IChainable:
    broke = sfn.Fail.jsonata(
        scope, "RunError", error=jsonata("$states.input.Error"), cause=jsonata("$states.input.Cause")
    )
    close = invoke(scope, "CloseRun", functions.close_run, payload=FAILED_EXECUTION, outputs="$states.input")
    close.add_catch(broke, errors=["States.ALL"], outputs=jsonata("$states.input"))  # EventBridge invokes it again
    close.next(broke)
    broken_off = jsonata(f"{{{ERROR_AND_CAUSE}}}")

    send = invoke(scope, "SendQCSummary", functions.send_qc_summary, outputs="$states.input")
    passed, failed = _ending(scope, "Passed"), _ending(scope, "Failed")

    def by_verdict(choice: sfn.Choice) -> sfn.Choice:
        choice.when(condition('$states.input.Status = "PASS"'), passed)
        return choice.when(condition('$states.input.Status = "FAIL"'), failed).otherwise(broke)

    verdict = sfn.Choice.jsonata(scope, "Verdict?")
    if functions.write_flags:  # for runs whose rules ask for the flags of every row; it changes no verdict, either
        flags = invoke(scope, "WriteFlags", functions.write_flags, outputs="$states.input", attempts=5)
        after = by_verdict(sfn.Choice.jsonata(scope, "VerdictAfterFlags?"))
        flags.add_catch(after, errors=["States.ALL"], outputs=jsonata("$states.input"))
        flags.next(after)
        verdict.when(condition("$exists($states.input.Results[Flags != ''])"), flags)
    by_verdict(verdict)
    if functions.write_report:
        # After the summary, which does not wait for it. What it cannot write changes no verdict, and its alarm rings.
        write = invoke(scope, "WriteReport", functions.write_report, outputs="$states.input", attempts=5)
        write.add_catch(verdict, errors=["States.ALL"], outputs=jsonata("$states.input"))
        send.next(write)
        write.next(verdict)
    else:
        send.next(verdict)

    end = invoke(scope, "EndQC", functions.end_qc, payload='$merge([$run, {"Results": $states.input}])')
    end.add_catch(close, errors=["States.ALL"], outputs=broken_off)
    end.next(send)

    processes = sfn.Parallel.jsonata(scope, "QCProcesses")
    processes.branch(
        *(_process(scope, number, function) for number, function in enumerate(functions.processes, start=1))
    )
    processes.next(end)

    # The run is also a variable, because the output of the processes is only the list of their results.
    start = invoke(
        scope,
        "StartQC",
        functions.start_qc,
        payload=EXECUTION,
        assign={"run": jsonata("$states.result.Payload")},
    )
    start.add_catch(close, errors=["States.ALL"], outputs=broken_off)
    started = sfn.Choice.jsonata(scope, "Started?")
    if functions.plan_parts and functions.count_rows and storage.results:
        bucket, at_once = storage.results, settings.parts_at_once
        in_parts = sfn.Parallel.jsonata(scope, "QCProcessesInParts")
        in_parts.branch(
            *(
                parts.checked(scope, number, function, bucket, at_once)
                for number, function in enumerate(functions.processes, start=1)
            )
        )
        in_parts.next(end)
        cut = parts.planned(
            scope,
            functions.plan_parts,
            functions.count_rows,
            bucket,
            at_once,
            in_parts=in_parts,
            in_one_pass=processes,
            failed=close,
        )
        started.when(condition("$exists($states.input.InParts)"), cut)
    start.next(
        started.when(condition('$states.input.Status = "RUNNING"'), processes)
        .when(condition('$states.input.Status = "REPEATED"'), _ending(scope, "AlreadyChecked"))
        .otherwise(send)
    )

    marker = sfn.Pass.jsonata(scope, "FolderMarker", outputs={"Ignored": jsonata("$states.input.detail.object.key")})
    return sfn.Choice.jsonata(scope, "Folder?").when(condition(FOLDER_MARKER), marker).otherwise(start)


def _process(scope: Construct, number: int, function: lambda_.Function) -> sfn.IChainable:
    """Returns one QC process. Its errors are caught in its own branch, so that its siblings finish."""
    broke = sfn.Pass.jsonata(scope, f"QCProcess{number}Error")
    process = invoke(scope, f"QCProcess{number}", function, payload="$run")
    return process.add_catch(
        broke,
        errors=["States.ALL"],
        outputs=jsonata(f'{{"Process": {number}, "Pass": 0,{ERROR_AND_CAUSE}}}'),
    )


def _ending(scope: Construct, name: str) -> sfn.Pass:
    """Returns a successful end, with the fields that a person looks for in the output of an execution."""
    shown = ["GroupID", "StreamID", "QCPID", "StartTime", "Status", "TotalPass", "RepeatOf", "Key", "VersionId"]
    names = ", ".join(f'"{field}"' for field in shown)
    return sfn.Pass.jsonata(
        scope, name, outputs=jsonata(f"$sift($states.input, function($v, $k) {{ $k in [{names}] }})")
    )
