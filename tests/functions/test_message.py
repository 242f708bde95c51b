from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import message
from pipeline.model import Failure, ProcessResult, Run, Status
from stream_qc.results import Example, Result
from tests.samples import event

RUN = Run.from_payload(event("send_qc_summary"))
GAP = Result.from_item(
    {
        "Check": "3#date#time_gap_test",
        "Pass": 0,
        "Rows": 69,
        "Good": 68,
        "NotEvaluated": 0,
        "Suspect": 0,
        "Fail": 1,
        "Missing": 0,
        "Message": "1 of 69 rows fails",
        "Examples": [{"Row": 32, "Value": "2015/02/22", "Reason": "no row for 22 d, from 2015-01-31 to 2015-02-22"}],
        "Truncated": False,
    }
)


def test_email_has_the_verdict_first_then_the_findings_then_the_command() -> None:
    assert message.summary(RUN, [GAP]).text.splitlines() == [
        "FAIL: sandbox/gap",
        "The data failed its checks.",
        "",
        "1 structure   pass",
        "2 values      pass",
        "3 continuity  FAIL",
        "",
        "3 continuity",
        "  date time_gap_test: 1 of 69 rows fails",
        "    row 32: no row for 22 d, from 2015-01-31 to 2015-02-22",
        "",
        "File   s3://streamqc-streams-1a2b3c4d/streams/sandbox/gap.csv",
        "       version JEoXqjAKd6QMyQrN5cTZ2hXmPRRmDmrR, 2,257 bytes, 69 rows",
        "Rules  rules/default.yaml, version 8pNq0uWn0m0cB7yqZ6k5zGZ4vT1a2b3c",
        "Run    197af1ec-9743-5af5-8ed0-cd6d08de5702, started 2026-11-23T09:00:00.000316Z",
        "",
        "To check it again, for example after changing the rules:",
        "aws stepfunctions start-execution --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:StreamQC-QC "
        '--input \'{"GroupID": "sandbox", "StreamID": "gap", "Key": "streams/sandbox/gap.csv", '
        '"VersionId": "JEoXqjAKd6QMyQrN5cTZ2hXmPRRmDmrR"}\'',
    ]


def test_json_has_the_row_the_failing_checks_and_the_text() -> None:
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
    assert record["Checks"] == [GAP.item()]
    assert "Results" not in record
    assert summary.attributes()["GroupID"] == {"DataType": "String", "StringValue": "sandbox"}


@pytest.mark.parametrize("stream", ["it's $(rm -rf) `x`", 'quo"te', "Zürich; ls", "-x"])
def test_rerun_command_survives_a_shell(stream: str) -> None:
    words = shlex.split(message.rerun_command(replace(RUN, stream_id=stream)))
    assert json.loads(words[words.index("--input") + 1])["StreamID"] == stream


@pytest.mark.parametrize(
    ("stream", "subject"),
    [
        ("streamA", "[QC FAIL] group1/streamA"),
        ("Zürich", "[QC FAIL] group1/Zurich"),
        ("测站", "[QC FAIL] group1/??"),
        ("x" * 128, "[QC FAIL] group1/" + "x" * 79 + "..."),
    ],
)
def test_subject_is_short_ascii(stream: str, subject: str) -> None:
    assert message.summary(replace(RUN, group_id="group1", stream_id=stream), []).subject == subject


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
def test_run_without_rules_says_so(status: Status) -> None:
    run = replace(RUN, status=status, rules_key=None, rules_version_id=None)
    summary = message.summary(run, [])
    assert summary.subject == f"[QC {status}, no rules] sandbox/gap"
    assert summary.text.startswith(f"{status}, no rules: sandbox/gap\n")
    assert summary.attributes()["Rules"]["StringValue"] == "none"
    assert run.to_item()["Rules"] == "none"
    assert "Nothing else was checked" in summary.text or status == Status.FAIL


def test_run_with_rules_has_them_as_an_attribute() -> None:
    assert message.summary(RUN, []).attributes()["Rules"]["StringValue"] == "file"


def test_run_without_a_file_has_no_rules_at_all() -> None:
    assert "Rules" not in message.summary(NOWHERE, []).attributes()
    assert "Rules" not in NOWHERE.to_item()


anything = st.text(max_size=300) | st.text("x\n\x85\x9b\u2028\u202e\U000e0001: 'PASS", max_size=20)


NOWHERE = Run(qcpid="p", execution_arn="a", status=Status.REJECTED)


@given(anything, anything, anything, anything, anything)
def test_outside_text_forges_no_subject_line_or_attribute(
    group_id: str, stream_id: str, key: str, error: str, cause: str
) -> None:
    named = replace(NOWHERE, group_id=group_id, stream_id=stream_id, key=key)
    summary = message.summary(replace(named, failure=Failure(error, cause)), [])
    assert summary.subject.isascii()
    assert summary.subject.isprintable()
    assert len(summary.subject) <= 100
    lines = summary.text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 7
    assert [lines[0][:10], lines[2], lines[4], lines[5][:7], lines[6]] == ["REJECTED: ", "", "", "File   ", "Run    p"]
    for value in summary.attributes().values():
        assert value["StringValue"].isprintable()
        assert value["StringValue"]


@given(anything, anything, anything)
def test_outside_text_forges_no_line_of_a_run_that_can_be_rerun(error: str, cause: str, below: str) -> None:
    key = f"streams/sandbox/gap/{below}.csv"
    run = replace(RUN, status=Status.ERROR, key=key, failure=Failure(error, "another"))
    run = replace(run, results=(ProcessResult(1, failure=Failure(error, cause)),))
    lines = message.summary(run, []).text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 14
    words = shlex.split(lines[-1])
    assert json.loads(words[words.index("--input") + 1])["Key"] == key


def test_checks_that_do_not_fit_are_left_out_and_counted() -> None:
    examples = [Example(row, "😀" * 200, "😀" * 200) for row in range(20)]
    checks = [
        Result(2, f"field{number}", "maximum", passed=False, message="…", fail=20, examples=examples)
        for number in range(1000)
    ]
    body = message.summary(replace(RUN, results=(ProcessResult(2),)), checks).body()
    assert len(body.encode()) < 256 * 1024
    record = json.loads(json.loads(body)["default"])
    assert len(record["Checks"]) + record["ChecksLeftOut"] == 1000
    assert record["Checks"]
    assert " more failing checks; see QCDetails" in record["Text"]


def test_cause_of_every_process_is_shown_once() -> None:
    failure = Failure("InvalidRules", "time: no such field")
    results = tuple(ProcessResult(number, failure=failure) for number in (1, 2, 3))
    text = message.summary(replace(RUN, status=Status.ERROR, failure=failure, results=results), []).text
    assert text.count("time: no such field") == 1
    assert text.count("could not run: InvalidRules: as above") == 3


@pytest.mark.parametrize(
    ("group_id", "stream_id", "key", "name"),
    [
        ("g", "s", "streams/g/s.csv", "g/s"),
        (None, None, "streams/s.csv", "streams/s.csv"),
        ("g", "", None, "g/(no StreamID)"),
        (None, "s", None, "(no GroupID)/s"),
    ],
)
def test_run_without_valid_ids_is_named_by_its_object(group_id: Any, stream_id: Any, key: Any, name: str) -> None:
    assert message.name_of(replace(NOWHERE, group_id=group_id, stream_id=stream_id, key=key)) == name
