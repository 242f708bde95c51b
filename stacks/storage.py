"""What is stored: the stream bucket and the tables."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.encryption import customer_key
from stacks.review import accept, aws_managed_key, resource_of
from stacks.settings import Settings

# They stay when the stack is deleted, but not when its first creation fails.
RETAIN = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class Storage:
    """The storage of the stack: its own, or what exists already under a name in the settings.

    streams: the bucket, with stream files under streams/ and rules under rules/. summary, details: the tables of results.
    results: the bucket of reports, or None.
    states: the table QCStreams, with the state of every stream. They and the bucket are retained when the stack is deleted.
    idempotency: claims, which tell the uploads that have a run and the summaries that were sent. key: the customer's KMS key
    for all of these, or None.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        self.key = customer_key(scope) if settings.kms else None
        self.streams = _stream_bucket(scope, settings.stream_bucket, self.key)
        self.results = _results_bucket(scope, self.key) if settings.reports else None
        self.summary = _runs(scope, settings.summary_table, self.key)
        self.details = _table(
            scope,
            "QCDetails",
            ("QCPID", "Check"),
            self.key,
            existing=settings.details_table,
            expires="ExpiresAt" if settings.details_days else None,
        )
        self.states = _states(scope, settings.streams_table, self.key)
        self.idempotency = _claims(scope, self.key)


def _stream_bucket(scope: Construct, existing: str | None, key: kms.IKey | None) -> s3.IBucket:
    if existing:
        return s3.Bucket.from_bucket_name(scope, "Streams", existing)
    bucket = _private_bucket(
        scope,
        "Streams",
        key,
        versioned=True,
        rules=[
            s3.LifecycleRule(
                id="OldVersions",
                noncurrent_version_expiration=Duration.days(90),
                expired_object_delete_marker=True,
            ),
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


def _private_bucket(
    scope: Construct, name: str, key: kms.IKey | None, *, versioned: bool, rules: list[s3.LifecycleRule]
) -> s3.Bucket:
    """Returns an encrypted bucket, for TLS only, that nobody outside the account can read. rules: for old objects."""
    unfinished = s3.LifecycleRule(id="UnfinishedUploads", abort_incomplete_multipart_upload_after=Duration.days(7))
    return s3.Bucket(
        scope,
        name,
        versioned=versioned or None,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=True if key else None,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=RETAIN,
        lifecycle_rules=[*rules, unfinished],
    )


def _results_bucket(scope: Construct, key: kms.IKey | None) -> s3.Bucket:
    """Returns the bucket of the reports. What the processes leave for one, under parts/, is needed for minutes only."""
    bucket = _private_bucket(
        scope,
        "Results",
        key,
        versioned=False,
        rules=[
            s3.LifecycleRule(id="Parts", prefix="parts/", expiration=Duration.days(2)),
        ],
    )
    accept(bucket, "AwsSolutions-S1", "CKV_AWS_18", reason="access logs need a second bucket; see that of the streams")
    accept(bucket, "CKV_AWS_21", reason="a report is written once, and can be made again by a rerun")
    return bucket


def _runs(scope: Construct, existing: str | None, key: kms.IKey | None) -> dynamodb.ITable:
    """Returns QCSummary, with an index by stream, and one by the ID of the run, which is written once a run."""
    runs = _table(scope, "QCSummary", ("GroupID", "StartTime"), key, existing=existing)
    if isinstance(runs, dynamodb.Table):
        runs.add_global_secondary_index(
            index_name="ByStream", partition_key=_text("StreamKey"), sort_key=_text("StartTime")
        )
        runs.add_global_secondary_index(
            index_name="ByQCPID", partition_key=_text("QCPID"), projection_type=dynamodb.ProjectionType.KEYS_ONLY
        )
    return runs


def _states(scope: Construct, existing: str | None, key: kms.IKey | None) -> dynamodb.ITable:
    """Returns QCStreams, with an index of the streams that wait for a file, by when it is due, and one by status.

    The second is written only when a stream changes its status: it holds the keys alone.
    """
    states = _table(scope, "QCStreams", ("GroupID", "StreamID"), key, existing=existing)
    if isinstance(states, dynamodb.Table):
        states.add_global_secondary_index(
            index_name="ByDue",
            partition_key=_text("Due"),
            sort_key=_text("DueAt"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        states.add_global_secondary_index(
            index_name="ByStatus",
            partition_key=_text("Status"),
            sort_key=_text("Since"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    return states


def _table(
    scope: Construct,
    name: str,
    keys: tuple[str, str],
    key: kms.IKey | None,
    *,
    existing: str | None,
    expires: str | None = None,
) -> dynamodb.ITable:
    if existing:
        return dynamodb.Table.from_table_name(scope, name, existing)
    table = dynamodb.Table(
        scope,
        name,
        partition_key=_text(keys[0]),
        sort_key=_text(keys[1]),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=expires,
        removal_policy=RETAIN,
    )
    if not key:
        aws_managed_key(table, "CKV_AWS_119")
    return table


def _claims(scope: Construct, key: kms.IKey | None) -> dynamodb.Table:
    claims = dynamodb.Table(
        scope,
        "Idempotency",
        partition_key=_text("id"),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption_key=key,
        time_to_live_attribute="expiration",
        removal_policy=RemovalPolicy.DESTROY,  # a new stack needs none of it
    )
    accept(
        claims,
        "AwsSolutions-DDB3",
        "CKV_AWS_28",
        reason="it holds claims that expire within 30 days; restoring them would be useless",
    )
    if not key:
        aws_managed_key(claims, "CKV_AWS_119")
    return claims


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
