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


def start(given: dict[str, Any]) -> Started:
    """Starts an execution with this input: GroupID, StreamID and perhaps Key and VersionId.

    It has a name, so that the SDK can repeat a request whose answer was lost. Raises InvalidInput, naming the field.
    """
    request = request_of(given)
    if isinstance(request, Invalid):
        raise InvalidInput(request.reason)
    machine, name = environment().state_machine, str(uuid.uuid4())
    try:
        answer = stepfunctions().start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
        # The answer to an earlier attempt of the SDK was lost, and the run has ended since.
        return Started(ExecutionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{name}", StartDate=now())
    return Started(ExecutionArn=answer["executionArn"], StartDate=timestamp(answer["startDate"]))
