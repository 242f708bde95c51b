"""The second state machine: reruns in bulk, and rules tried before they count.

    ListStreams ─► Rules? ─┬─ no ───► RerunFiles (a map): a run of the first state machine for each file ─┐
                           └─ Rules ► TryFiles (a map): TryRules for each file, which writes no row ──────┴► EndRerun
    ListStreams ── an error ──► RerunRefused            RerunFiles, TryFiles ── an error ──► EndStoppedRerun ─► RerunStopped

The list of the files is in the results bucket. A child answers with one character: the answers of all of them are one payload.
EndRerun publishes one message; EventBridge invokes it for an execution that was stopped.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.encryption import use_of
from stacks.functions import RerunFunctions
from stacks.review import ANY, accept, all_objects, children_of, nested_executions_of, versions_of
from stacks.state_machine import logged
from stacks.steps import BACKOFF, ERROR_AND_CAUSE, EXECUTION, FAILED_EXECUTION, condition, invoke, jsonata
from stacks.storage import Storage

MAPS = ("RerunFiles", "TryFiles")
ANSWER = jsonata("1")
# What Step Functions says where it cannot start an execution now.
NOT_STARTED = [
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SfnException",
]


class RerunStateMachine(sfn.StateMachine):
    """The state machine, and `rule`, which tells EndRerun of executions that failed, timed out or were stopped."""

    def __init__(self, scope: Construct, reruns: RerunFunctions, storage: Storage, runs: sfn.StateMachine) -> None:
        if storage.results is None:
            raise ValueError("the lists of reruns are in the results bucket, which this stack does not have")
        super().__init__(
            scope,
            "Reruns",
            state_machine_name=f"{Stack.of(scope).stack_name}-Reruns",
            definition_body=sfn.DefinitionBody.from_chainable(_definition(scope, reruns, storage.results, runs)),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            tracing_enabled=True,
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(storage.key) if storage.key else None,
            logs=logged(scope, "RerunLogs", f"{Stack.of(scope).stack_name}-Reruns", storage),
            timeout=Duration.days(14),
        )
        accept(self, ANY, reason="X-Ray and log delivery accept only *")
        for step in reruns.steps:
            step.grant_invoke(self)
            reason = "executions that were started before a deployment invoke the versions of that time"
            accept(self, versions_of(step), reason=reason)
        accept(self, all_objects(storage.results), reason="the construct lets its maps read the bucket of their lists")
        accept(self, *children_of(self, MAPS), reason="the children of a map, whose names are not known at deployment")
        accept(
            self, nested_executions_of(runs), reason="the runs that it starts, whose names are not known at deployment"
        )
        if storage.key:  # under which the lists are, and the executions that it starts
            self.add_to_role_policy(use_of(storage.key))
        self.rule = _tell_of_stopped(scope, reruns.end_rerun, self)


def _definition(
    scope: Construct, functions: RerunFunctions, bucket: s3.IBucket, runs: sfn.StateMachine
) -> sfn.IChainable:
    told = jsonata(f"{{{ERROR_AND_CAUSE}}}")
    refused, stopped = _failed(scope, "RerunRefused"), _failed(scope, "RerunStopped")
    end = invoke(scope, "EndRerun", functions.end_rerun, payload=EXECUTION)
    tell = invoke(
        scope,
        "EndStoppedRerun",
        functions.end_rerun,
        payload=FAILED_EXECUTION,
        outputs="$states.input",
    ).next(stopped)

    run = tasks.StepFunctionsStartExecution.jsonata(
        scope,
        "RerunFile",
        state_machine=runs,
        integration_pattern=sfn.IntegrationPattern.RUN_JOB,
        input=sfn.TaskInput.from_text(jsonata("$states.input.Input")),
        name=jsonata("$states.input.Name"),
        outputs=ANSWER,
    )
    run.add_retry(errors=NOT_STARTED, max_attempts=45, max_delay=Duration.seconds(300), **BACKOFF)
    run.add_catch(
        sfn.Pass.jsonata(scope, "AlreadyRun", outputs=ANSWER),
        errors=["StepFunctions.ExecutionAlreadyExistsException"],
    )
    index = "$string($states.context.Map.Item.Index)"
    files = _map(
        scope,
        "RerunFiles",
        run,
        bucket,
        f"""{{
            "Name": $rerun.Name & "-" & {index},
            "Input": $merge([$states.context.Map.Item.Value, {{"RerunID": $rerun.RerunID}}])
        }}""",
    )
    tried = _map(
        scope,
        "TryFiles",
        invoke(scope, "TryRules", functions.try_rules, outputs="1", attempts=5),
        bucket,
        """$merge([$states.context.Map.Item.Value, {
            "RerunID": $rerun.RerunID, "Rules": $rerun.Rules, "Number": $states.context.Map.Item.Index
        }])""",
    )
    for each in (files, tried):
        each.add_catch(tell, errors=["States.ALL"], outputs=told)
        each.next(end)

    plan = invoke(
        scope,
        "ListStreams",
        functions.list_streams,
        payload=EXECUTION,
        assign={"rerun": jsonata("$states.result.Payload")},
    )
    # Runs that were stopped end within seconds. One that CloseRun could not close in half an hour is left to Reconcile.
    plan.add_retry(errors=["RunsStillEnding"], max_attempts=60, max_delay=Duration.seconds(60), **BACKOFF)
    plan.add_catch(refused, errors=["States.ALL"], outputs=told)
    asks = sfn.Choice.jsonata(scope, "Rules?")
    asks.when(condition("$rerun.Left = 0"), end)  # a map of nothing
    return plan.next(asks.when(condition("$exists($rerun.Rules)"), tried).otherwise(files))


class _RerunMap(sfn.DistributedMap):
    """A map whose pace is that which the input asks for: the construct takes numbers, and no expressions for them."""

    def to_state_json(self, top_level_query_language: sfn.QueryLanguage | None = None) -> Any:
        """Returns the state as the definition has it."""
        names = ("MaxConcurrency", "ToleratedFailurePercentage")
        return {
            **super().to_state_json(top_level_query_language),
            **{name: jsonata(f"$rerun.{name}") for name in names},
        }


def _map(scope: Construct, name: str, child: sfn.IChainable, bucket: s3.IBucket, selector: str) -> sfn.DistributedMap:
    """Returns a map over the list that ListStreams has written."""
    return _RerunMap(
        scope,
        f"{name}Map",
        state_name=name,
        query_language=sfn.QueryLanguage.JSONATA,
        item_reader=sfn.S3JsonItemReader(bucket=bucket, key=jsonata("$rerun.List")),
        jsonata_item_selector=jsonata(selector),
        label=name,
        outputs={},
    ).item_processor(child, mode=sfn.ProcessorMode.DISTRIBUTED, execution_type=sfn.ProcessorType.STANDARD)


def _failed(scope: Construct, name: str) -> sfn.Fail:
    return sfn.Fail.jsonata(scope, name, error=jsonata("$states.input.Error"), cause=jsonata("$states.input.Cause"))


def _tell_of_stopped(scope: Construct, end_rerun: lambda_.Function, machine: sfn.StateMachine) -> events.Rule:
    """Invokes EndRerun for every unsuccessful execution; one that has told already is not told twice."""
    return events.Rule(
        scope,
        "FailedRerunRule",
        description="A rerun in bulk failed, timed out or was stopped: send its message",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [machine.state_machine_arn], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
        ),
        targets=[targets.LambdaFunction(end_rerun, max_event_age=Duration.hours(24), retry_attempts=185)],
    )
