from __future__ import annotations

import json
from typing import Any

import pytest

from tests.observed.groups import group_of
from tests.samples import event

ARN = "arn:aws:states:eu-central-2:000000000000:execution:StreamQC:one"
STARTED = {"ExecutionArn": ARN, "ExecutionStart": "2026-11-23T09:00:00.000Z"}
BROKEN = {**STARTED, "Error": "States.Timeout", "Cause": "too long"}
UPLOAD = event("execution_upload")
RERUN = event("execution_rerun")
WITHOUT_A_GROUP: list[Any] = [None, [], "text", 1, {}, {"source": "aws.s3"}]


@pytest.mark.parametrize(
    "payload",
    [
        UPLOAD,
        RERUN,
        {**STARTED, "Input": UPLOAD},
        {**STARTED, "Input": RERUN},
        {**BROKEN, "Input": UPLOAD},
        {**BROKEN, "Input": RERUN},
        {"source": "aws.states", "detail": {"executionArn": ARN, "input": json.dumps(UPLOAD)}},
        {"detail": {"executionArn": ARN, "input": json.dumps(RERUN)}},
        event("start_qc_upload"),
        event("qc_process"),
        event("end_qc"),
        event("send_qc_summary"),
        {"GroupID": "sandbox", "SettlingSeconds": 0},
        {"requestContext": {}, "body": json.dumps(RERUN)},
        {"requestContext": {}, "queryStringParameters": {"group": "sandbox"}},
    ],
)
def test_group_is_found_in_every_kind_of_event(payload: dict[str, Any]) -> None:
    assert group_of(payload) == "sandbox"


@pytest.mark.parametrize(
    "payload",
    [
        *({**STARTED, "Input": given} for given in WITHOUT_A_GROUP),
        {"ExecutionArn": ARN},
        {"detail": {"executionArn": ARN, "input": None}},
        {"detail": {"executionArn": ARN}},
        {"source": "aws.s3", "detail": {"object": {"key": "sandbox"}}},
        *WITHOUT_A_GROUP,
    ],
)
def test_event_without_a_group_gives_an_empty_one(payload: Any) -> None:
    assert group_of(payload) == ""
