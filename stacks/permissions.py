"""The permissions matrix: the actions of every function, on named resources only.

A function may also write to its own log group and send traces; X-Ray accepts only `*` as their resource.
"""

from __future__ import annotations

from typing import NamedTuple

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from stacks.actions import CLAIM, FOLLOW, GIVE_UP, NEWEST, VERSION, Permissions
from stacks.encryption import KEY_TAG, use_of
from stacks.functions import Functions
from stacks.parts import MAPS
from stacks.permissions_of_reruns import accept_executions, executions_and_maps_of, of_reruns
from stacks.review import accept, all_objects, children_of, executions_of, objects_under
from stacks.settings import Settings
from stacks.storage import Storage
from stacks.topics import Topics

TABLES = ("flags", "clean", "quarantine")


class Objects(NamedTuple):
    """The objects under a prefix of a bucket."""

    bucket: s3.IBucket
    prefix: str


def grant(
    functions: Functions,
    storage: Storage,
    topics: Topics,
    machine: sfn.StateMachine,
    settings: Settings,
    reruns: sfn.StateMachine | None,
) -> None:
    """Grants each function its permissions: one row of the matrix for each."""
    bucket = storage.streams.bucket_arn
    stream_files, rules = (
        storage.streams.arn_for_objects("streams/*"),
        storage.streams.arn_for_objects("rules/*"),
    )
    summary, details, streams, remembered = (
        table.table_arn for table in (storage.summary, storage.details, storage.states, storage.idempotency)
    )
    topic = topics.results.topic_arn

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
    results = storage.results
    kept = ("s3:PutObject", NEWEST) if settings.split_above_mib else ("s3:PutObject",)
    part = {results.arn_for_objects("parts/*"): kept, results.bucket_arn: ("s3:ListBucket",)} if results else {}
    linked = {results.arn_for_objects("reports/*"): (NEWEST,)} if results and settings.report_link_hours else {}
    matrix: list[tuple[lambda_.Function, Permissions]] = [
        (
            functions.start_qc,
            {
                bucket: ("s3:ListBucket",),
                stream_files: (NEWEST, VERSION),
                rules: (NEWEST,),
                summary: ("dynamodb:PutItem", "dynamodb:UpdateItem"),
                streams: FOLLOW,
                remembered: CLAIM,
            },
        ),
        *((process, {**check, **part}) for process in functions.processes),
        (functions.end_qc, {summary: ("dynamodb:UpdateItem",), streams: FOLLOW}),
        (
            functions.send_qc_summary,
            {
                summary: ("dynamodb:UpdateItem",),
                details: ("dynamodb:Query",),
                remembered: CLAIM + GIVE_UP,
                topic: ("sns:Publish",),
                **linked,
            },
        ),
        (
            functions.check_rules,
            {
                bucket: ("s3:ListBucket",),
                rules: (NEWEST, VERSION),
                streams: (*FOLLOW, "dynamodb:Query", "dynamodb:Scan"),
                remembered: CLAIM + GIVE_UP,
                topic: ("sns:Publish",),
            },
        ),
        (
            functions.check_arrivals,
            {
                bucket: ("s3:ListBucket",),
                rules: (NEWEST, VERSION),
                streams: FOLLOW,
                f"{streams}/index/ByDue": ("dynamodb:Query",),
                remembered: CLAIM + GIVE_UP,
                topic: ("sns:Publish",),
            },
        ),
        (
            functions.send_mail,
            {
                topics.outbox.queue_arn: ("sqs:ReceiveMessage", "sqs:DeleteMessage"),
                remembered: ("dynamodb:GetItem", *CLAIM),
                topics.email.topic_arn: ("sns:Publish",),
            },
        ),
        (
            functions.close_run,
            {
                summary: ("dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                streams: FOLLOW,
                details: ("dynamodb:Query",),
                remembered: CLAIM + GIVE_UP,
                topic: ("sns:Publish",),
                executions: ("states:DescribeExecution",),
            },
        ),
        (
            functions.reconcile,
            {
                bucket: ("s3:ListBucketVersions",),
                summary: ("dynamodb:Query",),
                f"{summary}/index/ByStream": ("dynamodb:Query",),
                remembered: ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),
                machine_arn: ("states:StartExecution", "states:ListExecutions"),
                executions: ("states:DescribeExecution",),
                functions.close_run.function_arn: ("lambda:InvokeFunction",),
            },
        ),
    ]
    matrix += _of_parts(functions, storage)
    matrix += _of_reports(functions, storage)
    matrix += of_reruns(functions, storage, topics, machine, reruns)
    shown = _of_history(storage, machine_arn, reruns)
    if functions.serve_api:
        of_groups: Permissions = {summary: ("dynamodb:Query", "dynamodb:GetItem")}
        matrix.append((functions.serve_api, {**shown, **of_groups}))
    if functions.show_streams:
        matrix.append((functions.show_streams, shown))
    _let_maps_read(machine, storage, settings)
    # A policy of its own: the function could not be created before a policy that names it.
    iam.Policy(
        functions.reconcile,
        "GoOn",
        roles=[_role(functions.reconcile)],
        statements=[
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[functions.reconcile.function_arn])
        ],
    )
    for function in (functions.close_run, functions.reconcile):
        accept(
            _role(function), executions_of(machine_name), reason="the names of executions are not known at deployment"
        )
    accept_executions(matrix, reruns)
    prefixes = [Objects(storage.streams, prefix) for prefix in ("streams", "rules", "candidates")]
    prefixes += [Objects(results, prefix) for prefix in ("parts", "reports", "reruns", *TABLES) if results]
    for function, permissions in matrix:
        if storage.key:
            function.add_to_role_policy(use_of(storage.key))
        if {stream_files, rules} & permissions.keys():
            function.add_to_role_policy(_decrypt_with_former_keys(function))
        for objects in (one for one in prefixes if one.bucket.arn_for_objects(f"{one.prefix}/*") in permissions):
            accept(
                _role(function),
                objects_under(objects.bucket, objects.prefix),
                reason="the keys of uploads, and the names of runs, are not known at deployment",
            )
        for resource, actions in permissions.items():
            function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))


def _let_maps_read(machine: sfn.StateMachine, storage: Storage, settings: Settings) -> None:
    """Lets the Distributed Maps of the state machine decrypt their lists, and accepts what the construct grants them."""
    if storage.results is None or not settings.split_above_mib:
        return
    if storage.key:
        machine.add_to_role_policy(use_of(storage.key))
    reason = (
        "the construct lets its maps read the bucket; the IDs of runs, and so their lists, are not known at deployment"
    )
    accept(machine, all_objects(storage.results), reason=reason)
    reason = "the children of a map, whose names are not known at deployment"
    accept(machine, *children_of(machine, MAPS), reason=reason)


def _of_parts(functions: Functions, storage: Storage) -> list[tuple[lambda_.Function, Permissions]]:
    results = storage.results
    if results is None or functions.plan_parts is None or functions.count_rows is None:
        return []
    parts = results.arn_for_objects("parts/*")
    bucket: Permissions = {storage.streams.bucket_arn: ("s3:ListBucket",)}
    plan: Permissions = {
        storage.streams.arn_for_objects("rules/*"): (VERSION,),
        results.bucket_arn: ("s3:ListBucket",),  # without it S3 answers 403 for an object that is not there
        parts: ("s3:PutObject", NEWEST),
    }
    count: Permissions = {storage.streams.arn_for_objects("streams/*"): (VERSION,), parts: ("s3:PutObject",)}
    return [(functions.plan_parts, bucket | plan), (functions.count_rows, bucket | count)]


def _of_reports(functions: Functions, storage: Storage) -> list[tuple[lambda_.Function, Permissions]]:
    results = storage.results
    if results is None or functions.write_report is None:
        return []
    permissions: Permissions = {
        results.bucket_arn: ("s3:ListBucket",),  # without it S3 answers 403 for a part that is not there
        results.arn_for_objects("parts/*"): (NEWEST,),
        results.arn_for_objects("reports/*"): ("s3:PutObject",),
        storage.summary.table_arn: ("dynamodb:UpdateItem",),
    }
    matrix = [(functions.write_report, permissions)]
    if functions.write_flags:
        tables: Permissions = {
            storage.streams.bucket_arn: ("s3:ListBucket",),
            storage.streams.arn_for_objects("streams/*"): (VERSION,),
            storage.streams.arn_for_objects("rules/*"): (VERSION,),
            results.bucket_arn: ("s3:ListBucket",),
            results.arn_for_objects("parts/*"): (NEWEST,),
            **{results.arn_for_objects(f"{prefix}/*"): ("s3:PutObject",) for prefix in TABLES},
            storage.summary.table_arn: ("dynamodb:UpdateItem",),
        }
        matrix.append((functions.write_flags, tables))
    return matrix


def _of_history(storage: Storage, machine_arn: str, reruns: sfn.StateMachine | None) -> Permissions:
    """Returns what the pages may do: read, link to reports, and start runs. The API also has the runs of a whole group."""
    progress: Permissions = {}
    if reruns:
        executions, map_runs = executions_and_maps_of(reruns)
        progress = {
            reruns.state_machine_arn: ("states:ListExecutions",),
            executions: ("states:DescribeExecution", "states:ListMapRuns"),
            map_runs: ("states:DescribeMapRun",),
        }
    summary, states = storage.summary.table_arn, storage.states.table_arn
    linked = {storage.results.arn_for_objects("reports/*"): (NEWEST,)} if storage.results else {}
    return {
        f"{states}/index/ByStatus": ("dynamodb:Query",),
        states: ("dynamodb:BatchGetItem",),
        summary: ("dynamodb:GetItem",),
        f"{summary}/index/ByStream": ("dynamodb:Query",),
        f"{summary}/index/ByQCPID": ("dynamodb:Query",),
        storage.details.table_arn: ("dynamodb:Query",),
        machine_arn: ("states:StartExecution",),
        **linked,
        **progress,
    }


def _role(function: lambda_.Function) -> iam.IRole:
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role


def _decrypt_with_former_keys(function: lambda_.Function) -> iam.PolicyStatement:
    """Lets a function read objects that were written while the stack had a key of its own, also after `kms` was turned off."""
    stack = Stack.of(function)
    accept(
        _role(function),
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*]",
        reason="keys that the stack has had are not known; the condition admits those with its tag, through S3 only",
    )
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[stack.format_arn(service="kms", resource="key", resource_name="*")],
        conditions={
            "StringEquals": {
                f"aws:ResourceTag/{KEY_TAG}": stack.stack_name,
                "kms:ViaService": f"s3.{stack.region}.amazonaws.com",
            }
        },
    )
