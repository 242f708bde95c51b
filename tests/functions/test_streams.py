"""The state of every stream: what a run changes, whatever the order of the runs, and what the summary says of it."""

from __future__ import annotations

import json

import pytest

import close_run
import step_3_end_qc
from pipeline import limits, runs, streams
from pipeline.errors import TemporaryFailure
from tests.functions.cloud import QUARTER, Cloud, Payload, client_error, invoke

KEY = "streams/g/s.csv"
BAD = QUARTER.replace("2015/01/01", "noon")
RULES = "schema: {fields: [{name: date, type: date, format: '%Y/%m/%d'}, {name: wind, type: number}]}"


def state(cloud: Cloud) -> Payload:
    item: Payload = cloud.table("QCStreams").get_item(Key={"GroupID": "g", "StreamID": "s"})["Item"]
    return item


@pytest.fixture
def rules(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)


@pytest.mark.usefixtures("rules")
def test_runs_say_how_the_stream_stood_before(cloud: Cloud) -> None:
    bodies = [QUARTER, QUARTER + " ", BAD, BAD + " ", QUARTER]
    rows = [cloud.rows(QCPID=cloud.checked(KEY, body).output["QCPID"])[0] for body in bodies]
    assert [(row["Status"], row.get("PreviousStatus"), row["Change"]) for row in rows] == [
        ("PASS", None, "FIRST"),
        ("FAIL", "PASS", "CHANGED"),  # a row of one cell is malformed
        ("FAIL", "FAIL", "SAME"),
        ("FAIL", "FAIL", "SAME"),
        ("PASS", "FAIL", "CHANGED"),
    ]
    assert [row.get("FailingRuns") for row in rows] == [None, None, None, None, None]
    assert state(cloud)["QCPID"] == rows[-1]["QCPID"]
    assert state(cloud)["Status"] == "PASS"
    assert rows[-1]["PreviousSince"] == rows[1]["EndTime"]


@pytest.mark.usefixtures("rules")
def test_same_failing_checks_are_still_failing(cloud: Cloud) -> None:
    first, second, third = (cloud.checked(KEY, BAD) for _ in range(3))
    rows = [cloud.rows(QCPID=ended.output["QCPID"])[0] for ended in (first, second, third)]
    assert [row.get("FailingRuns") for row in rows] == [None, 2, 3]
    assert rows[2]["FailingSince"] == rows[0]["EndTime"]
    summaries = [cloud.messages(ended.arn)[0] for ended in (first, third)]
    assert summaries[0]["Summary"]["Text"].splitlines()[0] == "FAIL: g/s"
    since = rows[0]["EndTime"][:16].replace("T", " ")
    assert summaries[1]["Summary"]["Text"].splitlines()[0] == f"FAIL: g/s (still failing since {since} UTC, 3 runs)"
    assert summaries[1]["MessageAttributes"]["Change"]["Value"] == "SAME"
    assert "Notified" not in summaries[1]["Summary"]


def test_older_file_does_not_overwrite_the_state_of_a_newer_one(cloud: Cloud) -> None:
    old = cloud.event(KEY, cloud.upload(KEY))
    cloud.age(KEY, 1)
    new = cloud.checked(KEY, "")
    before = state(cloud)
    late = cloud.execute(old)
    assert state(cloud) == before
    row = cloud.rows(QCPID=late.output["QCPID"])[0]
    assert (row["Status"], row["PreviousStatus"], row["Change"]) == ("PASS", new.output["Status"], "SAME")
    rerun = cloud.execute({"GroupID": "g", "StreamID": "s"})
    assert state(cloud)["QCPID"] == rerun.output["QCPID"]


def test_repeated_step_has_the_same_effect(cloud: Cloud) -> None:
    cloud.checked(KEY, "")
    ended = cloud.checked(KEY, QUARTER)
    before, row = state(cloud), cloud.rows(QCPID=ended.output["QCPID"])[0]
    run = {
        name: value for name, value in ended.output.items() if name not in ("Change", "PreviousStatus", "PreviousSince")
    }
    again = invoke(step_3_end_qc.handler, {**json.loads(json.dumps(run, default=int)), "Status": "RUNNING"})
    assert (again["Change"], again["PreviousStatus"]) == (row["Change"], row["PreviousStatus"]) == ("CHANGED", "FAIL")
    assert {**state(cloud), "Revision": 0} == {**before, "Revision": 0}


def test_run_that_checks_no_file_changes_nothing(cloud: Cloud) -> None:
    cloud.execute({"GroupID": "g", "StreamID": "s"})
    assert "Item" not in cloud.table("QCStreams").get_item(Key={"GroupID": "g", "StreamID": "s"})


def test_delivery_fault_leaves_the_verdict(cloud: Cloud) -> None:
    cloud.break_calls("Publish", client_error("Publish", "AuthorizationError", 403))
    ended = cloud.checked(KEY, QUARTER)
    assert ended.error
    (row,) = cloud.rows()
    assert (row["Status"], row["TotalPass"], row["Notified"]) == ("PASS", 1, False)
    assert cloud.unclosed == [ended.arn]
    cloud.mend_calls()
    invoke(
        close_run.handler,
        {"ExecutionArn": ended.arn, "ExecutionStart": ended.started, "Input": ended.given, "Error": "x"},
    )
    (row,) = cloud.rows()
    assert (row["Status"], row["Notified"]) == ("PASS", True)
    assert [one["Summary"]["Status"] for one in cloud.messages()] == ["PASS"]


def test_state_that_others_write_at_once_is_read_again(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    real = streams.find
    seen: list[Payload] = []

    def find(group_id: str | None, stream_id: str | None) -> Payload:
        item = real(group_id, stream_id)
        if len(seen) < 3:
            seen.append(item)
            streams.write(group_id, stream_id, {"Note": len(seen)}, seen=item)
        return item

    monkeypatch.setattr(streams, "find", find)
    ended = cloud.checked(KEY, QUARTER)
    assert state(cloud)["QCPID"] == ended.output["QCPID"]
    assert state(cloud)["Note"] == 3


@pytest.mark.usefixtures("rules")
def test_run_that_is_closed_later_keeps_what_it_was_told(cloud: Cloud) -> None:
    cloud.checked(KEY, BAD)
    cloud.break_calls("Publish", client_error("Publish", "AuthorizationError", 403))
    ended = cloud.checked(KEY, BAD)
    cloud.mend_calls()
    payload = {"ExecutionArn": ended.arn, "ExecutionStart": ended.started, "Input": ended.given, "Error": "x"}
    invoke(close_run.handler, payload)
    rows = [cloud.rows(QCPID=cloud.checked(KEY, BAD).output["QCPID"])[0] for _ in range(2)]
    assert [row["FailingRuns"] for row in rows] == [3, 4]


@pytest.mark.usefixtures("rules")
def test_retried_step_of_a_run_that_was_overtaken_tells_what_it_told(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.checked(KEY, QUARTER)
    real = runs.set_change

    def die(_: object) -> None:
        monkeypatch.setattr(runs, "set_change", real)
        cloud.checked(KEY, BAD + " ")  # a newer file
        raise TemporaryFailure("killed between the state and the row")

    monkeypatch.setattr(runs, "set_change", die)
    overtaken = cloud.checked(KEY, BAD)
    row = cloud.rows(QCPID=overtaken.output["QCPID"])[0]
    assert (row["Status"], row["PreviousStatus"], row["Change"]) == ("FAIL", "PASS", "CHANGED")


def test_file_that_is_too_large_changes_the_state(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.checked(KEY, QUARTER)
    monkeypatch.setattr(limits, "GIB", 1)
    for change in ("CHANGED", "SAME"):
        ended = cloud.checked(KEY, QUARTER * 2)
        (message,) = cloud.messages(ended.arn)
        assert (message["Summary"]["Error"], message["Summary"]["Change"]) == ("FileTooLarge", change)
    assert state(cloud)["Status"] == "ERROR"
