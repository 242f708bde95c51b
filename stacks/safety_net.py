"""What catches what falls through: runs that break off, uploads that are never delivered, and alarms for people."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.functions import Functions
from stacks.review import accept
from stacks.settings import Settings
from stacks.storage import Storage
from stacks.trigger import UploadTrigger, dead_letters


class SafetyNet:
    """CloseRun for every execution that fails, times out or is stopped; Reconcile every few hours; alarms on the rest."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        storage: Storage,
        functions: Functions,
        machine: sfn.StateMachine,
        trigger: UploadTrigger,
    ) -> None:
        unclosed = dead_letters(scope, "UnclosedRuns", storage)
        events.Rule(
            scope,
            "BrokeOffRule",
            description="An execution failed, timed out or was stopped: close its row, send its message",
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
                    functions.close_run,
                    dead_letter_queue=unclosed,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
        # EventBridge's queue takes what it cannot hand to Lambda, Lambda's what breaks in the function.
        functions.close_run.configure_async_invoke(
            on_failure=destinations.SqsDestination(unclosed), retry_attempts=2, max_event_age=Duration.hours(6)
        )
        if storage.key and functions.close_run.role:
            accept(
                functions.close_run.role,
                "AwsSolutions-IAM5[Action::kms:GenerateDataKey*]",
                "AwsSolutions-IAM5[Action::kms:ReEncrypt*]",
                reason="how the CDK lets a function's failures into an encrypted queue, with this one key",
            )
        functions.reconcile.add_environment("STATE_MACHINE", machine.state_machine_arn)
        functions.reconcile.add_environment("CLOSE_RUN", functions.close_run.function_name)
        events.Rule(
            scope,
            "ReconcileSchedule",
            description="Look for uploads that never became a run",
            schedule=events.Schedule.rate(Duration.hours(settings.reconcile_hours)),
            targets=[targets.LambdaFunction(functions.reconcile)],
        )

        self._scope = scope
        self._alarms = sns.Topic(
            scope, "Alarms", display_name="Stream QC alarms", master_key=storage.key, enforce_ssl=True
        )
        if not storage.key:
            accept(
                self._alarms,
                "CKV_AWS_26",
                reason="CloudWatch cannot publish under AWS's own key, and an alarm holds no data; -c kms=true encrypts it",
            )
        # The policy that asks for TLS takes the place of the default one, under which alarms may publish.
        self._alarms.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self._alarms.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
            )
        )
        for address in settings.alarm_emails:
            self._alarms.add_subscription(subscriptions.EmailSubscription(address))
        self._queue_alarm("UndeliveredUploads", trigger.undelivered, "uploads could not be delivered: make redrive")
        self._queue_alarm("UnclosedRuns", unclosed, "runs broke off and could not be closed: see its messages")
        for name, metric, ended in (
            ("FailedRuns", machine.metric_failed, "failed"),
            ("TimedOutRuns", machine.metric_timed_out, "timed out"),
            ("StoppedRuns", machine.metric_aborted, "were stopped"),
        ):
            self._alarm(name, metric(), f"runs {ended}: breakdowns, and uploads that name no stream")
        self._alarm(
            "ReconcileErrors",
            functions.reconcile.metric_errors(period=Duration.hours(1)),
            "lost uploads could not be looked for: see the log of Reconcile",
        )

    def _queue_alarm(self, name: str, queue: sqs.Queue, what: str) -> None:
        metric = queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
        )
        self._alarm(name, metric, what)

    def _alarm(self, name: str, metric: cloudwatch.IMetric, what: str) -> None:
        """An alarm at the first that there is."""
        alarm = cloudwatch.Alarm(
            self._scope,
            f"{name}Alarm",
            alarm_description=f"Stream QC: {what}",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._alarms))
