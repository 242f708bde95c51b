"""One KMS key of the customer for everything that is stored: `-c kms=true`. Without it, AWS's own keys are used at no cost."""

from __future__ import annotations

from aws_cdk import ArnFormat, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

KEY_TAG = "StreamQC"  # on every key that the stack has had; its value is the stack's name
# Services that use the key themselves, without a role of this stack. CloudWatch Logs has a statement of its own below.
SEND = ("kms:Decrypt", "kms:GenerateDataKey")
USE = (*SEND, "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")


def customer_key(scope: Construct) -> kms.Key:
    """Returns the key, with a policy that lets the sending services use it for this account only."""
    stack = Stack.of(scope)
    key = kms.Key(
        scope,
        "Key",
        description="Stream QC: stream files, rows, messages, queues and logs",
        enable_key_rotation=True,
        # What the stack retains could not be read without it.
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    Tags.of(key).add(KEY_TAG, stack.stack_name)
    # EventBridge does not support aws:SourceAccount here; the queues' policies name its rules.
    for sid, sender, conditions in (
        ("EventBridge", "events.amazonaws.com", None),
        ("CloudWatch", "cloudwatch.amazonaws.com", {"StringEquals": {"aws:SourceAccount": stack.account}}),
        ("Notifications", "sns.amazonaws.com", {"StringEquals": {"aws:SourceAccount": stack.account}}),
    ):
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(sender)],
                actions=list(SEND),
                resources=["*"],
                conditions=conditions,
            )
        )
    machines = (stack.stack_name, f"{stack.stack_name}-Reruns")
    groups = [*(f"/aws/vendedlogs/states/{name}" for name in machines), f"{stack.stack_name}-*"]
    arns = [
        stack.format_arn(
            service="logs", resource="log-group", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for name in groups
    ]
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Logs",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=list(USE),
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns}},
        )
    )
    return key


def use_of(key: kms.IKey) -> iam.PolicyStatement:
    """Lets a role use the customer's key through the services that ask this of their caller."""
    services = [f"{name}.{Stack.of(key).region}.amazonaws.com" for name in ("s3", "dynamodb", "sns", "sqs", "states")]
    return iam.PolicyStatement(
        actions=list(USE),
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": services}},
    )
