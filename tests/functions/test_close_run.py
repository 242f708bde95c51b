"""CloseRun: a run whose execution failed or was stopped ends as ERROR, and its summary is sent once."""

from __future__ import annotations

from typing import Any

import pytest

import step_1_start_qc
import step_2_qc_process
from close_run import handler
from pipeline.publishing import Progress, progress
from tests.functions.cloud import Cloud, Ended, LambdaError, client_error, invoke

KEY = "streams/g/s.csv"


@pytest.fixture
def payload(cloud: Cloud) -> dict[str, Any]:
    """What StartQC was given for an upload."""
    return cloud.payload(cloud.event(KEY, cloud.upload(KEY)))


def stopped(cloud: Cloud, payload: dict[str, Any], status: str = "ABORTED") -> dict[str, Any]:
    """EventBridge's event of its execution."""
    return cloud.status_event(payload, Ended(payload["ExecutionArn"], {}), status)


def test_stopped_run_ends_as_error_and_is_sent_once(cloud: Cloud, payload: dict[str, Any]) -> None:
    run = invoke(step_1_start_qc.handler, payload)
    invoke(step_2_qc_process.structure, run)
    first = invoke(handler, stopped(cloud, payload))
    assert invoke(handler, stopped(cloud, payload)) == first
    (row,) = cloud.rows()
    assert (row["Status"], row["Error"], row["TotalPass"]) == ("ERROR", "ExecutionAborted", 0)
    assert (row["Process1Pass"], row["Process2Pass"], row["Process3Pass"]) == (1, 0, 0)
    (message,) = cloud.messages(payload["ExecutionArn"])
    assert message["Subject"] == "[QC ERROR] g/s"
    lines = message["Summary"]["Text"].splitlines()
    assert "ExecutionAborted: the execution was stopped before it ended" in lines
    assert "1 structure   pass" in lines
    assert "2 values      could not run: ExecutionAborted: as above" in lines
    assert {name: message["Summary"][name] for name in ("Process1Pass", "Process2Pass")} == {
        "Process1Pass": 1, "Process2Pass": 0,
    }  # fmt: skip


def test_run_whose_start_failed_gets_a_row_and_ends_its_claim(cloud: Cloud, payload: dict[str, Any]) -> None:
    cloud.break_calls("HeadObject", client_error("HeadObject", "403", 403))
    with pytest.raises(LambdaError):
        invoke(step_1_start_qc.handler, payload)
    cloud.mend_calls()
    invoke(handler, {**payload, "Error": "ClientError", "Cause": "403"})
    (row,) = cloud.rows()
    assert (row["Status"], row["Error"], row["Process3Pass"], row["Key"]) == ("ERROR", "ClientError", 0, KEY)
    assert len(cloud.messages()) == 1
    again = invoke(step_1_start_qc.handler, cloud.payload(payload["Input"]))  # a later delivery does not wait any more
    assert (again["Status"], again["RepeatOf"]) == ("REPEATED", row["QCPID"])


def test_failed_repeated_delivery_changes_nothing(cloud: Cloud, payload: dict[str, Any]) -> None:
    first = cloud.execute(payload["Input"])
    repeated = cloud.payload(payload["Input"])
    answer = invoke(handler, {**repeated, "Error": "RuntimeError", "Cause": "it failed"})
    assert answer == {"RepeatOf": first.output["QCPID"]}
    assert [row["Status"] for row in cloud.rows()] == ["PASS"]
    assert len(cloud.messages()) == 1


def test_verdict_that_nobody_was_notified_of_stays_and_is_sent(cloud: Cloud, payload: dict[str, Any]) -> None:
    cloud.break_calls("Publish", client_error("Publish", "AuthorizationError", 403), times=1)
    ended = cloud.execute(payload["Input"])
    assert ended.error == "ClientError"
    (row,) = cloud.rows()
    assert (row["Status"], row["TotalPass"], row["Notified"]) == ("PASS", 1, True)
    (message,) = cloud.messages(ended.arn)
    assert message["Summary"]["Status"] == "PASS"


def test_verdict_that_was_sent_stands(cloud: Cloud, payload: dict[str, Any]) -> None:
    ended = cloud.execute(payload["Input"])
    (message,) = cloud.messages(ended.arn)
    failed = {**payload, "ExecutionArn": ended.arn, "Error": "RuntimeError", "Cause": "after it published"}
    assert invoke(handler, failed)["MessageId"] == message["MessageId"]
    assert [row["Status"] for row in cloud.rows()] == ["PASS"]
    assert len(cloud.messages()) == 1


def test_summary_that_may_have_been_sent_is_not_repeated_and_the_row_is_closed(
    cloud: Cloud, payload: dict[str, Any]
) -> None:
    run = invoke(step_1_start_qc.handler, payload)
    cloud.break_calls("Publish", client_error("Publish", "InternalError", 500), times=1)
    with pytest.raises(LambdaError) as failed:
        invoke(handler, stopped(cloud, payload))
    assert failed.value.error == "SummaryNotConfirmed"
    assert progress(run["ExecutionArn"]) == Progress.UNKNOWN
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]
    assert cloud.messages() == []


def test_request_without_a_group_is_sent_without_a_row(cloud: Cloud) -> None:
    payload = cloud.payload({"StreamID": "s"})
    invoke(handler, {**payload, "Error": "RuntimeError", "Cause": "it failed"})
    assert cloud.rows() == []
    (message,) = cloud.messages()
    assert message["Subject"] == "[QC ERROR] (no GroupID)/s"


def test_rejected_upload_that_was_not_sent_is_sent_as_rejected(cloud: Cloud) -> None:
    cloud.break_calls("Publish", client_error("Publish", "AuthorizationError", 403), times=1)
    ended = cloud.checked("streams/g/notes.md", "x")
    assert (ended.error, [row["Status"] for row in cloud.rows()]) == ("ClientError", ["REJECTED"])
    assert [message["Subject"] for message in cloud.messages()] == ["[QC REJECTED] g/notes.md"]


def test_execution_that_did_not_fail_is_ignored(cloud: Cloud, payload: dict[str, Any]) -> None:
    invoke(step_1_start_qc.handler, payload)
    assert "Ignored" in invoke(handler, stopped(cloud, payload, "SUCCEEDED"))
    assert [row["Status"] for row in cloud.rows()] == ["RUNNING"]


def test_end_qc_that_fails_leaves_the_flags_and_an_error(cloud: Cloud, payload: dict[str, Any]) -> None:
    run = invoke(step_1_start_qc.handler, payload)
    for process in (step_2_qc_process.structure, step_2_qc_process.values, step_2_qc_process.continuity):
        invoke(process, run)
    invoke(handler, {**payload, "Error": "ResourceNotFoundException", "Cause": "no table"})
    (row,) = cloud.rows()
    assert (row["Status"], row["TotalPass"], row["Process2Pass"]) == ("ERROR", 0, 1)
    assert row["StartTime"] < row["EndTime"]
    (message,) = cloud.messages()
    assert "2 values      pass" in message["Summary"]["Text"]


def test_summary_of_a_run_that_was_closed_as_error_names_the_processes(cloud: Cloud, payload: dict[str, Any]) -> None:
    invoke(step_2_qc_process.structure, invoke(step_1_start_qc.handler, payload))
    (row,) = cloud.rows()
    cloud.table("QCSummary").put_item(Item={**row, "Status": "ERROR", "Process2Pass": 0, "Process3Pass": 0})
    invoke(handler, stopped(cloud, payload))
    (message,) = cloud.messages(payload["ExecutionArn"])
    assert "1 structure   pass\n2 values      FAIL\n3 continuity  FAIL" in message["Summary"]["Text"]
