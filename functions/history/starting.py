"""Starts a run because a person asks for it."""

from __future__ import annotations

import json
from typing import Any

from history.records import Started
from pipeline.aws import stepfunctions
from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.request import Invalid, request_of
from pipeline.times import timestamp


def start(given: dict[str, Any]) -> Started:
    """Starts an execution with this input: GroupID, StreamID and perhaps Key and VersionId.

    Raises InvalidInput, naming the field.
    """
    request = request_of(given)
    if isinstance(request, Invalid):
        raise InvalidInput(request.reason)
    answer = stepfunctions().start_execution(stateMachineArn=environment().state_machine, input=json.dumps(given))
    return Started(ExecutionArn=answer["executionArn"], StartDate=timestamp(answer["startDate"]))
