"""Writes the page of a run into the results bucket, from what its processes have left there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace

from botocore.exceptions import ClientError

from pipeline import runs
from pipeline.aws import error_code, s3
from pipeline.environment import environment
from pipeline.message import minute, rerun_command
from pipeline.model import Run
from pipeline.report import key_of, part_key
from stream_qc.reporting.page import Heading, render
from stream_qc.reporting.record import Part

ABSENT = {"404", "NoSuchKey"}


def write(run: Run) -> str | None:
    """Writes the page of a run that has ended, and its key into the run's row. Returns the key, or None if it gets none."""
    key = key_of(run)
    if key is None:
        return None
    parts = list(_parts(run))
    page = render(_heading(run, {part.process for part in parts}), parts)
    s3().put_object(
        Bucket=str(environment().results_bucket), Key=key, Body=page.encode(), ContentType="text/html; charset=utf-8"
    )
    runs.set_results(replace(run, report_key=key))
    return key


def _parts(run: Run) -> Iterator[Part]:
    """Yields the parts of the processes that have run; one that could not be written is left out."""
    for result in run.results:
        try:
            found = s3().get_object(Bucket=str(environment().results_bucket), Key=part_key(run, result.process))
        except ClientError as error:
            if error_code(error) in ABSENT:
                continue
            raise
        yield Part.decode(gzip.decompress(found["Body"].read()))


def _heading(run: Run, recorded: set[int]) -> Heading:
    facts = [("File", f"s3://{run.bucket}/{run.key}"), ("Version", f"{run.version_id}, {run.size or 0:,} bytes")]
    rules = f"{run.rules_key}, version {run.rules_version_id}" if run.rules_key else "none: only whether it can be read"
    facts += [("Rules", rules), ("Run", run.qcpid), ("Started", minute(str(run.start_time)))]
    if run.failing_runs and run.failing_since:
        facts.append(("Failing", f"since {minute(run.failing_since)}, {run.failing_runs:,} runs"))
    elif run.previous_status and run.previous_since:
        facts.append(("Before", f"{run.previous_status}, since {minute(run.previous_since)}"))
    broken = [(one.process, f"{one.failure.error}: {one.failure.cause}") for one in run.results if one.failure]
    lost = [(one.process, one.passed) for one in run.results if not one.failure and one.process not in recorded]
    return Heading(str(run.status), f"{run.group_id}/{run.stream_id}", facts, broken, lost, rerun_command(run))
