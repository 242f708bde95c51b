"""Large files: planned, counted, checked in parts and merged, with AWS in the process."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import polars as pl
import pytest

import count_rows
import plan_parts
import step_1_start_qc
import step_2_qc_process
from pipeline import limits
from pipeline.environment import environment
from tests.functions.cloud import Cloud, LambdaError, Payload, invoke

RULES = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {unique: true}}
    - {name: v, type: number, constraints: {maximum: 90}}
time: time
streams: {v: {qartod: {spike_test: {suspect_threshold: 20, fail_threshold: 40}, attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 0.5}}}}
limits: {max_fail_share: 0.5}
"""
HEADER = "time,v\n"


def lines(count: int, cell: str = "") -> str:
    """A stream of so many rows, 4 of them in fault. cell: the value of the row in the middle."""
    found = [
        f"2020-01-{1 + row // 86400:02}T{row // 3600 % 24:02}:{row // 60 % 60:02}:{row % 60:02},{95 if row % 15000 == 99 else row % 30}\n"
        for row in range(count)
    ]
    if cell:
        found[count // 2] = f"2020-01-01T00:00:00,{cell}\n"
    return HEADER + "".join(found)


@pytest.fixture(autouse=True)
def small(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Files above 1 MiB are large."""
    monkeypatch.setenv("SPLIT_ABOVE_MIB", "1")
    environment.cache_clear()


def started(cloud: Cloud, content: str, key: str = "streams/g/s.csv") -> Payload:
    """The run of an upload, as the state machine has it after StartQC."""
    cloud.upload("rules/default.yaml", RULES)
    return invoke(step_1_start_qc.handler, cloud.payload(cloud.event(key, cloud.upload(key, content))))


def planned(cloud: Cloud, run: Payload) -> Payload:
    return cloud._planned(run)


def details(cloud: Cloud, qcpid: str) -> list[Payload]:
    return [{**one, "QCPID": ""} for _, one in sorted(cloud.details(qcpid).items())]


def test_a_large_file_has_the_details_of_one_pass(cloud: Cloud) -> None:
    cloud.upload("rules/default.yaml", RULES)
    parts = cloud.checked("streams/g/parts.csv", lines(60_000))
    whole = cloud.checked("streams/g/whole.csv.gz", gzip.compress(lines(60_000).encode()))
    assert details(cloud, parts.output["QCPID"]) == details(cloud, whole.output["QCPID"])
    assert [one["Fail"] for one in details(cloud, parts.output["QCPID"]) if one["Check"] == "2#v#maximum"] == [4]
    kept = cloud.s3.list_objects_v2(Bucket="results", Prefix=f"parts/{parts.output['QCPID']}/")["Contents"]
    assert len([one for one in kept if "/3/" in one["Key"]]) == 12  # eleven parts, and the checks of the whole file


def as_parquet(count: int, rows: int) -> bytes:
    """The stream of `lines` as Parquet, with values that compress badly. rows: of a row group."""
    frame = pl.read_csv(lines(count).encode(), try_parse_dates=True)
    noise = pl.Series([((row * 2654435761) % 1000003) / 1e6 for row in range(count)])
    out = io.BytesIO()
    frame.with_columns(pl.col("v") + noise).write_parquet(out, row_group_size=rows, compression="uncompressed")
    return out.getvalue()


def test_a_large_parquet_file_has_the_details_of_one_pass(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.upload("rules/default.yaml", RULES)
    content = as_parquet(120_000, 10_000)
    parts = cloud.checked("streams/g/parts.parquet", content)
    kept = cloud.s3.list_objects_v2(Bucket="results", Prefix=f"parts/{parts.output['QCPID']}/2/")["Contents"]
    assert len(kept) == 12
    monkeypatch.setenv("SPLIT_ABOVE_MIB", "0")
    environment.cache_clear()
    whole = cloud.checked("streams/g/whole.parquet", content)
    assert not whole.output.get("InParts")
    assert details(cloud, parts.output["QCPID"]) == details(cloud, whole.output["QCPID"])
    assert [one["Fail"] for one in details(cloud, parts.output["QCPID"]) if one["Check"] == "2#v#maximum"] == [8]


def test_a_parquet_file_of_one_row_group_is_checked_in_one_pass(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.upload("rules/default.yaml", RULES)
    key = "streams/g/s.parquet"
    version = cloud.upload(key, as_parquet(120_000, 120_000))
    run = invoke(step_1_start_qc.handler, cloud.payload(cloud.event(key, version)))
    assert run["InParts"] is True
    assert "InParts" not in planned(cloud, run)
    monkeypatch.setattr(limits, "GIB", 10_000)
    with pytest.raises(LambdaError, match="because it has one row group") as failed:
        planned(cloud, run)
    assert failed.value.error == "FileTooLarge"


def test_a_small_file_is_checked_in_one_pass(cloud: Cloud) -> None:
    assert "InParts" not in started(cloud, lines(1000))


@pytest.mark.parametrize("cell", ['"1\n2"', "1\n\n2020-01-01T00:00:00,1"])
def test_a_file_whose_lines_may_be_no_rows_is_checked_in_one_pass(cloud: Cloud, cell: str) -> None:
    run = started(cloud, lines(60_000, cell))
    assert run["InParts"] is True
    assert "InParts" not in planned(cloud, run)


def test_a_file_that_must_be_read_in_one_pass_and_is_too_large_for_it_says_why(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(cloud, lines(60_000, '"1\n2"'))
    monkeypatch.setattr(limits, "GIB", 10_000)
    with pytest.raises(LambdaError, match=r"because a line break may be quoted in bytes [0-9,]+ to [0-9,]+") as failed:
        planned(cloud, run)
    assert failed.value.error == "FileTooLarge"


def test_rules_that_cannot_be_used_are_told_by_the_processes(cloud: Cloud) -> None:
    run = started(cloud, lines(60_000))
    run["RulesVersionId"] = cloud.upload("rules/default.yaml", "streams: {v: {qartod: {nothing: {}}}}")
    run = planned(cloud, run)
    assert "InParts" not in run
    with pytest.raises(LambdaError, match="nothing") as failed:
        invoke(step_2_qc_process.structure, run)
    assert failed.value.error == "InvalidRules"


def test_every_step_may_be_repeated(cloud: Cloud) -> None:
    run = started(cloud, lines(60_000))
    for _ in range(2):
        assert invoke(plan_parts.handler, run)["InParts"] is True
        for cut in cloud._listed(run, "cuts"):
            assert invoke(count_rows.handler, {**run, "Cut": cut}) == {"Number": cut["number"]}
        invoke(plan_parts.handler, {**run, "Counted": True})
    for _ in range(2):
        for part in cloud._listed(run, "2"):
            assert invoke(step_2_qc_process.values, {**run, "Part": part}) == {"Process": 2}
        assert invoke(step_2_qc_process.values, run)["Pass"] == 1
    assert {one["Check"] for one in details(cloud, run["QCPID"])} == {"2#v#maximum"}


def test_a_part_that_is_missing_is_named_and_decides_nothing(cloud: Cloud) -> None:
    run = planned(cloud, started(cloud, lines(60_000)))
    listed: list[Any] = cloud._listed(run, "2")
    for part in listed[:3] + listed[4:]:
        invoke(step_2_qc_process.values, {**run, "Part": part})
    with pytest.raises(
        LambdaError, match=r"in part 4 of 11 \(bytes [0-9,]+ to [0-9,]+\) is not in the results bucket"
    ) as failed:
        invoke(step_2_qc_process.values, run)
    assert failed.value.error == "PartMissing"
    (row,) = cloud.rows()
    assert "Process2Pass" not in row


def test_what_is_passed_between_the_steps_is_small(cloud: Cloud) -> None:
    run = planned(cloud, started(cloud, lines(60_000)))
    assert len(json.dumps(run)) < 2000
