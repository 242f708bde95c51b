"""`stream-qc rules --try`: which faults the rules catch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream_qc.formats import format_of
from stream_qc.rules import load
from stream_qc.trying import Tried, try_rules
from tests.engine.running import stream_qc
from tests.samples import SAMPLES

RULES = SAMPLES / "rules"
STREAMS = SAMPLES / "streams"


def tried(rules: str, file: Path) -> dict[str, Tried]:
    form = format_of(file.name)
    assert form is not None
    found = try_rules(lambda: file.open("rb"), form, load(rules))
    return {f"{one.fault.name} {one.fault.field}".strip(): one for one in found}


@pytest.mark.parametrize("name", ["airport.csv", "airport-2012.csv.gz", "airport-2013.ndjson", "airport-2014.parquet"])
def test_faults_are_tried_in_every_format(name: str) -> None:
    found = tried((RULES / "default.yaml").read_text(), STREAMS / "seattle" / name)
    assert "*#primaryKey" in found["the file duplicated"].failing
    assert "date#time_gap_test" in found["a third of the rows missing"].failing
    assert "date#time_order" in found["a clock that was set back date"].failing
    assert found["a spike temp_max"].failing == ["temp_max#gross_range_test"]
    swapped = found["swapped columns precipitation and temp_max"]
    assert swapped.failing or swapped.suspect
    assert not found["a stuck value wind"].failing
    assert found["truncated values weather"].failing == ["weather#enum"]


@pytest.mark.slow
def test_gap_is_within_each_series() -> None:
    rules = (RULES / "newyork.yaml").read_text()
    found = tried(rules, STREAMS / "newyork/weather.csv")
    assert "time_hour#time_gap_test" in found["a third of the rows missing"].failing


@pytest.mark.slow
def test_stuck_value_is_caught_by_a_flat_line_test() -> None:
    rules = (RULES / "newyork.yaml").read_text()
    found = tried(rules, STREAMS / "newyork/weather.csv")
    assert found["a stuck value temp"].failing == ["temp#flat_line_test"]


def test_fault_that_is_only_suspect_is_told_apart(tmp_path: Path) -> None:
    rules = json.dumps(
        {
            "schema": {"fields": [{"name": "v", "type": "number"}]},
            "streams": {"v": {"qartod": {"gross_range_test": {"suspect_span": [0, 20], "fail_span": [-1e9, 1e9]}}}},
        }
    )
    path = tmp_path / "numbers.csv"
    path.write_text("v\n" + "".join(f"{row}\n" for row in range(20)))
    found = tried(rules, path)
    assert (found["a spike v"].failing, found["a spike v"].suspect) == ([], ["v#gross_range_test"])


def test_command_says_what_to_add() -> None:
    done = stream_qc("rules", str(RULES / "default.yaml"), "--try", str(STREAMS / "seattle/airport.csv"))
    assert done.returncode == 1
    assert "✓ the file duplicated: caught by primaryKey, date time_order, date duplicate_time" in done.stdout
    assert "✗ a stuck value in wind: missed; to catch it, add a flat_line_test of wind" in done.stdout
    assert done.stdout.rstrip().endswith("faults are caught or flagged")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "sandbox/gap.csv",
            "the file does not pass these rules as it is (date#time_gap_test); try them with a good file",
        ),
        ("sandbox/header-only.csv", "the file has 0 rows; to try rules takes at least 10"),
    ],
)
def test_only_a_good_file_can_be_tried(file: str, said: str) -> None:
    done = stream_qc("rules", str(RULES / "default.yaml"), "--try", str(STREAMS / file))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
