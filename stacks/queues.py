"""Queues: encrypted, for TLS only, and kept as long as SQS can."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.review import accept, aws_managed_key
from stacks.storage import Storage

VISIBILITY = Duration.minutes(6)  # longer than any function that takes messages may run


def queue_of(scope: Construct, name: str, storage: Storage, *, reason: str) -> sqs.Queue:
    """Returns a queue without a dead-letter queue, for this reason. An alarm watches it."""
    queue = sqs.Queue(
        scope,
        name,
        encryption=None if storage.key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=storage.key,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        visibility_timeout=VISIBILITY,
    )
    accept(queue, "AwsSolutions-SQS3", reason=reason)
    if not storage.key:
        aws_managed_key(queue, "CKV_AWS_27")
    return queue


def dead_letters(scope: Construct, name: str, storage: Storage) -> sqs.Queue:
    """Returns a dead-letter queue."""
    return queue_of(
        scope, name, storage, reason="it is itself the dead-letter queue of an EventBridge target or a function"
    )


def send_failures_to(function: lambda_.Function, queue: sqs.Queue) -> None:
    """Has Lambda put an asynchronous invocation that fails three times into the queue."""
    function.configure_async_invoke(
        on_failure=destinations.SqsDestination(queue), retry_attempts=2, max_event_age=Duration.hours(6)
    )
    if queue.encryption_master_key and function.role:
        accept(
            function.role,
            "AwsSolutions-IAM5[Action::kms:GenerateDataKey*]",
            "AwsSolutions-IAM5[Action::kms:ReEncrypt*]",
            reason="the CDK grants these so that failed invocations reach the encrypted queue",
        )
