"""One local AWS with the pipeline deployed, for all of these tests."""

from __future__ import annotations

import contextlib
import json
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
def undelivered(pipeline: Pipeline) -> Iterator[None]:
    """Within it, uploads start nothing, as where S3 or EventBridge loses their events."""
    events = pipeline.aws.client("events")
    (rule,) = [one["Name"] for one in events.list_rules()["Rules"] if "UploadRule" in one["Name"]]
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


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
