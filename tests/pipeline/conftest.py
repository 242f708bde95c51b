"""One local AWS with the pipeline deployed, for all of these tests."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws import free_port
from local.pipeline import Inbox, Pipeline, deployed

QUARTER = "date,precipitation,temp_max,temp_min,wind,weather\n2015/01/01,0.0,5.6,-3.2,1.2,sun\n"


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
    """A group that no other test uses."""
    return f"group {uuid.uuid4()}"


@contextlib.contextmanager
def undelivered(pipeline: Pipeline, to: str = "UploadRule") -> Iterator[None]:
    """Within it, events do not reach this rule, as where S3, Step Functions or EventBridge loses them."""
    events = pipeline.aws.client("events")
    (rule,) = [one["Name"] for one in events.list_rules()["Rules"] if to in one["Name"]]
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


def lose_the_end_of(pipeline: Pipeline, key: str) -> str:
    """Starts a run, stops it, and loses the event that tells of it; returns the execution's ARN."""
    header, line = QUARTER.splitlines()
    arn = pipeline.started_by(key, pipeline.upload(key, (f"{header}\n" + f"{line}\n" * 2_000_000).encode()))
    deadline = time.monotonic() + 30
    while not pipeline.rows(ExecutionArn=arn):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with undelivered(pipeline, to="BrokeOffRule"):
        pipeline.sfn.stop_execution(executionArn=arn)
    return arn


@pytest.fixture(scope="session")
def invoke(pipeline: Pipeline) -> Callable[[str, dict[str, Any]], Any]:
    return invoker(pipeline)


def invoker(pipeline: Pipeline) -> Callable[[str, dict[str, Any]], Any]:
    """Invokes a function by its name in the template; returns its answer. Raises RuntimeError with its error."""
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
