"""Reconcile: lost uploads are started once, failed runs without a summary are closed, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

import reconcile
import step_1_start_qc
from pipeline.claims import claim, claim_id
from reconcile import handler
from tests.functions.cloud import QUARTER, SETTINGS, Cloud, Context, invoke, reconciled


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
    assert reconciled() == {"Listed": 1, "Recent": 1, "Started": 1, "Closed": 0, "Unconfirmed": 0}
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
    assert reconciled() == {"Listed": 3, "Recent": 2, "Started": 0, "Closed": 0, "Unconfirmed": 0}


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


def test_version_that_was_overwritten_is_started_too(cloud: Cloud) -> None:
    versions = [cloud.upload("streams/g/s.csv"), cloud.upload("streams/g/s.csv", QUARTER + " ")]
    assert reconciled()["Started"] == 2
    assert {one["detail"]["object"]["version-id"] for one in started(cloud)} == {*versions}


def test_upload_that_a_person_reran_is_left_alone(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    cloud.execute({"GroupID": "g", "StreamID": "s"})
    assert reconciled()["Started"] == 0


def test_deleted_object_is_skipped(cloud: Cloud) -> None:
    cloud.checked("streams/g/a.csv")
    cloud.s3.delete_object(Bucket="streams", Key="streams/g/a.csv")
    assert reconciled()["Started"] == 0


class Hurried(Context):
    """The context of invocations that each have the time for one page."""

    invoked_function_arn = "Reconcile"

    def get_remaining_time_in_millis(self) -> int:
        return 0


def test_large_bucket_is_looked_through_in_several_invocations(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.pages_of(3)
    for number in range(10):
        cloud.upload(f"streams/g/{number}.csv")
    went_on: list[dict[str, Any]] = []
    monkeypatch.setattr(reconcile, "go_on", lambda function: went_on.append({"Continue": function == "Reconcile"}))
    event: dict[str, Any] = {"SettlingSeconds": 0}
    listed = []
    while True:
        counts = handler(event, Hurried())  # type: ignore[arg-type]
        listed.append(counts["Listed"])
        if "Continues" not in counts:
            break
        event = {**event, **went_on[-1]}
    assert sum(listed) == 10
    assert len(listed) == 4
    assert len(started(cloud)) == 10
    assert handler({"SettlingSeconds": 0}, Hurried())["Listed"] == 3  # type: ignore[arg-type]  # a new round
    assert handler({"SettlingSeconds": 0}, Hurried())["Listed"] == 3  # type: ignore[arg-type]  # the schedule goes on with it
    assert len(started(cloud)) == 10


def test_failed_runs_that_there_is_no_time_for_fail_reconcile(cloud: Cloud) -> None:
    stopped(cloud, {"GroupID": "g", "StreamID": "s"})
    with pytest.raises(Exception, match=r'ran out of time; so far: {"Listed": 0') as failed:
        handler({"SettlingSeconds": 0}, Hurried())  # type: ignore[arg-type]
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
