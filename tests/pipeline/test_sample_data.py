"""Every sample file through the whole pipeline, against its outcome in sample_data/outcomes.csv."""

from __future__ import annotations

from typing import Any

import pytest

from local.pipeline import STEPS, Execution, Inbox, Pipeline, until
from tests.samples import Outcome, outcomes

ALL = outcomes()


@pytest.fixture(scope="module")
def executions(pipeline: Pipeline, inbox: Inbox) -> dict[str, Execution]:  # noqa: ARG001  # subscribed before the uploads
    """The ended executions of all sample files, uploaded at once."""
    versions = {one.key: pipeline.upload(one.key, one.body) for one in ALL}
    return {key: pipeline.finished(pipeline.started_by(key, version)) for key, version in versions.items()}


@pytest.mark.parametrize("outcome", ALL, ids=str)
def test_sample_file_has_expected_outcome(
    pipeline: Pipeline, inbox: Inbox, executions: dict[str, Execution], outcome: Outcome
) -> None:
    execution = executions[outcome.key]
    assert execution.status == ("SUCCEEDED" if outcome.status in ("PASS", "FAIL") else "FAILED")

    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert row["Status"] == outcome.status
    assert (row["Process1Pass"], row["Process2Pass"], row["Process3Pass"]) == outcome.flags
    assert row["TotalPass"] == int(outcome.flags == (1, 1, 1))
    assert row["StartTime"] <= row["EndTime"]

    details = pipeline.details(row["QCPID"])
    assert {check for check, item in details.items() if not item["Pass"]} == outcome.failing_checks
    if outcome.status == "PASS":
        assert {check[0] for check in details} == {"1", "2", "3"}

    message = inbox.message(execution.arn)
    assert len(inbox.all(execution.arn)) == 1
    name = f"{row['GroupID']}/{row['StreamID']}"
    assert message["Subject"] == f"[QC {outcome.status}] {name}"
    summary = message["Summary"]
    assert summary["Text"].startswith(f"{outcome.status}: {name}\n")
    assert {item["Check"] for item in summary["Checks"]} == outcome.failing_checks
    assert row.pop("Notified")  # which is known only after the message
    assert row.pop("StreamKey") == name
    row = {key: int(value) if key.endswith("Pass") or key in ("Rows", "Size") else value for key, value in row.items()}
    assert {key: value for key, value in summary.items() if key in row} == row


def test_details_show_the_first_offending_rows(pipeline: Pipeline, executions: dict[str, Execution]) -> None:
    output = executions["streams/sandbox/out-of-range.csv"].output
    item = pipeline.details(output["QCPID"])["2#temp_max#gross_range_test"]
    assert item["Examples"] == [
        {"Row": 15, "Line": 16, "Time": "2015-01-15", "Value": "71.3",
         "Reason": "temp_max 71.3 is above 50 (gross_range_test fail_span)"},
        {"Row": 16, "Line": 17, "Time": "2015-01-16", "Value": "41.2",
         "Reason": "temp_max 41.2 is above 38 (gross_range_test suspect_span)"},
    ]  # fmt: skip
    assert (item["Rows"], item["Good"], item["Suspect"], item["Fail"], item["Missing"]) == (90, 88, 1, 1, 0)
    assert item["Truncated"] is False


def test_invalid_rules_are_named_with_every_place(executions: dict[str, Execution]) -> None:
    execution = executions["streams/sandbox/bad-rules.csv"]
    assert execution.error == "InvalidRules"
    assert "streams.temp_max.qartod.gross_range_test.fail_spam: " in execution.cause
    assert "streams.temperature: the schema has no field temperature" in execution.cause


@pytest.mark.parametrize("function", STEPS)
def test_log_lines_name_their_run(pipeline: Pipeline, executions: dict[str, Execution], function: str) -> None:
    qcpid = executions["streams/seattle/airport.csv"].output["QCPID"]

    def lines() -> list[dict[str, Any]]:
        return [line for line in pipeline.logs(function) if "level" in line and line.get("QCPID") == qcpid]

    found = until(lines, f"log lines of {function}")  # logs come with a delay
    assert {(line["GroupID"], line["StreamID"], line["service"]) for line in found} == {
        ("seattle", "airport", function)
    }


def test_metrics_count_runs_by_verdict_and_measure_processes(
    pipeline: Pipeline, executions: dict[str, Execution]
) -> None:
    assert executions["streams/seattle/airport.csv"].status == "SUCCEEDED"
    counted = [line for line in pipeline.logs("SendQCSummary") if "_aws" in line]
    assert {line["Status"] for line in counted} >= {"PASS", "FAIL", "ERROR", "REJECTED"}
    assert all(
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "StreamQC" and line["Runs"] == [1.0] for line in counted
    )
    measured = [line for line in pipeline.logs("QCProcess3") if "_aws" in line and line.get("Rows") == [1461.0]]
    assert measured
    assert {line["Process"] for line in measured} == {"continuity"}
    assert 47838.0 in {line["Bytes"][0] for line in measured}
    assert all(line["Seconds"][0] > 0 for line in measured)
