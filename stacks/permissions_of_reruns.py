"""The rows of the permissions matrix that are about reruns in bulk."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from stacks.actions import CLAIM, GIVE_UP, NEWEST, VERSION, Permissions
from stacks.functions import Functions
from stacks.review import accept, executions_of, map_runs_of
from stacks.storage import Storage
from stacks.topics import Topics

Matrix = list[tuple[lambda_.Function, Permissions]]


def of_reruns(
    functions: Functions, storage: Storage, topics: Topics, runs: sfn.StateMachine, machine: sfn.StateMachine | None
) -> Matrix:
    """Returns the rows of the steps of reruns. runs, machine: the state machines of runs and of reruns."""
    steps, results = functions.reruns, storage.results
    if steps is None or results is None or machine is None:
        return []
    bucket, kept = storage.streams, results.arn_for_objects("reruns/*")
    once, states, topic = storage.idempotency.table_arn, storage.states.table_arn, topics.results.topic_arn
    there: Permissions = {
        results.bucket_arn: ("s3:ListBucket",)
    }  # without it S3 answers 403 for an object that is not there
    executions, map_runs = executions_and_maps_of(machine)
    plan: Permissions = {
        bucket.bucket_arn: ("s3:ListBucket", "s3:ListBucketVersions"),
        f"{states}/index/ByStatus": ("dynamodb:Query",),
        states: ("dynamodb:BatchGetItem",),
        once: ("dynamodb:GetItem", "dynamodb:BatchGetItem", *CLAIM, *GIVE_UP),
        kept: ("s3:PutObject", NEWEST),
        executions: ("states:DescribeExecution", "states:ListMapRuns"),
        map_runs: ("states:DescribeMapRun",),
        runs.state_machine_arn: ("states:ListExecutions",),
        **there,
    }
    tried: Permissions = {
        bucket.bucket_arn: ("s3:ListBucket",),
        bucket.arn_for_objects("streams/*"): (VERSION,),
        bucket.arn_for_objects("rules/*"): (NEWEST, VERSION),
        bucket.arn_for_objects("candidates/*"): (NEWEST, VERSION),
        results.arn_for_objects("parts/*"): ("s3:PutObject",),
    }
    told: Permissions = {
        once: ("dynamodb:BatchGetItem", *CLAIM, *GIVE_UP),
        kept: ("s3:PutObject", NEWEST),
        results.arn_for_objects("parts/*"): (NEWEST,),
        topic: ("sns:Publish",),
        executions: ("states:DescribeExecution",),
        **there,
    }
    return [(steps.list_streams, plan), (steps.try_rules, tried), (steps.end_rerun, told)]


def executions_and_maps_of(machine: sfn.StateMachine) -> list[str]:
    """Returns the ARNs of the executions of the state machine of reruns, and of their maps."""
    stack = Stack.of(machine)
    return [
        stack.format_arn(
            service="states", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for resource, name in (
            ("execution", f"{stack.stack_name}-Reruns:*"),
            ("mapRun", f"{stack.stack_name}-Reruns/*"),
        )
    ]


def accept_executions(matrix: Matrix, machine: sfn.StateMachine | None) -> None:
    """Accepts the permissions on the executions of the state machine of reruns, whose names nobody knows at deployment."""
    if machine is None:
        return
    name = f"{Stack.of(machine).stack_name}-Reruns"
    for function, permissions in matrix:
        for resource, finding in zip(executions_and_maps_of(machine), (executions_of, map_runs_of), strict=True):
            if resource in permissions and function.role:
                accept(function.role, finding(name), reason="the names of executions are not known at deployment")
