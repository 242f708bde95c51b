"""QCProcess1, 2 and 3: they read one version, write details before the flag, and repeat safely."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

import step_1_start_qc
from pipeline.environment import environment
from step_2_qc_process import continuity, structure, values
from tests.functions.cloud import Cloud, LambdaError, client_error, invoke

KEY = "streams/g/s.csv"
RECENT = """
schema: {fields: [{name: t, type: datetime}]}
time: t
streams: {t: {qartod: {impossible_date_test: {}, data_reception_test: {fail_span: 2}}}}
"""


@pytest.fixture
def run(cloud: Cloud) -> dict[str, Any]:
    cloud.upload(KEY)
    return invoke(step_1_start_qc.handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))


def test_retry_writes_the_same_details_again(cloud: Cloud, run: dict[str, Any]) -> None:
    first = invoke(structure, run)
    details = cloud.details(run["QCPID"])
    assert invoke(structure, run) == first == {"Process": 1, "Pass": 1, "Rows": 1, "Within": 0}
    assert cloud.details(run["QCPID"]) == details
    assert {check[:2] for check in details} == {"1#"}
    (row,) = cloud.rows()
    assert (row["Process1Pass"], row["Rows"], "Process2Pass" in row) == (1, 1, False)


def test_overwritten_or_deleted_object_is_still_read_in_its_version(cloud: Cloud, run: dict[str, Any]) -> None:
    cloud.upload(KEY, "not,what,was,uploaded\n")
    assert invoke(structure, run) == {"Process": 1, "Pass": 1, "Rows": 1, "Within": 0}
    cloud.s3.delete_object(Bucket="streams", Key=KEY)  # a delete marker: the version is still there
    assert invoke(values, run)["Pass"] == 1
    cloud.s3.delete_object(Bucket="streams", Key=KEY, VersionId=run["VersionId"])
    with pytest.raises(LambdaError, match="is no longer in ") as failed:
        invoke(continuity, run)
    assert failed.value.error == "StreamNotFound"


def test_process_without_checks_passes_and_says_so(run: dict[str, Any]) -> None:
    assert invoke(values, run) == {
        "Process": 2, "Pass": 1, "Rows": 1, "Message": "the rules have no values checks",
    }  # fmt: skip


def test_rules_are_read_in_the_version_that_start_qc_found(cloud: Cloud) -> None:
    cloud.upload(KEY)
    cloud.upload("rules/g.yaml", "rows: {minimum: 1}")
    run = invoke(step_1_start_qc.handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
    cloud.upload("rules/g.yaml", "rows: {minimum: 5}")
    assert invoke(structure, run)["Pass"] == 1


def test_rows_are_judged_as_of_the_start_of_the_run(cloud: Cloud) -> None:
    """However late a process or its retry is, and whichever part of the file it reads."""
    cloud.upload("rules/g.yaml", RECENT)
    cloud.upload(KEY, "t\n2020-01-01T00:00:00\n2020-01-01T01:00:00\n")
    run = invoke(step_1_start_qc.handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
    for start, passed in (("00:30", 0), ("01:00", 1), ("02:00", 1), ("02:01", 0)):  # 00:30: a row is in the future
        begun = {**run, "StartTime": f"2020-01-01T{start}:00.000000Z"}
        row = {name: begun[name] for name in ("GroupID", "StartTime", "QCPID", "Status")}
        cloud.table("QCSummary").put_item(Item=row)
        assert invoke(continuity, begun)["Pass"] == passed, start


def test_mistakes_in_the_rules_are_named_with_their_places(cloud: Cloud) -> None:
    cloud.upload(KEY)
    cloud.upload("rules/g.yaml", "{rows: {minimum: -1}, streams: {nowhere: {qartod: {spike_test: {}}}}}")
    run = invoke(step_1_start_qc.handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
    with pytest.raises(LambdaError, match=r"rows\.minimum: .*") as failed:
        invoke(structure, run)
    assert failed.value.error == "InvalidRules"
    assert "streams.nowhere: " in failed.value.cause


def test_flag_is_not_set_where_the_details_could_not_be_written(cloud: Cloud, run: dict[str, Any]) -> None:
    cloud.break_calls("BatchWriteItem", client_error("BatchWriteItem", "AccessDeniedException"))
    with pytest.raises(LambdaError):
        invoke(structure, run)
    (row,) = cloud.rows()
    assert "Process1Pass" not in row


def test_closed_run_takes_no_flag(cloud: Cloud, run: dict[str, Any]) -> None:
    cloud.table("QCSummary").update_item(
        Key={"GroupID": "g", "StartTime": run["StartTime"]},
        UpdateExpression="SET #s = :error",
        ExpressionAttributeNames={"#s": "Status"},
        ExpressionAttributeValues={":error": "ERROR"},
    )
    with pytest.raises(LambdaError, match="the run has already ended as ERROR") as failed:
        invoke(structure, run)
    assert failed.value.error == "RunClosed"


def test_details_expire_after_the_days_of_the_setting(
    cloud: Cloud, run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke(structure, run)
    assert not any("ExpiresAt" in item for item in cloud.details(run["QCPID"]).values())
    monkeypatch.setenv("DETAILS_DAYS", "2")
    environment.cache_clear()
    invoke(structure, run)
    assert all("ExpiresAt" in item for item in cloud.details(run["QCPID"]).values())


def test_missing_setting_is_named(run: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DETAILS_TABLE")
    environment.cache_clear()
    with pytest.raises(LambdaError, match="the environment variable DETAILS_TABLE is not set") as failed:
        invoke(structure, run)
    assert failed.value.error == "MissingSetting"


def test_body_that_ends_early_is_retried(cloud: Cloud, run: dict[str, Any]) -> None:
    cloud.break_calls("GetObject", IncompleteReadError(actual_bytes=1, expected_bytes=2), times=1)
    assert invoke(structure, run) == {"Process": 1, "Pass": 1, "Rows": 1, "Within": 0}
