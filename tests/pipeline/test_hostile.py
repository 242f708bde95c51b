"""Keys, names and values from somebody who means harm, through the whole pipeline: logs, messages, rows."""

from __future__ import annotations

import json
import re

import pytest

from local.pipeline import STEPS, Inbox, Pipeline

EVIL = [
    "x\nSubject: forged",
    "x\r\nBcc: all@example.org",
    '{"level":"INFO","message":"forged"}',
    "\x1b[31mred",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "../../etc/passwd",
    "%0d%0aX: y",
    "a' --input '{}'; rm -rf ~ #",
    "\u202eturned",
    "{{7*7}} ${7*7} {% $now() %}",
]


@pytest.mark.parametrize("evil", EVIL)
def test_a_hostile_key_forges_nothing(pipeline: Pipeline, inbox: Inbox, group: str, evil: str) -> None:
    key = f"streams/{group}/{evil}.csv"
    run = pipeline.checked(key, f'v,"{evil}"\n1,"{evil}"\n'.encode())
    (row,) = pipeline.rows(GroupID=group)
    assert row["Key"] == key
    message = inbox.message(run.arn)
    assert message["Subject"].isascii()
    assert message["Subject"].isprintable()
    text = message["Summary"]["Text"]
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.split("\n")[0].startswith(f"{row['Status']}: ")


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_and_values_forge_nothing(pipeline: Pipeline, inbox: Inbox, group: str, evil: str) -> None:
    field = {"name": evil, "type": "string", "constraints": {"enum": ["ok"]}}
    rules = json.dumps({"schema": {"fields": [field]}}).encode()
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{group}.yaml", Body=rules)
    run = pipeline.checked(f"streams/{group}/s.ndjson", json.dumps({evil: evil}).encode() + b"\n")
    message = inbox.message(run.arn)
    assert message["Subject"] == f"[QC FAIL] {group}/s"
    lines = message["Summary"]["Text"].split("\n")
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("    row 1: ") for line in lines) == 1
    (check,) = message["Summary"]["Checks"]
    assert check["Check"] == f"2#{evil}#enum"
    assert [one["Value"] for one in check["Examples"]] == [evil]


def test_hostile_keys_and_names_forge_no_line_of_a_log(pipeline: Pipeline, group: str) -> None:
    versions = {
        key: pipeline.upload(key, f'v,"{evil}"\n1,"{evil}"\n'.encode())
        for evil in EVIL
        for key in (f"streams/{group}/{evil}.csv", f"streams/{group}/s/{evil}.csv")
    }
    for key, version in versions.items():
        pipeline.finished(pipeline.started_by(key, version))
    for function in STEPS:
        for line in pipeline.log_lines(function):
            if not re.match(r"(START|END|REPORT) RequestId: [-0-9a-f]{36}\b", line):  # Lambda's own
                written = json.loads(line)
                assert written["service"] == function
                assert "_aws" in written or "function_request_id" in written
