"""Checks a large file on the local AWS, in parts and in one pass, and compares the details: `python -m tests.large BYTES`.

Prints the rows, the parts, and how long each run took on this machine.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from boto3.s3.transfer import TransferConfig

from local.aws import free_port
from local.pipeline import deployed
from tests.big import RULES, GeneratedStream

KEY = "streams/g/s.csv"
FAILING = 1_000_003  # one of how many rows is out of range
PIECES = TransferConfig(multipart_chunksize=64 * 2**20, use_threads=False)


def run(size: int, settings: dict[str, str]) -> tuple[dict[str, Any], int, float]:
    """Returns the details of a run of a file of so many bytes under these settings, its parts, and the seconds it took."""
    with deployed(free_port(), settings=settings) as pipeline:
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key="rules/default.yaml", Body=RULES.encode())
        began = time.monotonic()
        pipeline.s3.upload_fileobj(GeneratedStream(size, FAILING), pipeline.bucket, KEY, Config=PIECES)
        version = pipeline.s3.head_object(Bucket=pipeline.bucket, Key=KEY)["VersionId"]
        uploaded = time.monotonic()
        print(f"{size / 1e9:.1f} GB uploaded in {uploaded - began:.0f} s; under {settings} …", flush=True)
        ended = pipeline.finished(pipeline.started_by(KEY, version), 3000)
        seconds = time.monotonic() - uploaded
        (row,) = pipeline.rows(ExecutionArn=ended.arn)
        maps = pipeline.sfn.list_map_runs(executionArn=ended.arn)["mapRuns"]
        counted = [
            pipeline.sfn.describe_map_run(mapRunArn=one["mapRunArn"])
            for one in maps
            if "/CountRows" in one["mapRunArn"]
        ]
        parts = sum(one["itemCounts"]["succeeded"] for one in counted)
        print(f"{row['Status']}: {row['Rows']:,} rows, {parts} parts, {seconds:.0f} s", flush=True)
        details = {name: {**one, "QCPID": ""} for name, one in pipeline.details(row["QCPID"]).items()}
        return details, parts, seconds


def main() -> int:
    size = int(float(sys.argv[1]))
    in_parts, parts, _ = run(size, {"splitAboveMiB": "1024"})
    in_one, none, _ = run(size, {"splitAboveMiB": "0"})
    equal = in_parts == in_one and parts > 1 and not none
    print(f"the details of {len(in_one)} checks are {'equal' if equal else 'NOT equal'}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
