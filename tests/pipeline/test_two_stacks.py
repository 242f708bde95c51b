"""Two stacks in one account and region, which know nothing of each other."""

from __future__ import annotations

from local.assembly import synthesize
from local.aws import free_port, running
from local.deploy import deploy
from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER


def test_two_stacks_stand_side_by_side() -> None:
    with running(free_port()) as aws:
        first, second = (Pipeline(aws, deploy(aws, synthesize(name=name), name)) for name in ("StreamQC", "Second"))
        assert first.outputs.keys() == second.outputs.keys()
        assert {*first.outputs.values()}.isdisjoint(second.outputs.values())
        inboxes = Inbox(first, "first"), Inbox(second, "second")
        run = second.checked("streams/g/s.csv", QUARTER.encode())
        assert inboxes[1].message(run.arn)["Summary"]["Status"] == "PASS"
        assert (len(first.rows()), len(second.rows())) == (0, 1)
        assert inboxes[0].everything() == []
        first.checked("streams/g/s.csv", QUARTER.encode())
        assert (len(first.rows()), len(second.rows())) == (1, 1)
