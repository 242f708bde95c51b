"""The report of a run: where it is, the link to it, and what each process leaves for it. No verdict depends on it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipeline.aws import s3, s3_for_links, s3_for_reports
from pipeline.environment import environment
from pipeline.model import Run

if TYPE_CHECKING:  # takes longer to load than the summary to send
    from stream_qc.reporting.record import Part


def key_of(run: Run) -> str | None:
    """Returns where the report of a run is, or None for one that has none: it has no row, or no process has run."""
    if environment().results_bucket is None or not run.has_row or not run.results:
        return None
    return f"reports/{run.group_id}/{run.stream_id}/{run.start_time}.html"


def link(key: str) -> str:
    """Returns an address for people: of S3's console, or one that needs no account and works for some hours."""
    bucket, hours = environment().results_bucket, environment().report_link_hours
    if hours:
        return presigned(key, hours * 3600)
    region = s3().meta.region_name
    return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={quote(key, safe='')}"


def presigned(key: str, seconds: int) -> str:
    """Returns an address of a report that works for so long, for whoever has it."""
    asked = {"Bucket": environment().results_bucket, "Key": key}
    return str(s3_for_links().generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))


def save(run: Run, part: Part) -> None:
    """Writes what one process leaves for the page."""
    s3_for_reports().put_object(
        Bucket=str(environment().results_bucket), Key=part_key(run, part.process), Body=gzip.compress(part.encode(), 1)
    )


def flags_key(run: Run, process: int) -> str:
    """Returns where a process leaves the flags of every row."""
    return f"parts/{run.qcpid}/{process}.flags.parquet"


def part_key(run: Run, process: int) -> str:
    """Returns where a process leaves its part."""
    return f"parts/{run.qcpid}/{process}.json.gz"
