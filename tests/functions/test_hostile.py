"""Keys, names and values from somebody who means harm: rows, messages and log lines hold them as text and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.functions.cloud import Cloud

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
def test_hostile_key_forges_no_message_and_no_log_line(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], evil: str
) -> None:
    key = f"streams/g/{evil}.csv"
    cloud.checked(key, f'v,"{evil}"\n1,"{evil}"\n')
    (row,) = cloud.rows(Key=key)
    for message in cloud.messages():
        assert message["Subject"].isascii()
        assert message["Subject"].isprintable()
        lines = message["Summary"]["Text"].split("\n")
        assert all(line.isprintable() for line in lines)
    assert cloud.messages(row["ExecutionArn"])[0]["Summary"]["Text"].startswith(str(row["Status"]))
    for line in capsys.readouterr().out.splitlines():
        written = json.loads(line)
        assert written["service"] == "Test"
        assert "_aws" in written or "function_request_id" in written


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_and_values_forge_nothing(cloud: Cloud, evil: str) -> None:
    field = {"name": evil, "type": "string", "constraints": {"enum": ["ok"]}}
    cloud.upload("rules/g.yaml", json.dumps({"schema": {"fields": [field]}}))
    cloud.checked("streams/g/s.ndjson", json.dumps({evil: evil}) + "\n")
    (message,) = cloud.messages()
    assert message["Subject"] == "[QC FAIL] g/s"
    lines = message["Summary"]["Text"].split("\n")
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("    row 1: ") for line in lines) == 1
    (check,) = message["Summary"]["Checks"]
    assert check["Check"] == f"2#{evil}#enum"
    assert [one["Value"] for one in check["Examples"]] == [evil]
