from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import message
from tests.samples import event

RUN = event("send_qc_summary")
GAP = {
    "QCPID": RUN["QCPID"],
    "Check": "3#date#time_gap_test",
    "Pass": 0,
    "Rows": 69,
    "Good": 68,
    "NotEvaluated": 0,
    "Suspect": 0,
    "Fail": 1,
    "Missing": 0,
    "Message": "1 of 69 rows fail",
    "Examples": [{"Row": 32, "Value": "2015/02/22", "Reason": "no row for 22 d, from 2015-01-31 to 2015-02-22"}],
    "Truncated": False,
}


def test_the_email_says_the_verdict_first_then_what_is_wrong_and_where_then_what_to_type() -> None:
    assert message.summary(RUN, [GAP]).text.splitlines() == [
        "FAIL: sandbox/gap",
        "The data did not pass.",
        "",
        "1 structure   pass",
        "2 values      pass",
        "3 continuity  FAIL",
        "",
        "3 continuity",
        "  date time_gap_test: 1 of 69 rows fail",
        "    row 32: no row for 22 d, from 2015-01-31 to 2015-02-22",
        "",
        "File   s3://streamqc-streams-1a2b3c4d/streams/sandbox/gap.csv",
        "       version JEoXqjAKd6QMyQrN5cTZ2hXmPRRmDmrR, 2,257 bytes, 69 rows",
        "Rules  rules/default.yaml, version 8pNq0uWn0m0cB7yqZ6k5zGZ4vT1a2b3c",
        "Run    197af1ec-9743-5af5-8ed0-cd6d08de5702, started 2026-11-23T09:00:00.000316Z",
        "",
        "Check it again, for example after a change of the rules:",
        "aws stepfunctions start-execution --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:StreamQC-QC "
        '--input \'{"GroupID": "sandbox", "StreamID": "gap", "Key": "streams/sandbox/gap.csv", '
        '"VersionId": "JEoXqjAKd6QMyQrN5cTZ2hXmPRRmDmrR"}\'',
    ]


def test_other_protocols_get_the_row_the_failing_checks_and_the_same_text() -> None:
    summary = message.summary(RUN, [GAP])
    body = json.loads(summary.body())
    record = json.loads(body["default"])
    assert body["email"] == record["Text"] == summary.text
    assert {name: record[name] for name in ("GroupID", "StreamID", "Status", "TotalPass", "Process3Pass", "Rows")} == {
        "GroupID": "sandbox",
        "StreamID": "gap",
        "Status": "FAIL",
        "TotalPass": 0,
        "Process3Pass": 0,
        "Rows": 69,
    }
    assert record["Checks"] == [{name: value for name, value in GAP.items() if name != "QCPID"}]
    assert "Results" not in record
    assert summary.attributes()["GroupID"] == {"DataType": "String", "StringValue": "sandbox"}


@pytest.mark.parametrize("stream", ["it's $(rm -rf) `x`", 'quo"te', "Zürich; ls", "-x"])
def test_the_rerun_command_survives_a_shell(stream: str) -> None:
    words = shlex.split(message.rerun_command({**RUN, "StreamID": stream}))
    assert json.loads(words[words.index("--input") + 1])["StreamID"] == stream


@pytest.mark.parametrize(
    ("stream", "subject"),
    [
        ("streamA", "[QC FAIL] group1/streamA"),
        ("Zürich", "[QC FAIL] group1/Zurich"),
        ("测站", "[QC FAIL] group1/??"),
        ("x" * 128, "[QC FAIL] group1/" + "x" * 80 + "..."),
    ],
)
def test_the_subject_is_short_ascii(stream: str, subject: str) -> None:
    assert message.subject({"Status": "FAIL", "GroupID": "group1", "StreamID": stream}) == subject


anything = st.text(max_size=300) | st.text("x\n\x85\x9b\u2028\u202e\U000e0001: 'PASS", max_size=20)


@given(run=st.fixed_dictionaries(dict.fromkeys(("GroupID", "StreamID", "Key", "Error", "Cause"), anything)))
def test_no_text_from_outside_forges_a_subject_a_line_or_an_attribute(run: dict[str, str]) -> None:
    summary = message.summary({**run, "Status": "REJECTED", "ExecutionArn": "a"}, [])
    assert summary.subject.isascii()
    assert summary.subject.isprintable()
    assert len(summary.subject) <= 100
    lines = summary.text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 6
    assert [lines[0][:10], lines[2], lines[4], lines[5][:7]] == ["REJECTED: ", "", "", "File   "]
    for value in summary.attributes().values():
        assert value["StringValue"].isprintable()
        assert value["StringValue"]


@given(error=anything, cause=anything, below=anything)
def test_no_text_from_outside_forges_a_line_of_a_run_that_can_be_run_again(error: str, cause: str, below: str) -> None:
    key = f"streams/sandbox/gap/{below}.csv"
    results = [{"Process": 1, "Pass": 0, "Error": error, "Cause": cause}]
    run = {**RUN, "Status": "ERROR", "Key": key, "Error": error, "Cause": "another", "Results": results}
    lines = message.summary(run, []).text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 14
    words = shlex.split(lines[-1])
    assert json.loads(words[words.index("--input") + 1])["Key"] == key


def test_what_does_not_fit_into_a_message_is_left_out_and_counted() -> None:
    long = {**GAP, "Examples": [{"Row": row, "Value": "😀" * 200, "Reason": "😀" * 200} for row in range(20)]}
    checks: list[dict[str, Any]] = [{**long, "Check": f"2#field{number}#maximum", "Fail": 20} for number in range(1000)]
    body = message.summary(RUN, checks).body()
    assert len(body.encode()) < 256 * 1024
    record = json.loads(json.loads(body)["default"])
    assert len(record["Checks"]) + record["ChecksLeftOut"] == 1000
    assert record["Checks"]
    assert " more failing checks, in QCDetails" in record["Text"]


def test_a_cause_that_is_every_processs_is_told_once() -> None:
    results = [
        {"Process": number, "Pass": 0, "Error": "InvalidRules", "Cause": "time: no such field"} for number in (1, 2, 3)
    ]
    run = {**RUN, "Status": "ERROR", "Error": "InvalidRules", "Cause": "time: no such field", "Results": results}
    text = message.summary(run, []).text
    assert text.count("time: no such field") == 1
    assert text.count("could not run: InvalidRules: as above") == 3
