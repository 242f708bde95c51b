"""Accepts findings of cdk-nag and checkov, each with its reason, beside the resource that it is about."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

ANY = "AwsSolutions-IAM5[Resource::*]"


def accept(construct: IConstruct, *rules: str, reason: str) -> None:
    """Accepts these findings on the construct: of cdk-nag through Validations, of checkov in the template's metadata."""
    for rule in rules:
        if not rule.startswith("CKV"):
            Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
            continue
        resource = resource_of(construct)
        skipped = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        resource.add_metadata("checkov", {"skip": [*skipped, {"id": rule, "comment": reason}]})


def objects_under(bucket: s3.IBucket, prefix: str) -> str:
    """Returns cdk-nag's finding for a permission on all objects under a prefix of a bucket."""
    is_ours = isinstance(bucket, s3.Bucket)
    arn = f"<{_logical_id(bucket)}.Arn>" if is_ours else f"arn:<AWS::Partition>:s3:::{bucket.bucket_name}"
    return f"AwsSolutions-IAM5[Resource::{arn}/{prefix}/*]"


def all_objects(bucket: s3.IBucket) -> str:
    """Returns cdk-nag's finding for a permission on all objects of a bucket, as the constructs of Step Functions write it."""
    return f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<{_logical_id(bucket)}>/*]"


def children_of(machine: IConstruct, maps: Iterable[str]) -> list[str]:
    """Returns cdk-nag's findings for the permissions on the children of a state machine's Distributed Maps."""
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{_logical_id(machine)}"}}]}}]}}'
    arn = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}"
    return [f"AwsSolutions-IAM5[Resource::{arn}{place}]" for place in (":*", *(f"/{one}:*" for one in maps))]


def nested_executions_of(machine: IConstruct) -> str:
    """Returns cdk-nag's finding for the permission to describe and stop what another state machine has started."""
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{_logical_id(machine)}"}}]}}]}}'
    return f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}*]"


def executions_of(machine: str) -> str:
    """Returns cdk-nag's finding for a permission on all executions of the state machine of this name."""
    arn = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{machine}:*"
    return f"AwsSolutions-IAM5[Resource::{arn}]"


def map_runs_of(machine: str) -> str:
    """Returns cdk-nag's finding for a permission on all map runs of the state machine of this name."""
    arn = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:mapRun:{machine}/*"
    return f"AwsSolutions-IAM5[Resource::{arn}]"


def versions_of(function: IConstruct) -> str:
    """Returns cdk-nag's finding for a permission on all versions of a function."""
    return f"AwsSolutions-IAM5[Resource::<{_logical_id(function)}.Arn>:*]"


def resource_of(construct: IConstruct) -> CfnResource:
    """Returns the CloudFormation resource of a construct. Raises TypeError if it has none."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} has no resource of its own")
    return resource


def _logical_id(construct: IConstruct) -> str:
    return Stack.of(construct).get_logical_id(resource_of(construct))


def aws_managed_key(construct: Construct, rule: str) -> None:
    """Accepts encryption under AWS's own key, the default without `-c kms=true`."""
    accept(construct, rule, reason="encrypted under AWS's key; -c kms=true uses a customer key instead")
