"""Checks a CSV stream of any size, generated while it is read, and draws its report: `python -m tests.big BYTES [FAILING]`.

FAILING: one of how many rows is out of range; by default none is. Prints the rows, the seconds, the size of the report and the
peak memory of the process.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.reporting.drawer import Drawer
from stream_qc.reporting.page import Heading, render
from stream_qc.rules import load

ROWS_AT_ONCE = 20_000
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


class GeneratedStream(io.RawIOBase):
    """A CSV stream of about `size` bytes, with one row per second. failing: one of how many rows is out of range; 0 for none."""

    def __init__(self, size: int, failing: int) -> None:
        self._failing = failing
        self.left, self.rows, self._pieces, self._waiting = size, 0, self._made(), b"time,value,sensor,quality\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._waiting and self.left > 0:
            self._waiting = next(self._pieces)
            self.left -= len(self._waiting)
            self.rows += ROWS_AT_ONCE
        data = self._waiting[: len(buffer)]
        buffer[: len(data)] = data
        self._waiting = self._waiting[len(data) :]
        return len(data)

    def _made(self) -> Iterator[bytes]:
        index = pl.col("index")
        value = (index * 0.001).sin() * 10 + 15 + ((index * 7919) % 101) / 100
        if self._failing:
            value = pl.when(index % self._failing == 0).then(500 + index % 7).otherwise(value)
        first = 0
        while True:
            frame = pl.DataFrame({"index": pl.int_range(first, first + ROWS_AT_ONCE, eager=True)}).select(
                time=pl.lit(dt.datetime(2000, 1, 1)) + pl.duration(seconds=index),  # UTC without a zone
                value=value.round(3),
                sensor=pl.concat_str(pl.lit("S"), (index % 7).cast(pl.String)),
                quality=(index % 5).cast(pl.Int64),
            )
            yield frame.write_csv(include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S").encode()
            first += ROWS_AT_ONCE


def peak_megabytes() -> int:
    """Returns the peak memory of this process. getrusage would include the memory of its parent."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def main(size: int, failing: int = 0) -> None:
    form = format_of("x.csv")
    assert form is not None
    stream, rules = GeneratedStream(size, failing), load(RULES)
    drawer, began = Drawer(rules), time.perf_counter()
    reports = check_stream(lambda: io.BufferedReader(stream, 1 << 20), form, rules, drawer=drawer)
    page = render(Heading("PASS", "big", []), [drawer.part(report) for report in reports.values()])
    seconds = time.perf_counter() - began
    assert {report.rows for report in reports.values()} == {stream.rows}
    failed = [result.fail for result in reports[2].results if result.test == "gross_range_test"]
    assert failed == [-(-stream.rows // failing) if failing else 0]
    found = {"bytes": size, "rows": stream.rows, "seconds": round(seconds, 1), "peak_mb": peak_megabytes()}
    print(json.dumps({**found, "failing_rows": failed[0], "report_bytes": len(page.encode())}))


if __name__ == "__main__":
    main(*(int(argument.replace("_", "")) for argument in sys.argv[1:]))
