"""The topics: one with every message, for programs, and one with the mails to people, which a queue between them gathers."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.queues import queue_of
from stacks.settings import Settings
from stacks.storage import Storage


class Topics:
    """results: every message. email: the mails. outbox: the queue that holds the messages for the next mail."""

    def __init__(self, scope: Construct, settings: Settings, storage: Storage) -> None:
        key = storage.key or kms.Alias.from_alias_name(scope, "SnsKey", "alias/aws/sns")
        self.results = sns.Topic(scope, "QCResults", display_name="Stream QC", master_key=key, enforce_ssl=True)
        self.email = sns.Topic(scope, "QCEmail", display_name="Stream QC", master_key=key, enforce_ssl=True)
        for address in settings.alert_emails:
            self.email.add_subscription(subscriptions.EmailSubscription(address))
        self.outbox: sqs.Queue = queue_of(
            scope, "Outbox", storage, reason="SendMail takes a message from it only when its mail was sent"
        )
        # The runs of a rerun in bulk are told together, in the message at its end.
        alone = {"RerunID": sns.SubscriptionFilter.not_exists_filter()}
        self.results.add_subscription(subscriptions.SqsSubscription(self.outbox, filter_policy=alone))
