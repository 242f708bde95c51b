"""Reconcile: lost uploads are started once, failed runs without a summary are closed, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

import step_1_start_qc
from pipeline.claims import claim, claim_id
from reconcile import handler
from tests.functions.cloud import SETTINGS, Cloud, Context, LambdaError, client_error, invoke, reconciled


def started(cloud: Cloud) -> list[Any]:
    """The inputs of all executions."""
    found = cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]
    return [json.loads(cloud.sfn.describe_execution(executionArn=one["executionArn"])["input"]) for one in found]


def stopped(cloud: Cloud, given: Any) -> dict[str, Any]:
    """StartQC's payload of an execution that Step Functions knows and that was stopped."""
    arn = cloud.sfn.start_execution(stateMachineArn=SETTINGS["STATE_MACHINE"], input=json.dumps(given))["executionArn"]
    cloud.sfn.stop_execution(executionArn=arn)
    start = cloud.sfn.describe_execution(executionArn=arn)["startDate"].isoformat()
    return {"ExecutionArn": arn, "ExecutionStart": start, "Input": given}


def test_upload_without_a_run_is_started_as_its_event_would_have_been(cloud: Cloud) -> None:
    version = cloud.upload("streams/g/b ü%25.csv")
    assert reconciled() == {"Listed": 1, "Recent": 1, "Unread": 0, "Started": 1, "Closed": 0, "Unconfirmed": 0}
    (event,) = started(cloud)
    assert event["detail"]["object"] == {"key": "streams/g/b ü%25.csv", "version-id": version}
    assert cloud.execute(event).output["Status"] == "PASS"
    late = cloud.execute(cloud.event("streams/g/b ü%25.csv", version))
    assert late.output["Status"] == "REPEATED"
    assert reconciled()["Started"] == 0


def test_upload_is_started_once_however_often_it_is_found(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    for _ in range(3):
        reconciled()
    assert len(started(cloud)) == 1  # by its name


def test_newest_version_without_a_run_is_started(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")
    assert reconciled()["Started"] == 0
    version = cloud.upload("streams/g/s.csv")
    assert reconciled()["Started"] == 1
    assert started(cloud)[0]["detail"]["object"]["version-id"] == version


def test_rejected_upload_and_folder_are_not_started(cloud: Cloud) -> None:
    cloud.checked("streams/nogroup.csv")
    cloud.checked("streams/g/notes.md")
    cloud.upload("streams/g/folder/", b"")
    assert reconciled() == {"Listed": 3, "Recent": 2, "Unread": 0, "Started": 0, "Closed": 0, "Unconfirmed": 0}


def test_upload_that_is_being_started_is_left_alone(cloud: Cloud) -> None:
    version = cloud.upload("streams/g/s.csv")
    claim(claim_id("Upload", "streams/g/s.csv", version), "an execution")
    assert reconciled()["Started"] == 0


def test_young_and_old_uploads_are_left_alone(cloud: Cloud) -> None:
    cloud.upload("streams/g/young.csv")
    cloud.upload("streams/g/old.csv")
    cloud.age("streams/g/old.csv", days=4)
    counts = invoke(handler, {})
    assert (counts["Listed"], counts["Recent"], counts["Started"]) == (2, 0, 0)
    cloud.age("streams/g/young.csv", days=1)
    assert invoke(handler, {})["Started"] == 1
    invoke(handler, {"Days": 5})
    assert len(started(cloud)) == 2
    cloud.age("streams/g/old.csv", days=30)
    assert invoke(handler, {"Days": 100})["Recent"] == 1  # claims are remembered for 30 days


def test_unreadable_upload_fails_reconcile_after_the_others(cloud: Cloud) -> None:
    cloud.upload("streams/g/a.csv")
    cloud.upload("streams/g/b.csv")
    cloud.break_calls("HeadObject", client_error("HeadObject", "403", 403), times=1)
    with pytest.raises(LambdaError, match="1 uploads could not be read") as failed:
        reconciled()
    assert failed.value.error == "ReconciliationIncomplete"
    assert [event["detail"]["object"]["key"] for event in started(cloud)] == ["streams/g/b.csv"]


def test_deleted_object_is_skipped(cloud: Cloud) -> None:
    cloud.upload("streams/g/a.csv")
    cloud.break_calls("HeadObject", client_error("HeadObject", "404", 404))
    assert reconciled()["Started"] == 0


def test_reconcile_timeout_reports_counts(cloud: Cloud) -> None:
    cloud.upload("streams/g/a.csv")
    with pytest.raises(Exception, match=r'ran out of time; so far: {"Listed": 1') as failed:
        handler({"SettlingSeconds": 0}, Context(milliseconds=29_000))  # type: ignore[arg-type]
    assert type(failed.value).__name__ == "ReconciliationIncomplete"


def test_stopped_run_without_a_summary_is_closed_once(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    payload = stopped(cloud, {"GroupID": "g", "StreamID": "s"})
    invoke(step_1_start_qc.handler, payload)
    assert reconciled()["Closed"] == 1
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]
    assert len(cloud.messages(payload["ExecutionArn"])) == 1
    assert reconciled()["Closed"] == 0


def test_stopped_run_without_a_row_is_closed(cloud: Cloud) -> None:
    payload = stopped(cloud, {"GroupID": "g", "StreamID": "s"})
    assert reconciled()["Closed"] == 1
    assert [row["Status"] for row in cloud.rows(ExecutionArn=payload["ExecutionArn"])] == ["ERROR"]


def test_failed_repeated_delivery_is_not_closed(cloud: Cloud) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    cloud.execute(event)
    stopped(cloud, event)
    assert reconciled()["Closed"] == 0


def test_run_whose_summary_may_have_been_sent_is_counted_as_unconfirmed(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    payload = stopped(cloud, {"GroupID": "g", "StreamID": "s"})
    claim(claim_id("Summary", payload["ExecutionArn"]), "an attempt that died")
    assert (reconciled()["Closed"], reconciled()["Unconfirmed"]) == (0, 1)
    invoke(step_1_start_qc.handler, payload)  # with a row that is RUNNING, the row at least is closed
    assert (reconciled()["Closed"], reconciled()["Unconfirmed"]) == (1, 1)
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]
    assert cloud.messages() == []


def test_run_that_was_stopped_just_now_is_left_to_its_event(cloud: Cloud) -> None:
    stopped(cloud, {"GroupID": "g", "StreamID": "s"})
    assert invoke(handler, {})["Closed"] == 0
