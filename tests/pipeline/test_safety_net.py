"""Runs that break off are closed and told; uploads that never became a run are found and started."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.pipeline import Inbox, Pipeline, until
from operations import reconcile, redrive
from tests.pipeline.conftest import QUARTER, lose_the_end_of, undelivered

Invoke = Callable[[str, dict[str, Any]], Any]
JUST_NOW = {"SettlingSeconds": 0, "Days": 0.003}  # what was written within minutes: other tests leave a lot


def test_a_run_that_is_stopped_is_closed_and_told_once(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    key, (header, line) = f"streams/{group}/s.csv", QUARTER.splitlines()
    long_enough_to_be_stopped = f"{header}\n" + f"{line}\n" * 2_000_000
    arn = pipeline.started_by(key, pipeline.upload(key, long_enough_to_be_stopped.encode()))
    until(lambda: pipeline.rows(ExecutionArn=arn), "the row")
    pipeline.sfn.stop_execution(executionArn=arn, error="Nightly", cause="the maintenance window began")
    (row,) = until(lambda: pipeline.rows(ExecutionArn=arn, Status="ERROR"), "the closed row")
    assert (row["TotalPass"], row["Error"]) == (
        0,
        "ExecutionAborted",
    )  # AWS's event would say Nightly; MiniStack's does not
    assert row["StartTime"] < row["EndTime"]
    message = inbox.message(arn)
    assert message["Subject"].startswith("[QC ERROR] ")
    assert "the execution was stopped before it had ended" in message["Summary"]["Text"]
    time.sleep(2)  # the processes, which nobody stops, may still be at it
    assert len(inbox.all(arn)) == 1
    (row,) = pipeline.rows(ExecutionArn=arn)
    assert (row["Status"], row["TotalPass"]) == ("ERROR", 0)


def test_a_stopped_run_of_which_no_event_tells_is_found_and_closed(
    pipeline: Pipeline, inbox: Inbox, group: str, invoke: Invoke
) -> None:
    arn = lose_the_end_of(pipeline, f"streams/{group}/s.csv")
    assert [row["Status"] for row in pipeline.rows(ExecutionArn=arn)] == ["RUNNING"]
    assert invoke("Reconcile", JUST_NOW)["Closed"] == 1
    assert inbox.message(arn)["Summary"]["Status"] == "ERROR"
    (row,) = pipeline.rows(ExecutionArn=arn)
    assert (row["Status"], row["TotalPass"]) == ("ERROR", 0)
    assert invoke("Reconcile", JUST_NOW)["Closed"] == 0


def test_a_stopped_rerun_is_closed_whatever_else_its_input_holds(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    header, line = QUARTER.splitlines()
    key = f"streams/{group}/s.csv"
    with undelivered(pipeline, 1):
        pipeline.upload(key, (f"{header}\n" + f"{line}\n" * 2_000_000).encode())
    arn = pipeline.start({"source": "aws.s3", "GroupID": group, "StreamID": "s"})
    until(lambda: pipeline.rows(ExecutionArn=arn), "the row")
    pipeline.sfn.stop_execution(executionArn=arn)
    assert inbox.message(arn)["Subject"].startswith("[QC ERROR] ")
    assert [row["Status"] for row in pipeline.rows(GroupID=group)] == ["ERROR"]


def test_an_event_that_cannot_be_read_is_told(pipeline: Pipeline, inbox: Inbox) -> None:
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": 5}}}
    ended = pipeline.finished(pipeline.start(event))
    assert ended.status == "FAILED"
    assert inbox.message(ended.arn)["Subject"] == "[QC ERROR] (no GroupID)/(no StreamID)"
    again = pipeline.finished(pipeline.start(event))  # it can be told from no other, so it is no repeat
    assert inbox.message(again.arn)["Subject"] == "[QC ERROR] (no GroupID)/(no StreamID)"


def test_uploads_without_a_run_are_found_and_started_once(
    pipeline: Pipeline, inbox: Inbox, group: str, invoke: Invoke
) -> None:
    seen = pipeline.checked(f"streams/{group}/seen.csv", QUARTER.encode())
    with undelivered(pipeline, 4):
        lost = {name: pipeline.upload(f"streams/{group}/{name}", QUARTER.encode()) for name in ("a.csv", "b ü%25.csv")}
        lost["seen.csv"] = pipeline.upload(f"streams/{group}/seen.csv", QUARTER.encode())  # a new version
        pipeline.upload(f"streams/{group}/folder/", b"")
    counts = invoke("Reconcile", JUST_NOW)
    assert counts["Started"] >= 3
    until(lambda: len(pipeline.rows(GroupID=group, Status="PASS")) == 4, "the runs")
    rows = {
        row["Key"].rpartition("/")[2]: row for row in pipeline.rows(GroupID=group) if row["VersionId"] in lost.values()
    }
    assert {name: row["VersionId"] for name, row in rows.items()} == lost
    assert seen.output["VersionId"] not in lost.values()
    assert all(inbox.message(row["ExecutionArn"]) for row in rows.values())
    assert invoke("Reconcile", JUST_NOW)["Started"] == 0
    # A delivery that comes after all finds the run.
    late = pipeline.finished(pipeline.start(pipeline.execution(rows["a.csv"]["ExecutionArn"]).input))
    assert late.output["Status"] == "REPEATED"
    assert len(pipeline.rows(GroupID=group)) == 4


def test_make_reconcile_has_it_look_now(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in pipeline.aws.environment.items():
        monkeypatch.setenv(name, value)

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


def test_an_upload_that_is_young_is_left_to_its_event(pipeline: Pipeline, group: str, invoke: Invoke) -> None:
    pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    counts = invoke("Reconcile", {})
    assert (counts["Recent"], counts["Started"]) == (0, 0)
    assert counts["Listed"] >= 1


def test_undelivered_uploads_are_started_and_what_is_none_stays(
    pipeline: Pipeline, inbox: Inbox, group: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in pipeline.aws.environment.items():
        monkeypatch.setenv(name, value)
    first = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    (queue,) = [url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UndeliveredUploads" in url]
    lost = json.loads(json.dumps(first.input))
    lost["detail"]["object"] |= {"key": f"streams/{group}/never.csv", "version-id": "gone"}
    for event in (first.input, lost):
        pipeline.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    assert redrive.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "uploads started: 2; runs closed: 0; left in the queues: 0"
    until(lambda: len(pipeline.rows(GroupID=group)) == 2, "a row for each of both")
    assert {row["Status"] for row in pipeline.rows(GroupID=group)} == {"PASS", "ERROR"}
    again = {"MessageId": "the same", "Body": json.dumps(first.input)}
    machine = pipeline.outputs["StateMachineArn"]
    before = set(pipeline.executions())
    assert [redrive.start(machine, again), redrive.start(machine, again)] == ["", ""]
    new = set(pipeline.executions()) - before  # those of other tests' uploads among them
    assert [pipeline.execution(arn).input for arn in new].count(first.input) == 1
    pipeline.sqs.send_message(QueueUrl=queue, MessageBody='{"source": "somebody"}')
    for _ in range(2):  # what stays is seen by whoever looks next, and by the alarm
        assert redrive.main([]) == 1
        assert ': not an upload: {"source": "somebody"}' in capsys.readouterr().out
    (visible,) = pipeline.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])[
        "Attributes"
    ].values()
    assert visible == "1"
    pipeline.sqs.purge_queue(QueueUrl=queue)
    assert redrive.main(["--stack", "NoSuchStack"]) == 2
    assert "NoSuchStack" in capsys.readouterr().err
    assert inbox.message(first.arn)


def test_runs_that_could_not_be_closed_are_closed_from_their_queue(
    pipeline: Pipeline, inbox: Inbox, group: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in pipeline.aws.environment.items():
        monkeypatch.setenv(name, value)
    arns = [lose_the_end_of(pipeline, f"streams/{group}/{name}.csv") for name in ("a", "b")]
    events = [{"source": "aws.states", "detail": ended(pipeline, arn)} for arn in arns]
    (queue,) = [url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UnclosedRuns" in url]
    for body in (
        events[0],
        {"requestPayload": events[1]},
        events[0],
    ):  # as EventBridge sends it, as Lambda does, and twice
        pipeline.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    redrive.main([])
    assert "runs closed: 3" in capsys.readouterr().out
    assert [row["Status"] for row in pipeline.rows(GroupID=group)] == ["ERROR", "ERROR"]
    assert [len(inbox.all(arn)) for arn in arns] == [1, 1]


def ended(pipeline: Pipeline, arn: str) -> dict[str, Any]:
    found = pipeline.sfn.describe_execution(executionArn=arn)
    start = int(found["startDate"].timestamp() * 1000)
    return {"executionArn": arn, "status": found["status"], "input": found["input"], "startDate": start}
