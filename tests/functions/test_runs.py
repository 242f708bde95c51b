from __future__ import annotations

import datetime as dt
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from pipeline.runs import first_start_time, qcpid, timestamp
from tests.samples import SAMPLES

ARN = "arn:aws:states:eu-west-1:123456789012:execution:QC:"
FUNCTIONS = SAMPLES.parent / "functions"


@given(st.text(min_size=1), st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1)))  # noqa: DTZ001  # made aware below
def test_a_retried_step_looks_for_its_row_where_it_put_it(name: str, started: dt.datetime) -> None:
    text = started.replace(tzinfo=dt.UTC).isoformat(timespec="milliseconds")
    first = first_start_time(ARN + name, text)
    assert first == first_start_time(ARN + name, text)
    assert abs(first - dt.datetime.fromisoformat(text)) < dt.timedelta(milliseconds=1)
    assert len(timestamp(first)) == len("2026-11-23T08:13:26.271781Z")
    assert dt.datetime.fromisoformat(timestamp(first)) == first


def test_runs_that_start_in_one_millisecond_spread_over_its_microseconds() -> None:
    times = {first_start_time(f"{ARN}{number}", "2026-11-23T08:13:26.267Z") for number in range(300)}
    assert len(times) > 200


def test_an_execution_has_one_run_and_a_name_that_is_used_again_has_another() -> None:
    assert qcpid(ARN + "a", "2026-11-23T08:13:26.267Z") == qcpid(ARN + "a", "2026-11-23T08:13:26.267Z")
    assert qcpid(ARN + "a", "2026-11-23T08:13:26.267Z") != qcpid(ARN + "a", "2027-03-23T08:13:26.267Z")
    assert qcpid(ARN + "a", "2026-11-23T08:13:26.000Z") == qcpid(ARN + "a", "2026-11-23T08:13:26Z")


def test_the_three_light_functions_import_neither_polars_nor_the_engine() -> None:
    heavy = "{'polars', 'msgspec', 'ruamel', 'stream_qc.engine', 'stream_qc.rules', 'stream_qc.checks'}"
    for module in ("step_1_start_qc", "step_3_end_qc", "step_4_send_qc_summary"):
        program = f"import sys, {module}; sys.exit(sorted({heavy} & set(sys.modules)) or 0)"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(FUNCTIONS), "IDEMPOTENCY_TABLE": "t", "AWS_DEFAULT_REGION": "eu-west-1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (module, done.returncode, done.stderr) == (module, 0, "")


def test_the_engine_imports_nothing_of_aws() -> None:
    program = "import sys, stream_qc.engine; sys.exit(sorted({'boto3', 'botocore', 'aws_lambda_powertools', 'pipeline'} & set(sys.modules)) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(FUNCTIONS)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
