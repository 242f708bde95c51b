"""make redrive: it starts undelivered uploads, closes failed runs, and leaves in the queue what it cannot handle."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import boto3
import pytest

from operations import redrive
from tests.functions.cloud import SETTINGS, Cloud, client


@pytest.fixture
def queue(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(redrive, "POLLING_SECONDS", 0)
    return str(cloud.sqs.create_queue(QueueName=str(uuid.uuid4()))["QueueUrl"])


def send(queue: str, *bodies: Any) -> None:
    for body in bodies:
        client("sqs").send_message(QueueUrl=queue, MessageBody=body if isinstance(body, str) else json.dumps(body))


def start(message: Any) -> str:
    return redrive.start(SETTINGS["STATE_MACHINE"], message)


def test_undelivered_uploads_are_started_once(cloud: Cloud, queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    send(queue, event)
    assert redrive.redrive(queue, start) == (1, 0)
    assert "started: streams/g/s.csv" in capsys.readouterr().out
    message = {"MessageId": "the-same", "Body": json.dumps(event)}
    assert [start(message), start(message)] == ["", ""]
    executions = cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]
    assert len(executions) == 2


@pytest.mark.parametrize("body", ['{"source": "somebody"}', "no JSON", "[]", '{"GroupID": "g", "StreamID": "s"}'])
def test_message_that_is_not_an_upload_stays_and_is_named(
    queue: str, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(queue, body)
    for _ in range(2):  # it is visible again at once, for the next attempt and for the alarm
        assert redrive.redrive(queue, start) == (0, 1)
        assert f": not an upload: {body}" in capsys.readouterr().out


class Lambda:
    """The client that redrive invokes CloseRun with."""

    def __init__(self, error: dict[str, str] | None = None) -> None:
        self.error, self.payloads = error, list[Any]()

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert FunctionName == "CloseRun"
        self.payloads.append(json.loads(Payload))
        answer = {"Payload": io.BytesIO(json.dumps(self.error or {"MessageId": "m"}).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


@pytest.fixture
def lambda_client(monkeypatch: pytest.MonkeyPatch) -> Lambda:
    found = Lambda()
    make = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **more: found if name == "lambda" else make(name, **more))
    return found


EVENT = {"source": "aws.states", "detail": {"executionArn": "arn:1", "status": "FAILED", "input": "{}", "startDate": 0}}


def test_redrive_closes_runs_from_both_message_formats(queue: str, lambda_client: Lambda) -> None:
    by_arn = {"ExecutionArn": "arn:2"}
    send(queue, EVENT, {"requestPayload": EVENT}, {"requestPayload": by_arn})
    assert redrive.redrive(queue, lambda message: redrive.close("CloseRun", message)) == (3, 0)
    assert sorted(lambda_client.payloads, key=str) == sorted([EVENT, EVENT, by_arn], key=str)


def test_run_that_cannot_be_closed_stays_with_the_reason(lambda_client: Lambda) -> None:
    lambda_client.error = {"errorType": "ClientError", "errorMessage": "no table"}
    assert redrive.close("CloseRun", {"Body": json.dumps(EVENT)}) == "ClientError: no table"
    assert redrive.close("CloseRun", {"Body": "text"}) == "not an execution: text"


def test_run_whose_summary_is_uncertain_is_closed_and_named(
    lambda_client: Lambda, capsys: pytest.CaptureFixture[str]
) -> None:
    lambda_client.error = {"errorType": "SummaryNotConfirmed", "errorMessage": "the summary of arn:1 may …"}
    assert redrive.close("CloseRun", {"Body": json.dumps(EVENT)}) == ""
    assert "the summary may not have been sent; notify the owner: the summary of arn:1" in capsys.readouterr().out
