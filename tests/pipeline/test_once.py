"""One row, one set of details and one message, whatever is delivered, retried or broken."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.pipeline import Inbox, Pipeline, until
from pipeline.runs import first_start_time
from tests.pipeline.conftest import QUARTER
from tests.samples import event

Invoke = Callable[[str, dict[str, Any]], Any]
START = "2026-11-23T08:00:00.000Z"


def rerun_payload(group: str, name: str) -> dict[str, Any]:
    return {
        **event("start_qc_rerun"),
        "GroupID": group,
        "StreamID": "s",
        "ExecutionArn": f"arn:aws:states:eu-central-2:000000000000:execution:QC:{name}",
        "ExecutionStart": START,
    }


def test_deliveries_of_one_object_version_make_one_run(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    first = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    with ThreadPoolExecutor(6) as pool:
        arns = list(pool.map(pipeline.start, [first.input] * 6))
    again = [pipeline.finished(arn) for arn in arns]
    assert {one.status for one in again} == {"SUCCEEDED"}
    assert {(one.output["Status"], one.output["RepeatOf"]) for one in again} == {("REPEATED", first.output["QCPID"])}
    (row,) = pipeline.rows(GroupID=group)
    assert row["QCPID"] == first.output["QCPID"]
    assert inbox.message(first.arn)
    assert [inbox.all(arn) for arn in arns] == [[]] * 6


def test_deliveries_at_the_same_instant_make_one_run(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    key = f"streams/{group}/s.csv"
    delivered = copy.deepcopy(event("execution_upload"))
    version = pipeline.upload(key, QUARTER.encode())
    delivered["detail"]["object"] |= {"key": key, "version-id": version}
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(pipeline.start, [delivered] * 8))

    def the_rules_own() -> list[str]:
        others = set(pipeline.executions()) - set(started)
        return [arn for arn in others if version in str(pipeline.execution(arn).input)]

    ended = [pipeline.finished(arn) for arn in [*started, *until(the_rules_own, "the rule's own execution")]]
    assert Counter(one.output["Status"] for one in ended) == {"PASS": 1, "REPEATED": 8}
    assert len(pipeline.rows(GroupID=group)) == 1
    assert sum(len(inbox.all(one.arn)) for one in ended) == 1


def test_a_rejected_upload_that_is_delivered_again_is_told_once(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    first = pipeline.checked(f"streams/{group}/notes.txt", b"x")
    again = pipeline.finished(pipeline.start(first.input))
    assert (first.status, again.status) == ("FAILED", "SUCCEEDED")
    assert again.output["Status"] == "REPEATED"
    assert len(pipeline.rows(GroupID=group)) == 1
    assert inbox.message(first.arn)
    assert inbox.all(again.arn) == []


def test_a_retried_start_finds_its_own_row(pipeline: Pipeline, invoke: Invoke, group: str) -> None:
    pipeline.upload(f"streams/{group}/s.csv", QUARTER.encode())
    payload = rerun_payload(group, f"retried {group}")
    first, again = invoke("StartQC", payload), invoke("StartQC", payload)
    assert first == again
    assert len(pipeline.rows(QCPID=first["QCPID"])) == 1


def test_two_runs_of_a_group_in_the_same_microsecond_both_keep_their_rows(
    pipeline: Pipeline, invoke: Invoke, group: str
) -> None:
    pipeline.upload(f"streams/{group}/s.csv", QUARTER.encode())
    by_time: dict[Any, list[dict[str, Any]]] = {}
    for number in range(2000):
        payload = rerun_payload(group, f"{group} {number}")
        same = by_time.setdefault(first_start_time(payload["ExecutionArn"], START), [])
        same.append(payload)
        if len(same) == 3:
            break
    runs = [invoke("StartQC", payload) for payload in same]
    assert len({run["StartTime"] for run in runs}) == 3
    assert invoke("StartQC", same[2]) == runs[2]  # a retry goes past the others' rows to its own
    rows = {row["QCPID"]: row for row in pipeline.rows(GroupID=group)}
    assert {run["QCPID"] for run in runs} <= set(rows)


def test_a_retried_process_writes_the_same_details_again(pipeline: Pipeline, invoke: Invoke, group: str) -> None:
    pipeline.upload(f"streams/{group}/s.csv", QUARTER.encode())
    run = invoke("StartQC", rerun_payload(group, f"process {group}"))
    first = invoke("QCProcess1", run)
    details = pipeline.details(run["QCPID"])
    assert invoke("QCProcess1", run) == first == {"Process": 1, "Pass": 1, "Rows": 1}
    assert pipeline.details(run["QCPID"]) == details
    assert {check[:2] for check in details} == {"1#"}


def test_an_object_that_is_overwritten_or_deleted_while_a_run_goes_on_changes_nothing_or_is_said(
    pipeline: Pipeline, invoke: Invoke, group: str
) -> None:
    key = f"streams/{group}/s.csv"
    pipeline.upload(key, QUARTER.encode())
    run = invoke("StartQC", rerun_payload(group, f"overwritten {group}"))
    pipeline.upload(key, b"not,what,was,uploaded\n")
    assert invoke("QCProcess1", run) == {"Process": 1, "Pass": 1, "Rows": 1}
    pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key)  # a delete marker: the version is still there
    assert invoke("QCProcess2", run) == {"Process": 2, "Pass": 1, "Rows": 1}
    pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key, VersionId=run["VersionId"])
    with pytest.raises(RuntimeError, match=r"StreamNotFound: .* is no longer in "):
        invoke("QCProcess3", run)


def test_a_retried_send_neither_sends_nor_counts_twice(
    pipeline: Pipeline, inbox: Inbox, invoke: Invoke, group: str
) -> None:
    arn = f"arn:aws:states:eu-central-2:000000000000:execution:QC:{group}"
    ended = {**event("send_qc_summary"), "GroupID": group, "ExecutionArn": arn}
    first = invoke("SendQCSummary", ended)
    assert invoke("SendQCSummary", ended) == first
    assert inbox.message(arn)["MessageId"] == first["MessageId"]
    time.sleep(0.3)
    assert len(inbox.all(arn)) == 1
    counted = [
        line["Runs"] for line in pipeline.logs("SendQCSummary") if "Runs" in line and line["ExecutionArn"] == arn
    ]
    assert counted == [[1.0]]


def test_a_send_that_broke_off_is_not_repeated_and_says_so(
    pipeline: Pipeline, inbox: Inbox, invoke: Invoke, group: str
) -> None:
    """An attempt that claimed the message and then died leaves an item that is in progress."""
    ended = {
        **event("send_qc_summary"),
        "GroupID": group,
        "ExecutionArn": f"arn:aws:states:eu-central-2:000000000000:execution:QC:{group}",
    }
    invoke("SendQCSummary", ended)
    assert inbox.message(ended["ExecutionArn"])
    table = next(name for name in pipeline.dynamodb.list_tables()["TableNames"] if "Idempotency" in name)
    claims = [
        item for item in pipeline.dynamodb.scan(TableName=table)["Items"] if item["id"]["S"].startswith("SendQCSummary")
    ]
    claim = max(claims, key=lambda item: int(item["expiration"]["N"]))
    for item in claims:
        if item.get("data", {}).get("S") and item["expiration"] == claim["expiration"]:
            pipeline.dynamodb.put_item(
                TableName=table,
                Item={"id": item["id"], "status": {"S": "INPROGRESS"}, "expiration": item["expiration"]},
            )
    with pytest.raises(
        RuntimeError, match=r"SummaryNotConfirmed: .* may have been published, and is not published again"
    ):
        invoke("SendQCSummary", ended)
    assert len(inbox.all(ended["ExecutionArn"])) == 1


def test_a_process_that_breaks_does_not_stop_its_siblings(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    client = pipeline.aws.client("lambda")
    name = next(
        one["FunctionName"]
        for one in client.list_functions()["Functions"]
        if one["FunctionName"].startswith("StreamQC-QCProcess2")
    )
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "DETAILS_TABLE": "no-such-table"}}
    )
    try:
        execution = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    assert (execution.status, execution.error) == ("FAILED", "ResourceNotFoundException")
    assert execution.cause.startswith("values: ResourceNotFoundException: ")
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["Status"], row["TotalPass"]) == ("ERROR", 0)
    assert (row["Process1Pass"], row["Process2Pass"], row["Process3Pass"]) == (1, 0, 1)
    text = inbox.message(execution.arn)["Summary"]["Text"]
    assert "\n1 structure   pass\n" in text
    assert "\n2 values      could not run: ResourceNotFoundException: " in text
    assert "\n3 continuity  pass\n" in text


def test_an_end_that_breaks_is_told_and_fails_the_execution(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    client = pipeline.aws.client("lambda")
    name = next(
        one["FunctionName"]
        for one in client.list_functions()["Functions"]
        if one["FunctionName"].startswith("StreamQC-EndQC")
    )
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "SUMMARY_TABLE": "no-such-table"}}
    )
    try:
        execution = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    assert (execution.status, execution.error) == ("FAILED", "ResourceNotFoundException")
    message = inbox.message(execution.arn)
    assert message["Subject"] == f"[QC ERROR] {group}/s"
    assert message["Summary"]["TotalPass"] == 0
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["Status"], row["Error"], row["TotalPass"]) == ("ERROR", "ResourceNotFoundException", 0)
    assert row["StartTime"] < row["EndTime"]
