"""Who may do what: every action of every function, on the resources that it names and no others.

Beside these a function may write to its own log group and send traces, which X-Ray takes on `*` only.
"""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from stacks.functions import Functions
from stacks.storage import Storage

READ_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")
REMEMBER = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")

Permissions = dict[str, tuple[str, ...]]  # from a resource to the actions on it


def grant(functions: Functions, storage: Storage) -> None:
    """Gives each function its permissions, a row each."""
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

    check = {
        bucket: ("s3:ListBucket",),  # without it S3 answers 403 for an object that is not there
        stream_files: READ_OBJECT,
        rules: READ_OBJECT,
        summary: ("dynamodb:UpdateItem",),
        details: ("dynamodb:BatchWriteItem",),
    }
    matrix: list[tuple[lambda_.Function, Permissions]] = [
        (
            functions.start_qc,
            {
                bucket: ("s3:ListBucket",),
                stream_files: READ_OBJECT,
                rules: READ_OBJECT,
                summary: ("dynamodb:PutItem",),
                remembered: REMEMBER,
            },
        ),
        *((process, check) for process in functions.processes),
        (functions.end_qc, {summary: ("dynamodb:UpdateItem",)}),
        (functions.send_qc_summary, {details: ("dynamodb:Query",), remembered: REMEMBER, topic: ("sns:Publish",)}),
    ]
    for function, permissions in matrix:
        for resource, actions in permissions.items():
            function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))
