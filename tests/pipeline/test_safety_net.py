"""The safety net on the local AWS: events of failed executions, dead-letter queues, and uploads of which no event came."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.pipeline import Inbox, Pipeline, until
from operations import reconcile, redrive
from tests.pipeline.conftest import LONG, QUARTER, lose_the_end_of, undelivered

Invoke = Callable[[str, dict[str, Any]], Any]
JUST_NOW = {"SettlingSeconds": 0, "Days": 0.003}  # what was written within minutes: other tests leave a lot


@pytest.fixture
def here(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operations of this process reach the local AWS."""
    for name, value in pipeline.aws.environment.items():
        monkeypatch.setenv(name, value)


def test_stopped_run_is_closed_and_sent_once(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    key = f"streams/{group}/s.csv"
    arn = pipeline.started_by(key, pipeline.upload(key, LONG))
    until(lambda: pipeline.rows(ExecutionArn=arn), "the row")
    pipeline.sfn.stop_execution(executionArn=arn, error="Nightly", cause="the maintenance window began")
    (row,) = until(lambda: pipeline.rows(ExecutionArn=arn, Status="ERROR"), "the closed row")
    # AWS's event would say Nightly; MiniStack's does not.
    assert (row["TotalPass"], row["Error"]) == (0, "ExecutionAborted")
    assert row["StartTime"] < row["EndTime"]
    message = inbox.message(arn)
    assert message["Subject"].startswith("[QC ERROR] ")
    assert "the execution was stopped before it ended" in message["Summary"]["Text"]
    time.sleep(1)  # the processes, which nothing stops, may still be running
    assert len(inbox.all(arn)) == 1
    assert [(row["Status"], row["TotalPass"]) for row in pipeline.rows(ExecutionArn=arn)] == [("ERROR", 0)]


def test_stopped_run_without_an_event_is_found_and_closed(
    pipeline: Pipeline, inbox: Inbox, group: str, invoke: Invoke
) -> None:
    arn = lose_the_end_of(pipeline, f"streams/{group}/s.csv")
    assert [row["Status"] for row in pipeline.rows(ExecutionArn=arn)] == ["RUNNING"]
    assert invoke("Reconcile", JUST_NOW)["Closed"] == 1
    assert inbox.message(arn)["Summary"]["Status"] == "ERROR"
    assert [row["Status"] for row in pipeline.rows(ExecutionArn=arn)] == ["ERROR"]
    assert invoke("Reconcile", JUST_NOW)["Closed"] == 0


def test_uploads_without_a_run_are_found_and_started_once(
    pipeline: Pipeline, inbox: Inbox, group: str, invoke: Invoke
) -> None:
    pipeline.checked(f"streams/{group}/seen.csv", QUARTER.encode())
    with undelivered(pipeline, 3):
        lost = {name: pipeline.upload(f"streams/{group}/{name}", QUARTER.encode()) for name in ("a.csv", "b ü%25.csv")}
        lost["seen.csv"] = pipeline.upload(f"streams/{group}/seen.csv", QUARTER.encode())  # a new version
    assert invoke("Reconcile", JUST_NOW)["Started"] >= 3
    until(lambda: len(pipeline.rows(GroupID=group, Status="PASS")) == 4, "the runs")
    rows = [row for row in pipeline.rows(GroupID=group) if row["VersionId"] in lost.values()]
    assert {row["Key"].rpartition("/")[2]: row["VersionId"] for row in rows} == lost
    assert all(inbox.message(row["ExecutionArn"]) for row in rows)
    assert invoke("Reconcile", JUST_NOW)["Started"] == 0


@pytest.mark.usefixtures("here")
def test_make_reconcile_invokes_reconcile_now(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    def looked() -> int:
        return sum(line.get("message") == "reconciled" for line in pipeline.logs("Reconcile"))

    before = looked()
    assert reconcile.main(["--days", "0.001"]) == 0
    assert "ReconcileLogs" in capsys.readouterr().out
    until(lambda: looked() > before, "its log")
    assert reconcile.main(["--stack", "NoSuchStack"]) == 2
    with pytest.raises(SystemExit):
        reconcile.main(["--days", "30"])
    assert "--days 30 is not between 0 and 29" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_make_redrive_starts_undelivered_uploads(
    pipeline: Pipeline, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    queue, unclosed = (
        next(url for url in pipeline.sqs.list_queues()["QueueUrls"] if name in url)
        for name in ("UndeliveredUploads", "UnclosedRuns")
    )
    for letter in pipeline.take(unclosed):  # another test's, which it would close
        print(letter)
    lost = json.loads(json.dumps(first.input))
    lost["detail"]["object"] |= {"key": f"streams/{group}/never.csv", "version-id": "gone"}
    for body in (json.dumps(first.input), json.dumps(lost), '{"source": "somebody"}'):
        pipeline.sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert redrive.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "uploads started: 2; runs closed: 0; left in the queues: 1"
    until(lambda: len(pipeline.rows(GroupID=group)) == 2, "a row for each of the two")
    assert {row["Status"] for row in pipeline.rows(GroupID=group)} == {"PASS", "ERROR"}
    pipeline.sqs.purge_queue(QueueUrl=queue)
    assert redrive.main(["--stack", "NoSuchStack"]) == 2
    assert "NoSuchStack" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_make_redrive_closes_failed_runs(
    pipeline: Pipeline, inbox: Inbox, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = lose_the_end_of(pipeline, f"streams/{group}/s.csv")
    found = pipeline.sfn.describe_execution(executionArn=arn)
    start = int(found["startDate"].timestamp() * 1000)
    detail = {"executionArn": arn, "status": found["status"], "input": found["input"], "startDate": start}
    (queue,) = [url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UnclosedRuns" in url]
    event = {"source": "aws.states", "detail": detail}
    for body in (event, {"requestPayload": event}, {"requestPayload": {"ExecutionArn": arn}}):
        pipeline.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    redrive.main([])
    assert "runs closed: 3" in capsys.readouterr().out
    assert [row["Status"] for row in pipeline.rows(GroupID=group)] == ["ERROR"]
    assert len(inbox.all(arn)) == 1
