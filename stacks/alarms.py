"""Alarms for the people who operate Stream QC, on a topic of their own."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.functions import Functions
from stacks.review import accept
from stacks.safety_net import SafetyNet
from stacks.settings import Settings
from stacks.storage import Storage
from stacks.trigger import UploadTrigger


class Alarms:
    """Six alarms: uploads that could not be delivered, runs that failed and runs that could not be closed, Reconcile."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        storage: Storage,
        functions: Functions,
        machine: sfn.StateMachine,
        trigger: UploadTrigger,
        safety_net: SafetyNet,
    ) -> None:
        self._scope = scope
        self._topic = _topic(scope, settings, storage)
        self._add(
            "UndeliveredUploads", _waiting_in(trigger.undelivered), "could not deliver some uploads. Run make redrive."
        )
        self._add(
            "UnclosedRuns", _waiting_in(safety_net.unclosed), "could not close some failed runs. Run make redrive."
        )
        self._add("FailedRuns", machine.metric_failed(), "ended runs as ERROR or REJECTED. See their summaries.")
        self._add("TimedOutRuns", machine.metric_timed_out(), "had runs that took longer than 12 hours. Rerun them.")
        self._add("StoppedRuns", machine.metric_aborted(), "had runs that were stopped. Rerun them.")
        self._add(
            "ReconcileErrors",
            functions.reconcile.metric_errors(period=Duration.hours(1)),
            "may not have found lost uploads: Reconcile failed. See its log.",
        )

    def _add(self, name: str, metric: cloudwatch.IMetric, what: str) -> None:
        """Adds an alarm that goes off when the metric reaches 1."""
        alarm = cloudwatch.Alarm(
            self._scope,
            f"{name}Alarm",
            alarm_description=f"Stream QC {what}",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))


def _topic(scope: Construct, settings: Settings, storage: Storage) -> sns.Topic:
    topic = sns.Topic(scope, "Alarms", display_name="Stream QC alarms", master_key=storage.key, enforce_ssl=True)
    if not storage.key:
        accept(
            topic,
            "CKV_AWS_26",
            reason="CloudWatch cannot publish under AWS's own key, and an alarm holds no data; -c kms=true encrypts it",
        )
    # The policy that requires TLS replaces the default one, under which alarms may publish.
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        )
    )
    for address in settings.alarm_emails:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    return topic


def _waiting_in(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(
        period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
    )
