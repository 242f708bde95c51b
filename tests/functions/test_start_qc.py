"""StartQC: which file, which version and which rules; one run for an upload, a new run for every rerun."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipeline import objects
from pipeline.execution import Execution
from pipeline.runs import first_start_time
from step_1_start_qc import handler
from tests.functions.cloud import QUARTER, Cloud, LambdaError, client_error, invoke


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("streams/Zürich 3/a+b 100%25.csv", ("Zürich 3", "a+b 100%25")),
        ("streams/group1/streamA/2026/11/23.csv", ("group1", "streamA")),
        ("streams/محطة ١/درجة الحرارة.CSV", ("محطة ١", "درجة الحرارة")),
        ("streams/e\u0301/ﬁ.csv", ("e\u0301", "ﬁ")),
        ("streams/%2F..%00/a b+c.csv", ("%2F..%00", "a b+c")),
    ],
)
def test_upload_is_seeded_under_the_ids_of_its_raw_key(cloud: Cloud, key: str, ids: tuple[str, str]) -> None:
    version = cloud.upload(key)
    run = invoke(handler, cloud.payload(cloud.event(key, version)))
    assert (run["Status"], run["Key"], run["VersionId"], run["Size"]) == ("RUNNING", key, version, len(QUARTER))
    (row,) = cloud.rows()
    assert (row["GroupID"], row["StreamID"], row["QCPID"]) == (*ids, run["QCPID"])


@pytest.mark.parametrize(
    ("key", "group"), [("streams/g/notes.md", True), ("streams/x.csv", False), (f"streams/{'g' * 129}/s.csv", False)]
)
def test_invalid_upload_is_rejected_with_a_row_where_its_group_is_valid(cloud: Cloud, key: str, group: bool) -> None:
    run = invoke(handler, cloud.payload(cloud.event(key, cloud.upload(key))))
    assert (run["Status"], run["Error"], run["TotalPass"]) == ("REJECTED", "InvalidInput", 0)
    assert [row["Status"] for row in cloud.rows()] == (["REJECTED"] if group else [])


def test_long_ids_are_refused_and_stored_nowhere(cloud: Cloud) -> None:
    run = invoke(handler, cloud.payload({"GroupID": '"' * 100_000, "StreamID": "s" * 100_000}))
    assert run["Cause"].startswith("GroupID has 100000 characters")
    assert len(str(run)) < 1000


def test_rerun_reads_the_newest_object_of_its_stream_only(cloud: Cloud) -> None:
    for name in ("s/old.csv", "s/new.csv", "s.more.csv", "s2.csv", "s/notes.md"):
        cloud.upload(f"streams/g/{name}")
    cloud.upload("streams/g/s/new.csv", QUARTER * 2)
    cloud.age("streams/g/s/old.csv", days=1)
    run = invoke(handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
    assert (run["Key"], run["Size"]) == ("streams/g/s/new.csv", 2 * len(QUARTER))


def test_rerun_of_a_version_reads_that_version(cloud: Cloud) -> None:
    first = cloud.upload("streams/g/s.csv")
    cloud.upload("streams/g/s.csv", QUARTER * 2)
    asked = {"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "VersionId": first}
    run = invoke(handler, cloud.payload(asked))
    assert (run["VersionId"], run["Size"]) == (first, len(QUARTER))


def test_missing_stream_error_names_prefixes(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.more.csv")
    run = invoke(handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
    assert (run["Status"], run["Error"]) == ("ERROR", "StreamNotFound")
    assert "streams/g/s. or streams/g/s/" in run["Cause"]
    (row,) = cloud.rows()
    assert (row["Status"], row["Process1Pass"], row["TotalPass"]) == ("ERROR", 0, 0)


def test_deleted_upload_is_not_found(cloud: Cloud) -> None:
    run = invoke(handler, cloud.payload(cloud.event("streams/g/gone.csv", "0" * 32)))
    assert (run["Status"], run["Error"]) == ("ERROR", "StreamNotFound")


def test_nearest_rules_judge(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    rules = ["rules/default.yaml", "rules/g.yaml", "rules/g/s.yaml"]
    found = [invoke(handler, cloud.payload({"GroupID": "g", "StreamID": "s"})).get("RulesKey")]
    for key in rules:
        version = cloud.upload(key, "rows: {minimum: 1}")
        run = invoke(handler, cloud.payload({"GroupID": "g", "StreamID": "s"}))
        found.append(run["RulesKey"])
        assert run["RulesVersionId"] == version
    assert found == [None, *rules]


def test_retry_finds_the_row_of_its_first_attempt(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    payload = cloud.payload({"GroupID": "g", "StreamID": "s"})
    assert invoke(handler, payload) == invoke(handler, payload)
    assert len(cloud.rows()) == 1


@pytest.mark.parametrize("operation", ["HeadObject", "PutItem", "UpdateItem"])
@pytest.mark.parametrize("after", [False, True])
def test_transient_error_is_retried_without_a_second_row(cloud: Cloud, operation: str, after: bool) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    cloud.break_calls(operation, client_error(operation, "InternalServerError", 500), times=2, after=after)
    run = invoke(handler, cloud.payload(event))
    assert run["Status"] == "RUNNING"
    assert [row["QCPID"] for row in cloud.rows()] == [run["QCPID"]]


def test_refused_call_is_an_error_of_its_own_name(cloud: Cloud) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    cloud.break_calls("HeadObject", client_error("HeadObject", "403", 403))
    with pytest.raises(LambdaError, match="403") as failed:
        invoke(handler, cloud.payload(event))
    assert failed.value.error == "ClientError"


def test_every_delivery_after_the_first_is_repeated(cloud: Cloud) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    first = invoke(handler, cloud.payload(event))
    again = invoke(handler, cloud.payload(event))
    assert (again["Status"], again["RepeatOf"]) == ("REPEATED", first["QCPID"])
    assert again["ExecutionArn"] != first["ExecutionArn"]
    assert len(cloud.rows()) == 1


def test_delivery_waits_while_another_is_being_started(cloud: Cloud) -> None:
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    cloud.break_calls("HeadObject", client_error("HeadObject", "403", 403))
    with pytest.raises(LambdaError):
        invoke(handler, cloud.payload(event))
    cloud.mend_calls()
    with pytest.raises(LambdaError, match="another execution is starting the run of streams/g/s") as failed:
        invoke(handler, cloud.payload(event))
    assert failed.value.error == "UploadBeingStarted"


def test_upload_without_version_and_sequencer_is_always_started(cloud: Cloud) -> None:
    event: dict[str, Any] = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv"))
    event["detail"]["object"] = {"key": "streams/g/s.csv"}
    assert [invoke(handler, cloud.payload(event))["Status"] for _ in range(2)] == ["RUNNING", "RUNNING"]


def test_runs_of_one_microsecond_all_keep_their_rows(cloud: Cloud) -> None:
    cloud.upload("streams/g/s.csv")
    by_time: dict[Any, list[Any]] = {}
    for number in range(10_000):
        payload = cloud.payload({"GroupID": "g", "StreamID": "s"}, name=str(number))
        payload["ExecutionStart"] = "2026-11-23T08:00:00.000Z"
        same = by_time.setdefault(first_start_time(Execution.from_step(payload)), [])
        same.append(payload)
        if len(same) == 3:
            break
    runs = [invoke(handler, payload) for payload in same]
    assert len({run["StartTime"] for run in runs}) == 3
    assert invoke(handler, same[2]) == runs[2]  # a retry goes past the rows of the others to its own
    assert {row["QCPID"] for row in cloud.rows()} == {run["QCPID"] for run in runs}


@pytest.mark.parametrize(
    ("name", "gib", "error"),
    [
        ("s.xlsx", 49, ""),
        ("s.xlsx", 51, "FileTooLarge"),
        ("s.csv", 501, "FileTooLarge"),
        ("s.csv.gz", 11, "FileTooLarge"),
        ("s.parquet", 501, "FileTooLarge"),
    ],
)
def test_file_that_no_function_could_check_is_refused_at_once(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, gib: float, error: str
) -> None:
    locate = objects.locate

    def huge(key: str, version_id: str | None) -> Any:
        found = locate(key, version_id)
        return dataclasses.replace(found, size=int(gib * 2**30)) if key.startswith("streams/") else found

    monkeypatch.setattr(objects, "locate", huge)
    key = f"streams/g/{name}"
    ended = cloud.execute(cloud.event(key, cloud.upload(key)))
    assert ended.error == error
    if error:
        (row,) = cloud.rows()
        assert (row["Status"], row["Error"]) == ("ERROR", "FileTooLarge")
        assert "upload the rows in several files" in row["Cause"]
