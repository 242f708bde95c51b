"""What other tools do of the same rules: `python -m tests.bench.peers NAME FILE`.

Each peer checks the file of the case `csv` as its users would, and prints how many rows fail each check, by the engine's
name of the check. The page compares these counts with the engine's.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.rules import EVERY_CHECK
from tests.bench.sql import ALL_CHECKS

Counts = dict[str, int]
ENUM = [0, 1, 2, 3, 4]
SPANS = {
    1: (-30, 35), 2: (-30, 35), 3: (-28, 40), 4: (-24, 45), 5: (-20, 50), 6: (-15, 54),
    7: (-12, 54), 8: (-12, 54), 9: (-15, 52), 10: (-20, 46), 11: (-26, 40), 12: (-30, 36),
}  # fmt: skip


def duckdb(path: Path) -> Counts:
    import duckdb

    duckdb.execute("SET enable_progress_bar = false")
    done = duckdb.execute(ALL_CHECKS.replace("FILE", str(path)))
    names = [column[0] for column in done.description]
    row = done.fetchone()
    assert row
    return dict(zip(names, map(int, row), strict=True))


def pandas(path: Path) -> Counts:
    import pandas as pd

    frame = pd.read_csv(path, parse_dates=["time"])
    value, times, sensor = frame["temperature"], frame["time"], frame["sensor"]
    steps = times.diff().dt.total_seconds()
    low, high = (times.dt.month.map({month: span[side] for month, span in SPANS.items()}) for side in (0, 1))
    repeated = times.duplicated() & times.notna()
    spread = (
        pd.Series(value.to_numpy(), index=times).rolling("600s", min_periods=10).std(ddof=0) if _sorted(times) else None
    )
    failing = {
        "time.required": times.isna(),
        "temperature.required": value.isna(),
        "quality.required": frame["quality"].isna(),
        "sensor.required": sensor.isna(),
        "time.unique": repeated,
        "temperature.minimum": value < -50,
        "temperature.maximum": value > 60,
        "quality.enum": ~frame["quality"].isin(ENUM),
        "sensor.minLength": sensor.str.len() < 2,
        "sensor.maxLength": sensor.str.len() > 2,
        "sensor.pattern": ~sensor.str.fullmatch("S[0-9]"),
        "temperature.gross_range_test": (value < -40) | (value > 55),
        "temperature.climatology_test": (value < low) | (value > high),
        "temperature.spike_test": (value - (value.shift(1) + value.shift(-1)) / 2).abs() > 5,
        "temperature.rate_of_change_test": (value.diff() / steps.where(steps != 0)).abs() > 200,
        "temperature.flat_line_test": value.rolling(61).max() - value.rolling(61).min() < 0.001,
        "time.time_order": times < times.cummax().shift(1),
        "time.duplicate_time": repeated,
        "time.time_gap_test": steps > 7200,
        "time.impossible_date_test": (times < "1990-01-01T00:00Z") | (times > "2060-01-01T00:00Z"),
    }
    counts = {name: int(rows.sum()) for name, rows in failing.items()}
    return counts if spread is None else {**counts, "temperature.attenuated_signal_test": int((spread < 0.01).sum())}


def _sorted(times: Any) -> bool:
    return bool(times.is_monotonic_increasing)


def ioos_qc(path: Path) -> Counts:
    import numpy as np
    import pandas as pd
    from ioos_qc import qartod

    frame = pd.read_csv(path, parse_dates=["time"])
    value = frame["temperature"].to_numpy()
    times = frame["time"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    seasons = qartod.ClimatologyConfig()
    for month, span in SPANS.items():
        seasons.add(tspan=(month, month), vspan=span, fspan=span, period="month")
    dates = (np.datetime64("1990-01-01"), np.datetime64("2060-01-01"))
    flags = {
        "temperature.gross_range_test": qartod.gross_range_test(value, fail_span=(-40, 55), suspect_span=(-20, 45)),
        "temperature.climatology_test": qartod.climatology_test(seasons, value, times, np.zeros(len(value))),
        "temperature.spike_test": qartod.spike_test(value, suspect_threshold=3, fail_threshold=5),
        "temperature.rate_of_change_test": qartod.rate_of_change_test(value, times, threshold=4, fail_threshold=200),
        "temperature.flat_line_test": qartod.flat_line_test(value, times, 30, 60, tolerance=0.001),
        "temperature.attenuated_signal_test": qartod.attenuated_signal_test(
            value, times, 0.05, 0.01, test_period=600, min_obs=10
        ),
        "time.time_gap_test": qartod.time_gap_test(times, fail_span=2),
        "time.impossible_date_test": qartod.impossible_date_test(times, fail_span=dates),
    }
    return {name: int((np.asarray(found) == 4).sum()) for name, found in flags.items()}


def _polars_frame(path: Path) -> Any:
    """Returns the typed frame, read in the fastest way that polars has."""
    import polars as pl

    types = {"time": pl.String(), "temperature": pl.Float64(), "quality": pl.Int64(), "sensor": pl.String()}
    time = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", cache=False)
    return pl.read_csv(path, schema=types).with_columns(time)


def pandera(path: Path) -> Counts:
    import pandera.polars as pa
    import polars as pl

    names = {
        "in_range": "range", "isin": "enum", "str_length": "length", "str_matches": "pattern",
        "not_nullable": "required", "field_uniqueness": "unique",
    }  # fmt: skip
    schema = pa.DataFrameSchema(
        {
            "time": pa.Column(pl.Datetime("us"), nullable=False, unique=True),
            "temperature": pa.Column(
                pl.Float64, [pa.Check.greater_than_or_equal_to(-50), pa.Check.less_than_or_equal_to(60)], nullable=False
            ),
            "quality": pa.Column(pl.Int64, pa.Check.isin(ENUM), nullable=False),
            "sensor": pa.Column(
                pl.String, [pa.Check.str_length(2, 2), pa.Check.str_matches("^S[0-9]$")], nullable=False
            ),
        }
    )
    asked = ["time.required", "time.unique", "temperature.required", "temperature.minimum", "temperature.maximum",
             "quality.required", "quality.enum", "sensor.required", "sensor.length", "sensor.pattern"]  # fmt: skip
    counts = dict.fromkeys(asked, 0)
    try:
        schema.validate(_polars_frame(path), lazy=True)
    except pa.errors.SchemaErrors as error:
        names |= {"greater_than_or_equal_to(-50)": "minimum", "less_than_or_equal_to(60)": "maximum"}
        for case in error.failure_cases.to_dicts():
            kind = next((name for start, name in names.items() if str(case["check"]).startswith(start)), case["check"])
            counts[f"{case['column']}.{kind}"] = counts.get(f"{case['column']}.{kind}", 0) + 1
    return {name: count for name, count in counts.items() if name != "sensor.length"}


def pointblank(path: Path) -> Counts:
    import pointblank as pb

    frame = _polars_frame(path)
    steps: dict[str, Callable[[Any], Any]] = {
        "time.required": lambda one: one.col_vals_not_null("time"),
        "temperature.required": lambda one: one.col_vals_not_null("temperature"),
        "quality.required": lambda one: one.col_vals_not_null("quality"),
        "sensor.required": lambda one: one.col_vals_not_null("sensor"),
        "time.unique": lambda one: one.rows_distinct("time"),
        "temperature.minimum": lambda one: one.col_vals_ge("temperature", -50, na_pass=True),
        "temperature.maximum": lambda one: one.col_vals_le("temperature", 60, na_pass=True),
        "temperature.gross_range_test": lambda one: one.col_vals_between("temperature", -40, 55, na_pass=True),
        "quality.enum": lambda one: one.col_vals_in_set("quality", ENUM),
        "sensor.pattern": lambda one: one.col_vals_regex("sensor", "^S[0-9]$"),
        "time.time_order": lambda one: one.col_vals_increasing("time", allow_stationary=True),
    }
    validation: Any = pb.Validate(frame)
    for step in steps.values():
        validation = step(validation)
    failed = validation.interrogate(collect_extracts=False).n_failed()
    return {name: int(failed[number]) for number, name in enumerate(steps, 1)}


def great_expectations(path: Path) -> Counts:
    import great_expectations as gx
    import pandas as pd

    frame = pd.read_csv(path, parse_dates=["time"])
    context = gx.get_context(mode="ephemeral")
    batches = (
        context.data_sources.add_pandas("files")
        .add_dataframe_asset("stream")
        .add_batch_definition_whole_dataframe("all")
    )
    expect = gx.expectations
    asked = {
        "time.required": expect.ExpectColumnValuesToNotBeNull(column="time"),
        "temperature.required": expect.ExpectColumnValuesToNotBeNull(column="temperature"),
        "quality.required": expect.ExpectColumnValuesToNotBeNull(column="quality"),
        "sensor.required": expect.ExpectColumnValuesToNotBeNull(column="sensor"),
        "time.unique": expect.ExpectColumnValuesToBeUnique(column="time"),
        "temperature.minimum": expect.ExpectColumnValuesToBeBetween(column="temperature", min_value=-50),
        "temperature.maximum": expect.ExpectColumnValuesToBeBetween(column="temperature", max_value=60),
        "temperature.gross_range_test": expect.ExpectColumnValuesToBeBetween(
            column="temperature", min_value=-40, max_value=55
        ),
        "quality.enum": expect.ExpectColumnValuesToBeInSet(column="quality", value_set=ENUM),
        "sensor.minLength": expect.ExpectColumnValueLengthsToBeBetween(column="sensor", min_value=2),
        "sensor.maxLength": expect.ExpectColumnValueLengthsToBeBetween(column="sensor", max_value=2),
        "sensor.pattern": expect.ExpectColumnValuesToMatchRegex(column="sensor", regex="^S[0-9]$"),
    }
    suite = gx.ExpectationSuite(name="rules", expectations=list(asked.values()))
    result = batches.get_batch({"dataframe": frame}).validate(suite, result_format="SUMMARY")
    counts = {}
    for name, wanted in asked.items():
        (one,) = [found for found in result.results if _same(found.expectation_config, wanted)]
        counts[name] = int(one.result["unexpected_count"])
    return counts


def _same(config: Any, wanted: Any) -> bool:
    given = wanted.configuration
    names = ("column", "min_value", "max_value")
    return config.type == given.type and all(config.kwargs.get(name) == given.kwargs.get(name) for name in names)


def frictionless(path: Path) -> Counts:
    from frictionless import Checklist, Resource, Schema, system
    from ruamel.yaml import YAML

    fields = YAML(typ="safe").load(EVERY_CHECK)["schema"]["fields"]
    asked = [f"{field['name']}.{test}" for field in fields for test in ("type", *field["constraints"])]
    counts = dict.fromkeys(asked, 0)
    with system.use_context(trusted=True):
        schema = Schema.from_descriptor({"fields": fields})
        report = Resource(path=str(path), schema=schema).validate(Checklist(), limit_errors=10**9)
    for kind, field, note in report.flatten(["type", "fieldName", "note"]):
        test = (
            kind.removesuffix("-error")
            if kind in ("type-error", "unique-error")
            else next((one for one in asked if f'"{one.split(".")[1]}' in note), kind)
        )
        name = f"{field}.{test.rpartition('.')[2]}"  # each note quotes the constraint, but for types and repeats
        counts[name] = counts.get(name, 0) + 1
    return counts


@dataclass(frozen=True)
class Peer:
    """most: the largest number of rows that it is given. omits: what it leaves out of the rules."""

    run: Callable[[Path], Counts]
    most: int
    omits: str


MILLION, FEW = 1_000_000, 200_000
PEERS = {
    "DuckDB SQL": Peer(duckdb, MILLION, "types (it stops at a fault); which rows fail, and why"),
    "pandas by hand": Peer(pandas, MILLION, "types; why a row fails; attenuated_signal_test if times are not in order"),
    "ioos_qc": Peer(ioos_qc, MILLION, "types and constraints, order and repeats of times; why a row fails"),
    "pandera on polars": Peer(pandera, MILLION, "types (polars stops at a fault), order of times, every QARTOD test"),
    "pointblank on polars": Peer(
        pointblank, MILLION, "types (polars stops at a fault), lengths, every QARTOD test but the gross range"
    ),
    "Great Expectations on pandas": Peer(
        great_expectations, FEW, "types, order of times, every QARTOD test but the gross range"
    ),
    "frictionless": Peer(frictionless, FEW, "order of times, every QARTOD test"),
}  # fmt: skip


def main(name: str, path: Path) -> None:
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):
        counts = PEERS[name].run(path)
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
