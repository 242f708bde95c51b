"""From an upload to an execution: the EventBridge rule, its retries, and the queue for what could not be delivered."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class UploadTrigger:
    """Starts the state machine for every object created under streams/, with S3's event as it is."""

    def __init__(self, scope: Construct, bucket: s3.Bucket, machine: sfn.StateMachine) -> None:
        self.undelivered = sqs.Queue(
            scope,
            "UndeliveredUploads",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.rule = events.Rule(
            scope,
            "UploadRule",
            description="A stream file was uploaded: check it",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
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
