"""`make bench`: compares the engine with polars, which only parses the same columns, and with other tools.

Every measurement runs in its own process, three times; the fastest time and the highest peak memory are reported. Times do
not include imports. ROWS=… and PEER_ROWS=… change the sizes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = int(os.environ.get("ROWS", "10_000_000"))
PEER_ROWS = int(os.environ.get("PEER_ROWS", "200_000"))
TIMES = 3

RULES = """
schema:
  fields:
    - {name: time, type: datetime, constraints: {required: true}}
    - {name: value, type: number, constraints: {required: true, minimum: -50, maximum: 60}}
    - {name: sensor, type: string, constraints: {required: true, pattern: "S[0-9]"}}
    - {name: quality, type: integer, constraints: {enum: [0, 1, 2, 3, 4]}}
time: time
streams:
  value:
    qartod:
      gross_range_test: {suspect_span: [-10, 40], fail_span: [-40, 60]}
      spike_test: {suspect_threshold: 3, fail_threshold: 8}
      rate_of_change_test: {threshold: 5}
      flat_line_test: {suspect_threshold: 10, fail_threshold: 20, tolerance: 0.0001}
  time:
    qartod:
      time_gap_test: {fail_span: 2}
"""


def engine(path: Path) -> Any:
    from stream_qc.engine import check_stream
    from stream_qc.formats import format_of
    from stream_qc.rules import load

    form, rules = format_of(path.name), load(RULES)
    assert form is not None
    return lambda: check_stream(lambda: path.open("rb"), form, rules)


def polars_parse(path: Path) -> Any:
    """The lower bound: polars parses the columns and computes the maximum of each with its streaming engine."""
    import polars as pl

    schema = {"time": pl.Datetime("us"), "value": pl.Float64(), "sensor": pl.String(), "quality": pl.Int64()}

    def run() -> Any:
        if path.suffix == ".parquet":
            frame = pl.scan_parquet(path)
        elif path.suffix == ".ndjson":
            frame = pl.scan_ndjson(path, schema={**schema, "time": pl.String()}).with_columns(
                pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S")
            )
        else:
            frame = pl.scan_csv(path, schema=schema)
        return frame.select(pl.all().max()).collect(engine="streaming")

    return run


def ioos_qc(path: Path) -> Any:
    """Six of the engine's tests on whole columns, read by pandas, as its users run them."""
    import numpy as np
    import pandas as pd
    from ioos_qc import qartod

    def run() -> Any:
        frame = pd.read_csv(path, parse_dates=["time"])
        value, times = frame["value"].to_numpy(), frame["time"].to_numpy().astype("datetime64[ns]")
        return [
            qartod.gross_range_test(value, suspect_span=(-10, 40), fail_span=(-40, 60)),
            qartod.spike_test(value, suspect_threshold=3, fail_threshold=8),
            qartod.rate_of_change_test(value, times, threshold=5),
            qartod.flat_line_test(value, times, suspect_threshold=10, fail_threshold=20, tolerance=0.0001),
            qartod.time_gap_test(times, fail_span=2),
            np.diff(times).min(),
        ]

    return run


def pandera_polars(path: Path) -> Any:
    """The constraints of the schema; it has no QARTOD tests."""
    import pandera.polars as pa
    import polars as pl

    schema = pa.DataFrameSchema(
        {
            "time": pa.Column(pl.Datetime("us"), nullable=False, unique=True),
            "value": pa.Column(pl.Float64, pa.Check.in_range(-50, 60), nullable=False),
            "sensor": pa.Column(pl.String, pa.Check.str_matches("^S[0-9]$"), nullable=False),
            "quality": pa.Column(pl.Int64, pa.Check.isin([0, 1, 2, 3, 4])),
        }
    )
    types = {"time": pl.Datetime("us"), "value": pl.Float64(), "sensor": pl.String(), "quality": pl.Int64()}
    return lambda: schema.validate(pl.read_csv(path, schema=types), lazy=True)


def pandas_by_hand(path: Path) -> Any:
    """A script with pandas: constraints, time order, gaps, spikes and rates."""
    import pandas as pd

    def run() -> Any:
        frame = pd.read_csv(path, parse_dates=["time"])
        value, times = frame["value"], frame["time"]
        spikes = (value - (value.shift(1) + value.shift(-1)) / 2).abs() > 3
        rates = (value.diff() / times.diff().dt.total_seconds()).abs() > 5
        checks = [
            frame.isna().any(), ~value.between(-50, 60), ~value.between(-10, 40), ~frame["sensor"].str.fullmatch("S[0-9]"),
            ~frame["quality"].isin([0, 1, 2, 3, 4]), times.duplicated(), times.diff() > pd.Timedelta(hours=2), spikes, rates,
        ]  # fmt: skip
        return [check.sum() for check in checks]

    return run


def frictionless(path: Path) -> Any:
    """The schema alone; it has none of the QARTOD tests."""
    from frictionless import Resource, Schema, system
    from ruamel.yaml import YAML

    descriptor = YAML(typ="safe").load(RULES)["schema"]
    schema = Schema.from_descriptor({"fields": [dict(field) for field in descriptor["fields"]]})

    def run() -> Any:
        with system.use_context(trusted=True):
            report = Resource(path=str(path), schema=schema).validate()
        assert report.valid, report.flatten(["note"])[:3]
        return report

    return run


CONTESTANTS: dict[str, Callable[[Path], Any]] = {
    "polars, parse only": polars_parse,
    "stream-qc": engine,
    "ioos_qc": ioos_qc,
    "pandera on polars": pandera_polars,
    "pandas by hand": pandas_by_hand,
    "frictionless": frictionless,
}


def measured(name: str, path: Path) -> tuple[float, int]:
    """Returns the seconds of the fastest of a few processes, and the highest peak memory in MB."""
    found = []
    for _ in range(TIMES):
        command = [sys.executable, "-m", "tests.bench", name, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr[-2000:]}")
        found.append(tuple(json.loads(done.stdout.splitlines()[-1])))
    return min(found)[0], max(memory for _, memory in found)


def import_milliseconds(function: str) -> float:
    """Returns the milliseconds to import a function after boto3 and a client: the fastest of several processes."""
    code = (
        "import time, boto3; boto3.client('s3'); began = time.perf_counter(); "
        f"import {function}; print(time.perf_counter() - began)"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "functions", "AWS_DEFAULT_REGION": "eu-central-2"}
    environment |= {"IDEMPOTENCY_TABLE": "t", "POWERTOOLS_SERVICE_NAME": "s", "POWERTOOLS_METRICS_NAMESPACE": "n"}
    seconds = [
        float(subprocess.run([".venv/bin/python", "-c", code], env=environment, capture_output=True, check=True).stdout)
        for _ in range(7)
    ]
    return min(seconds) * 1000


def run_one(name: str, path: Path) -> None:
    warnings.simplefilter("ignore")
    run = CONTESTANTS[name](path)
    began = time.perf_counter()
    run()
    seconds = time.perf_counter() - began
    print(json.dumps([seconds, peak_megabytes()]))


def peak_megabytes() -> int:
    """Returns the peak memory of this process. getrusage would include the memory of its parent."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def make(path: Path, rows: int) -> Path:
    """Writes a clean stream: one row per second, a wave with noise, seven sensors. Returns its path."""
    import polars as pl

    start = dt.datetime(2000, 1, 1)  # UTC without a zone
    index = pl.col("index")
    frame = pl.LazyFrame({"index": pl.int_range(rows, eager=True)}).select(
        time=pl.lit(start) + pl.duration(seconds=index),
        value=((index * 0.001).sin() * 10 + 15 + ((index * 7919) % 101) / 100).round(3),
        sensor=pl.concat_str(pl.lit("S"), (index % 7).cast(pl.String)),
        quality=(index % 5).cast(pl.Int64),
    )
    if path.suffix == ".parquet":
        frame.sink_parquet(path, row_group_size=500_000)
        return path
    text = frame.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    text.sink_ndjson(path) if path.suffix == ".ndjson" else text.sink_csv(path)
    return path


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="stream-qc-bench-") as name:
        folder = Path(name)
        print(f"All checks of the three processes on {ROWS:,} rows, {os.cpu_count()} cores; the fastest of {TIMES}.\n")
        print(f"{'format':<10}{'polars parses':>16}{'stream-qc':>12}{'ratio':>8}{'peak':>10}")
        for ending in ("csv", "parquet", "ndjson"):
            path = make(folder / f"stream.{ending}", ROWS)
            (limit, _), (seconds, memory) = measured("polars, parse only", path), measured("stream-qc", path)
            print(f"{ending:<10}{limit:>14.2f} s{seconds:>10.2f} s{seconds / limit:>8.2f}{memory:>7} MB", flush=True)
            path.unlink()
        print("\nPeak memory of stream-qc on CSV of three sizes (about 32 bytes per row), generated while it is read:")
        for size in (3 * ROWS, 30 * ROWS, 300 * ROWS):
            done = subprocess.run([sys.executable, "-m", "tests.big", str(size)], capture_output=True, check=True)
            found = json.loads(done.stdout)
            print(f"{found['rows']:>14,} rows  {found['peak_mb']} MB  {found['seconds']} s", flush=True)
        print("\nImporting a function after boto3 and a client:")
        for function in ("step_1_start_qc", "step_2_qc_process", "step_3_end_qc", "step_4_send_qc_summary"):
            print(f"{function:>24}  {import_milliseconds(function):.0f} ms", flush=True)
        path = make(folder / "stream.csv", PEER_ROWS)
        print(f"\nThe same CSV of {PEER_ROWS:,} rows; each tool runs those of the checks that it has:\n")
        for contestant in CONTESTANTS:
            seconds, memory = measured(contestant, path)
            print(
                f"{contestant:<22}{seconds:>8.2f} s{memory:>8} MB  {(CONTESTANTS[contestant].__doc__ or 'every check').splitlines()[0]}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_one(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
