"""What is stored: the stream bucket, the tables, the topic."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.encryption import customer_key
from stacks.review import accept, aws_managed_key, resource_of
from stacks.settings import Settings


class Storage:
    """The storage of the stack.

    streams: the bucket, with stream files under streams/ and rules under rules/. summary, details: the tables of results;
    they and the bucket are retained when the stack is deleted. idempotency: claims, which tell the uploads that have a run and
    the summaries that were sent. results: the topic. key: the customer's KMS key for all of these, or None.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        self.key = customer_key(scope) if settings.kms else None
        self.streams = _stream_bucket(scope, self.key)
        self.summary = _table(scope, "QCSummary", "GroupID", "StartTime", self.key)
        self.details = _table(
            scope, "QCDetails", "QCPID", "Check", self.key, expires="ExpiresAt" if settings.details_days else None
        )
        self.idempotency = dynamodb.Table(
            scope,
            "Idempotency",
            partition_key=_text("id"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption_key=self.key,
            encryption=None if self.key else dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="expiration",
            removal_policy=RemovalPolicy.DESTROY,  # a new stack needs none of it
        )
        accept(
            self.idempotency,
            "AwsSolutions-DDB3",
            "CKV_AWS_28",
            reason="it holds claims that expire within 30 days; restoring them would be useless",
        )
        if not self.key:
            for table in (self.summary, self.details, self.idempotency):
                aws_managed_key(table, "CKV_AWS_119")
        self.results = _topic(scope, settings, self.key)


def _stream_bucket(scope: Construct, key: kms.IKey | None) -> s3.Bucket:
    bucket = s3.Bucket(
        scope,
        "Streams",
        versioned=True,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=True if key else None,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="OldVersions",
                noncurrent_version_expiration=Duration.days(90),
                expired_object_delete_marker=True,
            ),
            s3.LifecycleRule(id="UnfinishedUploads", abort_incomplete_multipart_upload_after=Duration.days(7)),
        ],
    )
    accept(
        bucket,
        "AwsSolutions-S1",
        "CKV_AWS_18",
        reason="access logs need a second bucket; for an access record, enable CloudTrail data events",
    )
    # The construct's event_bridge_enabled adds a custom resource whose role covers the whole account.
    event_bridge = {"EventBridgeEnabled": True}
    resource_of(bucket).add_property_override("NotificationConfiguration.EventBridgeConfiguration", event_bridge)
    return bucket


def _table(
    scope: Construct, name: str, partition: str, sort: str, key: kms.IKey | None, *, expires: str | None = None
) -> dynamodb.Table:
    return dynamodb.Table(
        scope,
        name,
        partition_key=_text(partition),
        sort_key=_text(sort),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption_key=key,
        encryption=None if key else dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=expires,
        removal_policy=RemovalPolicy.RETAIN,
    )


def _topic(scope: Construct, settings: Settings, key: kms.IKey | None) -> sns.Topic:
    topic = sns.Topic(
        scope,
        "QCResults",
        display_name="Stream QC",
        master_key=key or kms.Alias.from_alias_name(scope, "SnsKey", "alias/aws/sns"),
        enforce_ssl=True,
    )
    for address in settings.alert_emails:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    return topic


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
