"""What is large stays within AWS's limits: items, payloads, messages and keys."""

from __future__ import annotations

import json

import pytest

from step_1_start_qc import handler
from tests.functions.cloud import Cloud, invoke

PAYLOAD, ITEM, MESSAGE = 256 * 1024, 400_000, 256 * 1024  # bytes: Step Functions, DynamoDB, SNS


@pytest.mark.slow
def test_megabyte_row_and_many_failing_checks_fit(cloud: Cloud) -> None:
    fields = [f"f{number}" for number in range(15)]
    constraints = {"maxLength": 1, "enum": ["ß" * 40, *"abcdefg"]}
    schema = [{"name": name, "type": "string", "constraints": constraints} for name in fields]
    cloud.upload("rules/g.yaml", json.dumps({"schema": {"fields": schema}}))
    rows = [",".join(["é" * 60] * 15) for _ in range(30)]
    wide = ",".join(["w" * 69_000] * 15)  # a row of a megabyte
    ended = cloud.checked("streams/g/s.csv", "\n".join([",".join(fields), *rows, wide]))
    (row,) = cloud.rows()
    assert (ended.error, row["Status"], row["Rows"]) == ("", "FAIL", 31)
    details = cloud.details(row["QCPID"])
    failing = [item for item in details.values() if not item["Pass"]]
    assert len(failing) == 30
    assert max(len(json.dumps(item, default=str, ensure_ascii=False).encode()) for item in details.values()) < ITEM
    assert all(item["Truncated"] and len(item["Examples"]) == 20 for item in failing)
    (message,) = cloud.messages()
    assert len(message["Message"].encode()) < MESSAGE
    summary = message["Summary"]
    assert summary.get("ChecksLeftOut", 0) == 30 - len(summary["Checks"])
    assert len(json.dumps(ended.output)) < PAYLOAD


def test_longest_key_is_checked(cloud: Cloud) -> None:
    start, end = "streams/g/s/", "/x.csv"
    key = start + "ü" * ((1024 - len(start) - len(end)) // 2)
    key += "y" * (1024 - len(key.encode()) - len(end)) + end
    assert len(key.encode()) == 1024
    cloud.checked(key)
    (row,) = cloud.rows()
    assert (row["Key"], row["StreamID"], row["Status"]) == (key, "s", "PASS")
    assert cloud.messages()[0]["Summary"]["Key"] == key


def test_longest_input_of_a_rerun_is_refused_in_few_words(cloud: Cloud) -> None:
    refused = invoke(handler, cloud.payload({"GroupID": "g", "StreamID": "s", "Key": "k" * 200_000}))
    assert refused["Cause"].startswith("Key has 200,000 bytes")
    assert len(json.dumps(refused)) < 2000
