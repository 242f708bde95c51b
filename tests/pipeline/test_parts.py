"""Files that are checked in parts, on the local AWS: the details are those of one pass."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
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


def test_a_file_in_parts_has_the_details_of_one_pass(split: Pipeline, inbox: Inbox) -> None:
    content = lines(60_000)
    rules(split, RULES)
    whole = split.checked("streams/g/whole.csv.gz", gzip.compress(content))
    parts = split.checked("streams/g/parts.csv", content)
    assert details(split, parts.arn) == details(split, whole.arn)
    assert parts.steps["NumberRows"]
    maps = {one["mapRunArn"].split(":")[-2].split("/")[1]: one for one in map_runs(split, parts.arn)}
    assert maps.keys() == {"CountRows", "QCProcess1Parts", "QCProcess2Parts", "QCProcess3Parts"}
    assert [maps[name]["itemCounts"]["succeeded"] for name in sorted(maps)] == [14, 14, 14, 15]
    texts = [message["Summary"]["Text"].splitlines()[2:-12] for message in map(inbox.message, (parts.arn, whole.arn))]
    assert texts[0] == texts[1]


def test_a_parquet_file_in_parts_has_the_counts_of_its_rows_as_text(split: Pipeline) -> None:
    content = lines(60_000)
    rules(split, RULES)
    whole = split.checked("streams/p/whole.csv.gz", gzip.compress(content))
    out = io.BytesIO()
    frame = pl.read_csv(content, try_parse_dates=True).with_columns(noise=pl.int_range(60_000) * 2654435761 % 1000003)
    frame.write_parquet(out, row_group_size=4_000, compression="uncompressed")
    parts = split.checked("streams/p/parts.parquet", out.getvalue())
    assert parts.steps["NumberRows"]
    maps = map_runs(split, parts.arn)
    assert sum(one["itemCounts"]["succeeded"] for one in maps) > 20
    counts = ("Good", "Suspect", "Fail", "Missing", "Pass")
    found = [
        {name: [one[count] for count in counts] for name, one in details(split, run.arn).items()}
        for run in (parts, whole)
    ]
    assert found[0] == found[1]


def test_a_file_with_a_quoted_line_break_is_checked_in_one_pass(split: Pipeline) -> None:
    content = lines(40_000, '"A\nB"')
    rules(split, RULES)
    whole = split.checked("streams/q/whole.csv.gz", gzip.compress(content))
    parts = split.checked("streams/q/parts.csv", content)
    assert details(split, parts.arn) == details(split, whole.arn)
    assert parts.steps["NumberRows"]
    assert [one["mapRunArn"].split("/")[1].split(":")[0] for one in map_runs(split, parts.arn)] == ["CountRows"]


def test_a_part_that_fails_for_good_is_named(split: Pipeline, inbox: Inbox) -> None:
    key = "rules/b.yaml"
    asked = "{schema: {fields: [{name: n, type: integer}]}, series: n, streams: {n: {qartod: {spike_test: {fail_threshold: 1}}}}}"
    split.s3.put_object(Bucket=split.bucket, Key=key, Body=asked.encode())
    run = split.checked("streams/b/s.csv", ("n\n" + "".join(f"{row:05}\n" for row in range(200_000))).encode())
    assert (run.status, run.error) == ("FAILED", "InvalidRules")
    (row,) = split.rows(ExecutionArn=run.arn)
    assert (row["Status"], row["Process1Pass"], row["Process2Pass"], row["Process3Pass"]) == ("ERROR", 1, 1, 0)
    text = inbox.message(run.arn)["Summary"]["Text"]
    assert re.search(
        r"part \d+ of 10 \(bytes [\d,]+ to [\d,]+\): series: the file has more than 20,000 different values of n", text
    ), text


def rules(pipeline: Pipeline, text: str) -> None:
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key="rules/default.yaml", Body=text.encode())


def map_runs(pipeline: Pipeline, arn: str) -> list[dict[str, Any]]:
    found = pipeline.sfn.list_map_runs(executionArn=arn)["mapRuns"]
    return [pipeline.sfn.describe_map_run(mapRunArn=one["mapRunArn"]) for one in found]
