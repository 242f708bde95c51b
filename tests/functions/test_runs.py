"""QCSummary's rows, and what the functions import."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pipeline import runs
from pipeline.execution import Execution
from pipeline.model import Failure, Run, Status
from pipeline.times import timestamp
from tests.functions.cloud import Cloud
from tests.samples import SAMPLES

ARN = "arn:aws:states:eu-west-1:123456789012:execution:QC:"
START = dt.datetime(2026, 11, 23, 8, 13, 26, 267_000, tzinfo=dt.UTC)
FUNCTIONS = SAMPLES.parent / "functions"


def execution(name: str) -> Execution:
    return Execution(ARN + name, START, {})


def run_of(name: str) -> Run:
    one = execution(name)
    return Run(qcpid=one.qcpid, execution_arn=one.arn, status=Status.RUNNING, group_id="g", stream_id="s")


@given(st.text(min_size=1), st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)))
def test_start_time_is_the_executions_with_microseconds_of_its_own(name: str, started: dt.datetime) -> None:
    started = started.replace(microsecond=started.microsecond // 1000 * 1000)
    first = runs.first_start_time(Execution(ARN + name, started, {}))
    assert first == runs.first_start_time(Execution(ARN + name, started, {}))
    assert dt.timedelta() <= first - started < dt.timedelta(milliseconds=1)
    assert len(timestamp(first)) == len("2026-11-23T08:13:26.271781Z")
    assert dt.datetime.fromisoformat(timestamp(first)) == first


def test_start_times_of_one_millisecond_spread_over_its_microseconds() -> None:
    assert len({runs.first_start_time(execution(str(number))) for number in range(300)}) > 200


def test_seeded_run_is_found_by_its_execution(cloud: Cloud) -> None:
    seeded = runs.seed(run_of("a"), execution("a"))
    assert seeded.has_row
    assert runs.find("g", execution("a")) == seeded == runs.seed(run_of("a"), execution("a"))
    assert runs.find("g", execution("b")) is None
    assert len(cloud.rows()) == 1


def test_closed_run_is_not_opened_again_by_a_retried_seed(cloud: Cloud) -> None:
    seeded = runs.seed(run_of("a"), execution("a"))
    ended = runs.end(replace(seeded, status=Status.ERROR, failure=Failure("E", "c")), (Status.RUNNING,))
    assert runs.seed(run_of("a"), execution("a")) == ended
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]


def test_end_sets_missing_flags_to_0(cloud: Cloud) -> None:
    seeded = runs.seed(run_of("a"), execution("a"))
    runs.record_process(seeded, 1, passed=True, rows=7)
    ended = runs.end(replace(seeded, status=Status.ERROR, total_pass=False), (Status.RUNNING,))
    assert (ended.flags, ended.rows) == ({1: True, 2: False, 3: False}, 7)
    (row,) = cloud.rows()
    assert Run.from_item(row) == ended


def test_end_changes_only_an_expected_status(cloud: Cloud) -> None:
    seeded = runs.seed(run_of("a"), execution("a"))
    passed = runs.end(replace(seeded, status=Status.PASS), (Status.RUNNING,))
    assert runs.end(replace(seeded, status=Status.ERROR), (Status.RUNNING,)) == passed
    assert runs.end(replace(seeded, status=Status.ERROR), (Status.RUNNING, Status.PASS)).status == Status.ERROR
    assert [row["Status"] for row in cloud.rows()] == ["ERROR"]


@pytest.mark.usefixtures("cloud")
def test_run_without_a_row_cannot_end_or_record() -> None:
    nowhere = replace(run_of("a"), start_time="2026-11-23T08:00:00.000000Z")
    for call in (
        lambda: runs.end(nowhere, (Status.RUNNING,)),
        lambda: runs.record_process(nowhere, 1, passed=True, rows=None),
    ):
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            call()


@pytest.mark.usefixtures("cloud")
def test_version_that_a_run_has_read_is_found_by_its_stream() -> None:
    seeded = runs.seed(replace(run_of("a"), stream_id="s", key="k", version_id="v"), execution("a"))
    assert seeded.start_time
    asked = [("g/s", "k", "v"), ("g/s", "k", "w"), ("g/s", "l", "v"), ("g/t", "k", "v")]
    assert [runs.has_read(*one) for one in asked] == [True, False, False, False]


def modules_loaded_by(imports: str, unwanted: set[str]) -> str:
    """Returns which of the unwanted modules a fresh Python has loaded after these imports."""
    program = f"import sys, {imports}; print(*sorted({unwanted!r} & set(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(FUNCTIONS)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_light_functions_import_neither_polars_nor_the_engine() -> None:
    light = "step_1_start_qc, step_3_end_qc, step_4_send_qc_summary, close_run, reconcile"
    heavy = {"polars", "msgspec", "ruamel", "stream_qc.engine", "stream_qc.rules", "stream_qc.checks"}
    assert modules_loaded_by(light, heavy) == ""


def test_engine_imports_nothing_of_aws() -> None:
    aws = {"boto3", "botocore", "aws_lambda_powertools", "pipeline"}
    assert modules_loaded_by("stream_qc.engine, stream_qc.cli", aws) == ""
