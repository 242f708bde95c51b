"""The safety net: closes runs that fail, and finds uploads that are never delivered."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.functions import Functions
from stacks.queues import dead_letters, send_failures_to
from stacks.schedules import invoke_every
from stacks.settings import Settings
from stacks.storage import Storage


class SafetyNet:
    """Invokes CloseRun for every execution that fails, times out or is stopped, and Reconcile every few hours.

    `unclosed`: the queue of the failed executions whose run CloseRun could not close.
    """

    def __init__(
        self, scope: Construct, settings: Settings, storage: Storage, functions: Functions, machine: sfn.StateMachine
    ) -> None:
        self.unclosed = dead_letters(scope, "UnclosedRuns", storage)
        self.rule = _close_failed_runs(scope, functions.close_run, machine, self.unclosed)
        _reconcile(scope, settings, functions, machine)


def _close_failed_runs(
    scope: Construct, close_run: lambda_.Function, machine: sfn.StateMachine, unclosed: sqs.Queue
) -> events.Rule:
    """Invokes CloseRun for every unsuccessful execution, and returns the rule that does.

    EventBridge's dead letters are the events that it cannot hand to Lambda, Lambda's those on which the function fails.
    """
    rule = events.Rule(
        scope,
        "FailedRunRule",
        description="An execution failed, timed out or was stopped: close its run and send the summary",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={
                "stateMachineArn": [machine.state_machine_arn],
                "status": ["FAILED", "TIMED_OUT", "ABORTED"],
            },
        ),
        targets=[
            targets.LambdaFunction(
                close_run, dead_letter_queue=unclosed, max_event_age=Duration.hours(24), retry_attempts=185
            )
        ],
    )
    send_failures_to(close_run, unclosed)
    return rule


def _reconcile(scope: Construct, settings: Settings, functions: Functions, machine: sfn.StateMachine) -> None:
    functions.reconcile.add_environment("STATE_MACHINE", machine.state_machine_arn)
    functions.reconcile.add_environment("CLOSE_RUN", functions.close_run.function_name)
    invoke_every(
        scope,
        "ReconcileSchedule",
        functions.reconcile,
        Duration.hours(settings.reconcile_hours),
        "Look for uploads that never became a run, and for failed runs that were not closed",
    )
