"""What one run asks AWS for. Whoever needs more raises the budget here, and runs `make cost` and `python -m tests.bench.pipeline`."""

from __future__ import annotations

import pytest

from tests.cost.counting import used

BUDGET = {
    "state transition": 14,
    "Lambda invocation": 7,
    "S3 PUT and LIST": 5,
    "S3 GET and HEAD": 13,
    "DynamoDB write unit": 44,
    "DynamoDB read unit": 2,
    "SNS publish": 1,
    "SQS request": 2,
    "EventBridge event": 1,
    "X-Ray trace": 1,
    "payload byte": 13_000,  # in and out of its functions
}


@pytest.mark.slow
def test_a_run_asks_for_no_more_than_its_budget() -> None:
    counts = used(10_000, 1).counts
    over = {what: (counts.get(what, 0), most) for what, most in BUDGET.items() if counts.get(what, 0) > most}
    assert not over, f"more than the budget: {over}"
    assert {what for what, count in counts.items() if count == int(count)} <= BUDGET.keys()
