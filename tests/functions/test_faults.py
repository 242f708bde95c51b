"""One fault in every call of a run, in every way: one row, right flags, at most one summary, no pass that was not earned.

tests/pipeline/test_faults.py does this on the local AWS, with functions that die and hang.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.amount import QUICK
from tests.functions.cloud import QUARTER, Cloud, Ended, client_error

RULES = "{schema: {fields: [{name: temp_max, type: number, constraints: {maximum: 60}}]}}"
BAD = QUARTER.replace("5.6", "99.5")
CALLS = (
    ("PutItem", 3), ("UpdateItem", 7), ("HeadObject", 2), ("GetObject", 9), ("PutObject", 4), ("BatchWriteItem", 2), ("Query", 1), ("Publish", 1),
)  # fmt: skip
ERRORS: dict[str, Callable[[str], Exception]] = {
    "throttled": lambda operation: client_error(operation, "ThrottlingException"),
    "failed": lambda operation: client_error(operation, "InternalServerError", 500),
    "refused": lambda operation: client_error(operation, "AccessDeniedException", 403),
    "unanswered": lambda _: ReadTimeoutError(endpoint_url="aws"),
    "bug": lambda _: RuntimeError("a mistake in the program"),
}


PLACES = [(name, number, 1) for name, count in CALLS for number in range(1, count + 1)]
PLACES += [(name, 1, 1000) for name, _ in CALLS]  # for good
# What AWS refuses it has not done; the other errors come before the call is made, or after it was done.
WAYS = [(kind, False) for kind in ERRORS] + [(kind, True) for kind in ("failed", "unanswered", "bug")]
FAULTS = [(*place, *way) for place in PLACES for way in WAYS]
# `make faults` tries all of them. The steps share no divisor with the 8 ways, so that each place meets other ways.
EVERY = 1 if os.environ.get("FAULTS") == "all" else 41 if QUICK else 3


@pytest.mark.parametrize(("operation", "number", "times", "kind", "after"), FAULTS[::EVERY])
def test_fault_leaves_one_row_and_at_most_one_summary(
    cloud: Cloud, operation: str, number: int, times: int, kind: str, after: bool
) -> None:
    cloud.upload("rules/default.yaml", RULES)
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv", BAD))
    broken = cloud.break_calls(operation, ERRORS[kind](operation), number=number, times=times, after=after)
    ended = cloud.execute(event)
    cloud.mend_calls()
    assert broken, f"{operation} {number} was not called"
    check(cloud, ended)


def check(cloud: Cloud, ended: Ended) -> None:
    rows, messages = cloud.rows(), cloud.messages()
    assert len(rows) <= 1
    assert len(messages) <= 1
    for row in rows:
        assert row["Status"] in ("FAIL", "ERROR") or ended.error
        assert row.get("TotalPass", 0) == row.get("Process2Pass", 0) == 0
        assert [message["Summary"]["Status"] for message in messages] in ([], [row["Status"]])
    if not (rows and messages):  # then CloseRun has failed as well, and its dead letter has an alarm
        assert ended.error
        assert cloud.unclosed == [ended.arn]
