"""The report of a run: written after the summary, linked from it, and without influence on a verdict."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from pipeline import checking, report
from pipeline.environment import environment
from stream_qc.reporting.drawer import Drawer
from tests.functions.cloud import QUARTER, Cloud, client_error

RULES = """
schema: {fields: [{name: date, type: date, format: "%Y/%m/%d"}, {name: temp_max, type: number, constraints: {maximum: 60}}]}
time: date
"""
BAD = QUARTER.replace("5.6", "99.5")


def test_run_leaves_its_report_and_says_where(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked("streams/g/s é.csv", BAD)
    (row,), (message,) = cloud.rows(), cloud.messages()
    assert row["ReportKey"] == message["Summary"]["ReportKey"] == f"reports/g/s é/{row['StartTime']}.html"
    url = message["Summary"]["ReportUrl"]
    assert url.startswith("https://eu-central-2.console.aws.amazon.com/s3/object/results?")
    assert url.endswith(f"prefix={quote(row['ReportKey'], safe='')}")
    assert f"\nReport {url}\n" in message["Summary"]["Text"]
    page = cloud.report(row)
    assert "<title>FAIL: g/s é</title>" in page
    for words in ("temp_max 99.5 is above 60 (maximum)", "start-execution", row["QCPID"], "rules/g.yaml"):
        assert words in page


def test_link_may_need_no_account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT_LINK_HOURS", "2")
    environment.cache_clear()
    cloud.checked("streams/g/s.csv")
    (message,) = cloud.messages()
    assert "X-Amz-Signature=" in message["Summary"]["ReportUrl"] or "Signature=" in message["Summary"]["ReportUrl"]


def test_stack_without_reports_writes_none(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESULTS_BUCKET")
    environment.cache_clear()
    cloud.checked("streams/g/s.csv")
    (row,), (message,) = cloud.rows(), cloud.messages()
    assert "ReportKey" not in row
    assert not {"ReportKey", "ReportUrl"} & message["Summary"].keys()
    assert cloud.s3.list_objects_v2(Bucket="results")["KeyCount"] == 0


def test_run_that_was_rejected_has_no_report(cloud: Cloud) -> None:
    cloud.checked("streams/g/notes.md")
    (message,) = cloud.messages()
    assert "ReportUrl" not in message["Summary"]


def test_process_that_could_not_run_stands_in_the_report(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", "{rows: {minimum: many}}")
    cloud.checked("streams/g/s.csv")
    (row,) = cloud.rows()
    assert row["Status"] == "ERROR"
    page = cloud.report(row)
    assert "Process 1 (structure) could not run: InvalidRules: rows.minimum" in page


def test_drawing_that_breaks_costs_a_part_and_no_verdict(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake in the drawing")

    monkeypatch.setattr(Drawer, "_trace", broken)
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked("streams/g/s.csv", BAD)
    (row,) = cloud.rows()
    assert (row["Status"], row["Process2Pass"], row["Notified"]) == ("FAIL", 0, True)
    assert "Process 1: structure" in cloud.report(row)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_results_that_cannot_be_stored_change_no_verdict(cloud: Cloud, number: int) -> None:
    cloud.upload("rules/g.yaml", RULES)
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv", BAD))
    broken = cloud.break_calls("PutObject", client_error("PutObject", "AccessDenied", 403), number=number, times=1)
    ended = cloud.execute(event)
    cloud.mend_calls()
    assert broken
    (row,), (message,) = cloud.rows(), cloud.messages()
    assert (row["Status"], row["Notified"], ended.error) == ("FAIL", True, "")
    assert message["Summary"]["Status"] == "FAIL"
    assert ("ReportKey" in row) == (number < 4)


def test_values_that_are_redacted_stand_in_no_report(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", f"redact: true\n{RULES}")
    cloud.checked("streams/g/s.csv", BAD)
    (row,) = cloud.rows()
    page = cloud.report(row)
    assert "99.5" not in page
    assert "(redacted)" in page
    assert 'class="plot"' not in page


def test_saving_a_part_is_all_that_a_process_does_for_a_report(cloud: Cloud) -> None:
    """The page itself is made where nothing waits for it."""
    assert not hasattr(checking, "render")
    assert not hasattr(report, "render")
    cloud.checked("streams/g/s.csv")
    found = cloud.s3.list_objects_v2(Bucket="results")["Contents"]
    assert sorted(one["Key"].split("/")[0] for one in found) == ["parts", "parts", "parts", "reports"]
