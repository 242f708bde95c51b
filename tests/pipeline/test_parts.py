"""Files that are checked in parts, on the local AWS: the details are those of one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import free_port
from local.pipeline import Inbox, Pipeline, deployed

RULES = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: station, constraints: {enum: [A, B]}}
    - {name: v, type: number, constraints: {minimum: 0, maximum: 90}}
    - {name: n, type: integer, constraints: {unique: true}}
time: time
streams:
  v:
    qartod:
      spike_test: {suspect_threshold: 20, fail_threshold: 40}
      flat_line_test: {suspect_threshold: 30, fail_threshold: 60, tolerance: 0.5}
      attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 0.5}
  time: {qartod: {time_gap_test: {fail_span: 0.01}}}
limits: {max_fail_share: 0.5}
"""
START = dt.datetime(2020, 1, 1)


@pytest.fixture(scope="module")
def split() -> Iterator[Pipeline]:
    with deployed(free_port(), settings={"splitAboveMiB": "1"}) as found:
        yield found


@pytest.fixture(scope="module")
def inbox(split: Pipeline) -> Inbox:
    return Inbox(split)


def lines(count: int, quote: str = "") -> bytes:
    """Returns a stream of so many rows, with a fault every 5,000 rows. quote: a station, quoted."""
    found = ["time,station,v,n\n"]
    for row in range(count):
        time = START + dt.timedelta(seconds=10 * (row + 20 * (row // 5000)))
        value = 95 if row % 5000 == 4999 else row * 7 % 40
        found.append(f"{time.isoformat()},{quote or 'AB'[row % 2]},{value},{row if row % 7000 else 1}\n")
    return "".join(found).encode()


def details(pipeline: Pipeline, arn: str) -> dict[str, dict[str, Any]]:
    (row,) = pipeline.rows(ExecutionArn=arn)
    return {name: {**one, "QCPID": ""} for name, one in pipeline.details(row["QCPID"]).items()}


def test_a_file_in_parts_has_the_details_of_one_pass(split: Pipeline) -> None:
    content = lines(60_000)
    split.s3.put_object(Bucket=split.outputs["StreamBucketName"], Key="rules/default.yaml", Body=RULES.encode())
    whole = split.checked("streams/g/whole.csv.gz", __import__("gzip").compress(content))
    parts = split.checked("streams/g/parts.csv", content)
    print(parts.steps)
    assert details(split, parts.arn) == details(split, whole.arn)
    assert "NumberRows" in parts.steps
