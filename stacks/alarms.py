"""Alarms for the people who operate Stream QC, on a topic of their own."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
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
from stacks.topics import Topics
from stacks.trigger import Triggers


class Alarms:
    """An alarm for everything that can fail: uploads, runs, mails and notifications, and what looks after them."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        storage: Storage,
        topics: Topics,
        functions: Functions,
        machine: sfn.StateMachine,
        triggers: Triggers,
        safety_net: SafetyNet,
    ) -> None:
        self._scope = scope
        self._topic = _topic(scope, settings, storage)
        self._add(
            "UndeliveredUploads", _waiting_in(triggers.undelivered), "could not deliver some uploads. Run make redrive."
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
        self._add(
            "ReconcileStopped",
            functions.reconcile.metric_invocations(period=Duration.hours(24)),
            "has not looked for lost uploads for a day. See the rule ReconcileSchedule.",
            below=True,
        )
        self._add(
            "MailDelayed",
            topics.outbox.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
            ),
            "has messages that were not mailed. See the log of SendMail.",
            threshold=settings.email_window_seconds + 1800,
        )
        self._add("MailErrors", functions.send_mail.metric_errors(), "could not send a mail. See the log of SendMail.")
        for name, topic in {"Results": topics.results, "Email": topics.email}.items():
            self._add(
                f"Undelivered{name}",
                topic.metric_number_of_notifications_failed(),
                "could not deliver a message to a subscriber. See the subscriptions of the topic.",
            )
        if functions.write_report:
            self._add(
                "ReportErrors",
                functions.write_report.metric_errors(),
                "could not write some reports. Their verdicts stand. See the log of WriteReport.",
            )
        if functions.write_flags:
            self._add(
                "FlagErrors",
                functions.write_flags.metric_errors(),
                "could not write the flags of some runs. Their verdicts stand. See the log of WriteFlags.",
            )
        if functions.reruns:
            self._add(
                "RerunErrors",
                functions.reruns.end_rerun.metric_errors(),
                "could not tell how a rerun in bulk, or a what-if, ended. See the log of EndRerun.",
            )
        self._add(
            "UncheckedRules",
            _waiting_in(triggers.unchecked),
            "could not check some rules. See the log of CheckRules.",
        )
        self._add(
            "ArrivalErrors",
            functions.check_arrivals.metric_errors(),
            "could not look for files that did not come. See the log of CheckArrivals.",
        )
        self._add(
            "ArrivalsStopped",
            functions.check_arrivals.metric_invocations(period=Duration.minutes(15)),
            "has not looked for files that did not come for a quarter of an hour. See the rule ArrivalSchedule.",
            below=True,
        )
        rules = {"UploadRule": triggers.upload_rule, "RulesRule": triggers.rules_rule, "FailedRunRule": safety_net.rule}
        for name, rule in rules.items():
            self._add(
                f"{name}Lost",
                _lost_by(rule),
                "lost an event: it could be neither delivered nor kept. Run make reconcile.",
            )

    def _add(
        self, name: str, metric: cloudwatch.IMetric, what: str, *, threshold: float = 1, below: bool = False
    ) -> None:
        """Adds an alarm that goes off when the metric reaches the threshold; or, with `below`, when it is below, or absent."""
        operator = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self._scope,
            f"{name}Alarm",
            alarm_description=f"Stream QC {what}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=operator.LESS_THAN_THRESHOLD if below else operator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING
            if below
            else cloudwatch.TreatMissingData.NOT_BREACHING,
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


def _lost_by(rule: events.Rule) -> cloudwatch.Metric:
    """Counts the events that a rule could not even put into its dead-letter queue."""
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="InvocationsFailedToBeSentToDlq",
        dimensions_map={"RuleName": rule.rule_name},
        statistic=cloudwatch.Stats.SUM,
    )


def _waiting_in(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(
        period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
    )
