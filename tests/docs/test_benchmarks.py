"""`make bench` writes docs/BENCHMARKS.md. Here from made-up figures."""

from __future__ import annotations

import math

from tests.bench.cases import CASES, MILLION
from tests.bench.goals import OBSTACLES, RATIOS, UNEXAMINED, goals
from tests.bench.measure import Figure
from tests.bench.page import page

FACTS = {"Date": "2030-01-01, commit abc1234", "Machine": "a machine, 2 cores, 8 GB"}


def figure(
    case: str, role: str, who: str, cpu: float, peak: float = 200.0, rows: int = MILLION, note: str = ""
) -> Figure:
    return Figure(case, rows, 33 * rows, role, who, cpu, cpu / 2, peak, 3, note)


def csv(engine: float, peak: float = 200.0) -> list[Figure]:
    """Returns figures of the first case: two ways to parse, of which the faster takes a second, and the engine."""
    parsers = [figure("csv", "parse", "polars scan_csv", 1.5), figure("csv", "parse", "pyarrow open_csv", 1.0)]
    return [*parsers, figure("csv", "engine", "stream-qc", engine, peak)]


def test_goal_is_the_ratio_to_the_fastest_parse() -> None:
    ratio, memory = goals(csv(1.4))
    assert (ratio.measured, ratio.bar, ratio.goal, ratio.met, ratio.bar_met) == ("1.40", "2.0", "1.5", True, True)
    assert (memory.measured, memory.met) == ("200 MB", True)


def test_page_of_met_goals_names_no_obstacle() -> None:
    text = page(FACTS, csv(1.4))
    assert "**2 of 2 are met.**" in text
    assert "stands in the way" not in text
    assert "- Machine: a machine, 2 cores, 8 GB" in text
    assert "| CSV, every check, times unique | **pyarrow open_csv** | 1,000,000 | 1.00 | 0.50 | 200 |" in text


def test_page_says_what_stands_in_the_way_of_a_goal() -> None:
    text = page(FACTS, csv(1.9, peak=300))
    assert "| CSV, every check, times unique, 1 million rows | 1.90 | 2.0 | 1.5 | not met; within the bar |" in text
    assert f"- **CSV, every check, times unique.** {OBSTACLES['csv']}" in text
    assert f"- **Peak memory.** {OBSTACLES.get('memory', UNEXAMINED)}" in text


def test_page_says_that_a_bar_is_missed() -> None:
    assert "| 2.50 | 2.0 | 1.5 | **not met, nor the bar** |" in page(FACTS, csv(2.5))


def test_compressed_file_may_cost_unpacking_and_csv() -> None:
    plain = [figure("gzip", "unpack", "zlib", 0.4), figure("gzip", "engine csv", "stream-qc", 1.5)]
    cpu, wall, _ = goals([*plain, figure("gzip", "engine", "stream-qc", 1.9)])
    assert (cpu.goal, cpu.met, wall.goal, wall.met) == ("1.90 s", True, "0.95 s", True)
    cpu, *_ = goals([*plain, figure("gzip", "engine", "stream-qc", 2.0)])
    assert not cpu.met


def test_engine_that_did_not_end_misses_its_goal() -> None:
    rows = next(case.exact for case in CASES if case.name == "seasons")
    ended = Figure("seasons", rows, 1_000, "engine", "stream-qc", math.inf, math.inf, math.inf, 0)
    (goal,) = goals([ended])
    assert (goal.measured, goal.met) == ("did not end", False)
    assert "did not end" in page(FACTS, [ended])


def test_lambda_goal_is_the_speed_of_a_download() -> None:
    fast, slow = goals([figure("lambda", "engine", "process 1", 0.3), figure("lambda", "engine", "process 2", 0.4)])
    assert (fast.measured, fast.met, slow.measured, slow.met) == ("110 MB/s", True, "82 MB/s", False)


def test_peers_stand_with_what_they_leave_out() -> None:
    text = page(
        FACTS, [figure("peers", "engine", "stream-qc", 3.0), figure("peers", "peer", "ioos_qc", 9.0, note="8 of 8")]
    )
    assert "On 1 million rows:" in text
    assert (
        "| ioos_qc | types and constraints, order and repeats of times; why a row fails | 8 of 8 | 9.00 | 4.50 | 200 |"
        in text
    )


def test_cases_with_a_ratio_exist() -> None:
    assert set(RATIOS) <= {case.name for case in CASES}
