"""Starts a run because a person asks for it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from history.records import Started
from pipeline.aws import error_code, stepfunctions
from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.request import Invalid, request_of
from pipeline.times import now, timestamp

TOKENS = uuid.UUID("0a3f4f0e-7a44-4c53-9a0c-6d0f8f8d5f0b")


def start(given: dict[str, Any], token: str | None = None) -> Started:
    """Starts an execution with this input: GroupID, StreamID and perhaps Key and VersionId.

    token: the same request with the same token starts one run only. The execution has a name, so that Step Functions sees that;
    the SDK, too, repeats a request whose answer was lost. Raises InvalidInput, naming the field.
    """
    request = request_of(given)
    if isinstance(request, Invalid):
        raise InvalidInput(request.reason)
    machine, text = environment().state_machine, json.dumps(given)
    name = str(uuid.uuid5(TOKENS, f"{token} {text}") if token else uuid.uuid4())
    try:
        answer = stepfunctions().start_execution(stateMachineArn=machine, name=name, input=text)
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
        # An earlier request started it, and it has ended since.
        return Started(ExecutionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{name}", StartDate=now())
    return Started(ExecutionArn=answer["executionArn"], StartDate=timestamp(answer["startDate"]))
