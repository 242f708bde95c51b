"""Starts an execution for every upload: the EventBridge rule, its retries, and its dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.review import accept, aws_managed_key
from stacks.storage import Storage


class UploadTrigger:
    """Starts the state machine for every object created under streams/, with the event of S3 as its input."""

    def __init__(self, scope: Construct, storage: Storage, machine: sfn.StateMachine) -> None:
        self.undelivered = dead_letters(scope, "UndeliveredUploads", storage)
        self.rule = events.Rule(
            scope,
            "UploadRule",
            description="A stream file was uploaded: check it",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [storage.streams.bucket_name]},
                    "object": {"key": [{"prefix": "streams/"}]},
                },
            ),
            targets=[
                targets.SfnStateMachine(
                    machine,
                    dead_letter_queue=self.undelivered,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )


def dead_letters(scope: Construct, name: str, storage: Storage) -> sqs.Queue:
    """Returns a dead-letter queue. It has none of its own; an alarm watches it."""
    queue = sqs.Queue(
        scope,
        name,
        encryption=None if storage.key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=storage.key,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    accept(
        queue, "AwsSolutions-SQS3", reason="it is itself the dead-letter queue of an EventBridge target or a function"
    )
    if not storage.key:
        aws_managed_key(queue, "CKV_AWS_27")
    return queue
