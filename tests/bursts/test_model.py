"""The simulation of bursts keeps what it has to: nothing vanishes, and no limit is passed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bursts.model import STATES, Bucket, Limits, Simulation

SECONDS = {name: 0.1 for state in STATES for name in state}
WIDE = Limits(10_000, (10_000, 10_000), (100_000, 100_000), 1_000_000, 100_000, 10_000)


def test_without_limits_a_burst_takes_as_long_as_a_run() -> None:
    burst = Simulation(SECONDS, WIDE).run(100)
    assert (burst.told, burst.errors, burst.attempts, burst.waited.total()) == (100, 0, 700, 0)
    assert burst.seconds == pytest.approx(4 * 0.12)


@pytest.mark.parametrize("concurrency", [1, 3, 10])
def test_every_upload_is_told_in_no_less_time_than_the_work_takes(concurrency: int) -> None:
    limits = replace(WIDE, concurrency=concurrency)
    burst = Simulation(SECONDS, limits).run(200)
    assert (burst.told, burst.errors) == (200, 0)
    assert burst.attempts == 200 * 7 + burst.waited.total()
    assert burst.seconds >= 200 * 6 * 0.1 / concurrency


def test_runs_whose_retries_are_used_up_are_lost_and_counted() -> None:
    limits = replace(WIDE, concurrency=1)
    slow = dict.fromkeys(SECONDS, 600.0)
    burst = Simulation(slow, limits).run(60)
    assert burst.errors > 0
    assert burst.told <= 60


def test_writes_of_one_group_are_limited_and_of_many_are_not() -> None:
    limits = replace(WIDE, writes=100)
    one, many = (Simulation(SECONDS, limits, groups=groups).run(300) for groups in (1, 300))
    assert one.waited["writes of a group in DynamoDB"] > 0
    assert not many.waited
    assert one.seconds > many.seconds


def test_a_bucket_gives_what_came_in() -> None:
    bucket = Bucket(10, 5)
    assert [bucket.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)
    assert bucket.wait_for(0.1, 10) == pytest.approx(1.0)
