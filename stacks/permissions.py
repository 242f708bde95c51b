"""The permissions matrix: the actions of every function, on named resources only.

A function may also write to its own log group and send traces; X-Ray accepts only `*` as their resource.
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from stacks.encryption import USE
from stacks.functions import Functions
from stacks.review import accept, executions_of, objects_under
from stacks.storage import Storage

NEWEST, VERSION = "s3:GetObject", "s3:GetObjectVersion"  # GetObject also covers HeadObject
CLAIM, GIVE_UP = ("dynamodb:PutItem", "dynamodb:UpdateItem"), ("dynamodb:DeleteItem",)

Permissions = dict[str, tuple[str, ...]]  # from a resource to the actions on it


def grant(functions: Functions, storage: Storage, machine: sfn.StateMachine) -> None:
    """Grants each function its permissions: one row of the matrix for each."""
    bucket = storage.streams.bucket_arn
    stream_files, rules = (
        storage.streams.arn_for_objects("streams/*"),
        storage.streams.arn_for_objects("rules/*"),
    )
    summary, details, remembered = (
        storage.summary.table_arn,
        storage.details.table_arn,
        storage.idempotency.table_arn,
    )
    topic = storage.results.topic_arn

    machine_arn, machine_name = machine.state_machine_arn, Stack.of(machine).stack_name
    executions = Stack.of(machine).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine_name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )

    check: Permissions = {
        bucket: ("s3:ListBucket",),  # without it S3 answers 403 for an object that is not there
        stream_files: (VERSION,),
        rules: (VERSION,),
        summary: ("dynamodb:UpdateItem",),
        details: ("dynamodb:BatchWriteItem",),
    }
    matrix: list[tuple[lambda_.Function, Permissions]] = [
        (
            functions.start_qc,
            {
                bucket: ("s3:ListBucket",),
                stream_files: (NEWEST, VERSION),
                rules: (NEWEST,),
                summary: ("dynamodb:PutItem",),
                remembered: CLAIM,
            },
        ),
        *((process, check) for process in functions.processes),
        (functions.end_qc, {summary: ("dynamodb:UpdateItem",)}),
        (
            functions.send_qc_summary,
            {details: ("dynamodb:Query",), remembered: CLAIM + GIVE_UP, topic: ("sns:Publish",)},
        ),
        (
            functions.close_run,
            {
                summary: ("dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                details: ("dynamodb:Query",),
                remembered: CLAIM + GIVE_UP,
                topic: ("sns:Publish",),
                executions: ("states:DescribeExecution",),
            },
        ),
        (
            functions.reconcile,
            {
                bucket: ("s3:ListBucket",),
                stream_files: (NEWEST,),
                summary: ("dynamodb:Query",),
                remembered: ("dynamodb:GetItem",),
                machine_arn: ("states:StartExecution", "states:ListExecutions"),
                executions: ("states:DescribeExecution",),
                functions.close_run.function_arn: ("lambda:InvokeFunction",),
            },
        ),
    ]
    for function in (functions.close_run, functions.reconcile):
        accept(
            _role(function), executions_of(machine_name), reason="the names of executions are not known at deployment"
        )
    for function, permissions in matrix:
        if storage.key:
            function.add_to_role_policy(_use_of(storage.key))
        for prefix in (one for one, arn in {"streams": stream_files, "rules": rules}.items() if arn in permissions):
            accept(
                _role(function),
                objects_under(storage.streams, prefix),
                reason="the keys of uploads are not known at deployment",
            )
        for resource, actions in permissions.items():
            function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))


def _role(function: lambda_.Function) -> iam.IRole:
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role


def _use_of(key: kms.IKey) -> iam.PolicyStatement:
    """Lets a function use the customer's key through S3, DynamoDB and SNS, which ask this of their caller."""
    services = [f"{service}.{Stack.of(key).region}.amazonaws.com" for service in ("s3", "dynamodb", "sns")]
    return iam.PolicyStatement(
        actions=list(USE),
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": services}},
    )
