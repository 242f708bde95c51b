"""Findings of cdk-nag and checkov that are accepted, each with its reason, beside the resource that they are about."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

ANY = "AwsSolutions-IAM5[Resource::*]"


def accept(construct: IConstruct, *rules: str, reason: str) -> None:
    """Accepts these findings on the construct: cdk-nag's by Validations, checkov's in the template's metadata."""
    for rule in rules:
        if not rule.startswith("CKV"):
            Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
            continue
        resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
        assert isinstance(resource, CfnResource)  # noqa: S101  # for the type
        skipped = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        resource.add_metadata("checkov", {"skip": [*skipped, {"id": rule, "comment": reason}]})


def objects_under(bucket: s3.IBucket, prefix: str) -> str:
    """cdk-nag's name for the use of a bucket's objects under a prefix."""
    return f"AwsSolutions-IAM5[Resource::<{_logical_id(bucket)}.Arn>/{prefix}/*]"


def executions_of(machine: str) -> str:
    """cdk-nag's name for the use of any execution of the state machine of this name."""
    arn = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{machine}:*"
    return f"AwsSolutions-IAM5[Resource::{arn}]"


def versions_of(function: IConstruct) -> str:
    """cdk-nag's name for the use of a function in any version."""
    return f"AwsSolutions-IAM5[Resource::<{_logical_id(function)}.Arn>:*]"


def _logical_id(construct: IConstruct) -> str:
    resource = construct.node.default_child
    assert isinstance(resource, CfnResource)  # noqa: S101  # for the type
    return Stack.of(construct).get_logical_id(resource)


def aws_managed_key(construct: Construct, rule: str) -> None:
    """What is encrypted under AWS's own key unless a customer's is asked for."""
    accept(construct, rule, reason="encrypted under AWS's key; -c kms=true puts a customer's key in its place")
