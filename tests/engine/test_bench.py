"""The files of `make bench` get the verdicts that they were made for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stream_qc.checks import TESTS
from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.results import Result
from stream_qc.rules import load
from tests.bench import rules
from tests.bench.cases import CASES, FAILS_OF, KIND_CASES, Case
from tests.bench.generators import chunks, make
from tests.bench.measure import cost_of

ROWS = 2_000
SMALL = {  # the same generators and rules, with fewer columns and seasons
    "wide2000": {"data": "wide:30", "rules": rules.wide(30, "minimum: 1, maximum: 10")},
    "wide20000": {"data": "wide:40", "rules": rules.wide(40, "")},
    "seasons": {"rules": rules.seasons(10, 5)},
}
SMALL_CASES = [replace(case, **SMALL.get(case.name, {})) for case in CASES]  # type: ignore[arg-type]


pytestmark = pytest.mark.slow


def checked(case: Case, folder: Path) -> tuple[int, dict[str, Result]]:
    """Returns the number of rows and the results by <field>.<test> of a case's file."""
    path = folder / f"stream{case.suffix}"
    make(case.data, ROWS, path)
    form = format_of(path.name)
    assert form is not None
    reports = check_stream(lambda: path.open("rb"), form, load(case.rules))
    results = {f"{one.field}.{one.test}": one for report in reports.values() for one in report.results}
    return reports[1].rows, results


@pytest.mark.parametrize("case", SMALL_CASES, ids=lambda case: case.name)
def test_file_fails_what_it_was_made_to_fail(case: Case, tmp_path: Path) -> None:
    rows, results = checked(case, tmp_path)
    assert rows == ROWS
    assert {name for name, result in results.items() if not result.passed} == case.fails


@pytest.mark.parametrize("case", KIND_CASES, ids=lambda case: case.name)
def test_about_one_percent_of_rows_have_the_fault(case: Case, tmp_path: Path) -> None:
    _, results = checked(case, tmp_path)
    assert {name for name, result in results.items() if not result.passed} == case.fails
    for name in FAILS_OF[case.title] or {"temperature.spike_test"}:
        assert 0.005 * ROWS < results[name].fail < 0.03 * ROWS, name


def test_every_check_asks_for_every_qartod_test_with_no_case_of_its_own() -> None:
    elsewhere = {"location_test", "syntax_test", "data_reception_test"}
    elsewhere |= {"location_bounds_test", "percentile_range_test", "density_inversion_test"}  # rare
    elsewhere |= {name for name, test in TESTS.items() if test.module != "qartod"}
    assert {name for name in TESTS if name not in rules.EVERY_CHECK} == elsewhere


def test_chunks_continue_each_other() -> None:
    rows = [chunk.height for chunk in chunks("clean", 600_000)]
    assert sum(rows) == 600_000
    assert len(rows) > 1


def test_key_is_unique_and_in_no_order() -> None:
    (chunk,) = chunks("key", ROWS)
    assert chunk["id"].n_unique() == ROWS
    rises = (chunk["id"].diff().drop_nulls() > 0).mean()
    assert isinstance(rises, float)
    assert 0.4 < rises < 0.6


def test_peak_memory_is_that_of_the_child_alone() -> None:
    cost = cost_of([sys.executable, "-I", "-S", "-c", "pass"])
    assert cost.peak < 40  # this process, with polars, has more
    assert cost_of([sys.executable, "-I", "-S", "-c", "bytearray(100 << 20)"]).peak > 100
