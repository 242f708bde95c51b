"""One local AWS with the pipeline deployed, shared by these tests."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws import free_port
from local.pipeline import Inbox, Pipeline, deployed, until
from tests.browser.conftest import browser, watched

__all__ = ["browser", "watched"]  # fixtures

HEADER = "date,precipitation,temp_max,temp_min,wind,weather\n"
LINE = "2015/01/01,0.0,5.6,-3.2,1.2,sun\n"
QUARTER = HEADER + LINE + "2015/01/02,0.0,4.4,-2.8,1.6,sun\n"
LONG = (HEADER + LINE * 1_000_000).encode()  # a run of it takes long enough to be stopped


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    with deployed(free_port()) as found:
        found.upload_rules()
        yield found


@pytest.fixture(scope="session")
def inbox(pipeline: Pipeline) -> Inbox:
    return Inbox(pipeline)


@pytest.fixture
def group() -> str:
    """Returns the name of a group that no other test uses."""
    return f"group {uuid.uuid4()}"


@contextlib.contextmanager
def undelivered(pipeline: Pipeline, lost: int, to: str = "UploadRule") -> Iterator[None]:
    """Loses the events of a rule, as S3, Step Functions or EventBridge may.

    It ends when this many events have passed. They are sent with a delay, and an enabled rule would still match late ones.
    """
    events = pipeline.aws.client("events")
    (rule,) = [one for one in events.list_rules()["Rules"] if to in one["Name"]]
    witness = f"lost-{uuid.uuid4()}"
    queue = pipeline.sqs.create_queue(QueueName=witness)["QueueUrl"]

    def about(attribute: str) -> str:
        found = pipeline.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[attribute])
        return str(found["Attributes"][attribute])

    events.put_rule(Name=witness, EventPattern=rule["EventPattern"])
    events.put_targets(Rule=witness, Targets=[{"Id": "queue", "Arn": about("QueueArn")}])
    events.disable_rule(Name=rule["Name"])
    try:
        yield
        until(lambda: int(about("ApproximateNumberOfMessages")) >= lost, f"{lost} lost events", 60)
    finally:
        events.enable_rule(Name=rule["Name"])
        events.remove_targets(Rule=witness, Ids=["queue"])
        events.delete_rule(Name=witness)
        pipeline.sqs.delete_queue(QueueUrl=queue)


def lose_the_end_of(pipeline: Pipeline, key: str) -> str:
    """Starts a run, stops it, and loses the event of its end. Returns the execution's ARN."""
    with undelivered(pipeline, 1, to="FailedRunRule"):
        arn = pipeline.started_by(key, pipeline.upload(key, LONG))
        until(lambda: pipeline.rows(ExecutionArn=arn), "the row")
        pipeline.sfn.stop_execution(executionArn=arn)
    return arn


def claims_table(pipeline: Pipeline) -> str:
    """Returns the name of the table with the claims, which is no output of the stack."""
    functions = pipeline.aws.client("lambda").list_functions()["Functions"]
    found = next(one for one in functions if one["FunctionName"].startswith("StreamQC-Reconcile"))
    return str(found["Environment"]["Variables"]["CLAIMS_TABLE"])


@pytest.fixture(scope="session")
def invoke(pipeline: Pipeline) -> Callable[[str, dict[str, Any]], Any]:
    return invoker(pipeline)


def invoker(pipeline: Pipeline) -> Callable[[str, dict[str, Any]], Any]:
    """Returns a function that invokes a Lambda by its name in the template, and raises RuntimeError with its error."""
    client = pipeline.aws.client("lambda")
    names = [
        one["FunctionName"] for page in client.get_paginator("list_functions").paginate() for one in page["Functions"]
    ]

    def call(function: str, payload: dict[str, Any]) -> Any:
        (name,) = [one for one in names if one.startswith(f"StreamQC-{function}")]
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload))
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{content['errorType']}: {content['errorMessage']}")
        return content

    return call
