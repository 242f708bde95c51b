"""How the runs of a rerun in bulk ended: one item for each file, from which its summary is made, and what is left to do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from pipeline.aws import batch_get, existing_item
from pipeline.claims import claim_id, claims_table
from pipeline.environment import environment
from pipeline.model import Change, Item, Run, Status
from stream_qc.results import Result

KEPT_DAYS = 90  # longer than a rerun may last and be resumed
MOST_CHECKS = 20  # that are named
CAUSE_CHARACTERS = 300


@dataclass(frozen=True)
class Outcome:
    """How a run ended. changed_from: the status that its stream had before the rerun, if it has changed. checks: the names of
    those that failed.
    """

    group_id: str
    stream_id: str
    key: str
    version_id: str
    status: str
    qcpid: str
    start_time: str | None = None
    changed_from: str | None = None
    error: str | None = None
    cause: str | None = None
    checks: tuple[str, ...] = ()
    report_key: str | None = None

    def item(self) -> dict[str, Any]:
        """Returns it as JSON shows it, with the names of the contract."""
        names = {"group_id": "GroupID", "stream_id": "StreamID", "qcpid": "QCPID"}
        found = {names.get(name) or name.title().replace("_", ""): value for name, value in asdict(self).items()}
        return {name: value for name, value in found.items() if value is not None and value != ()}


def note(run: Run, failing: Iterable[Result]) -> None:
    """Notes how a run of a rerun in bulk ended. A verdict is not replaced by an ERROR of another run of the file.

    Safe to repeat; does nothing for any other run.
    """
    if not (run.rerun_id and run.key and run.version_id and run.group_id and run.stream_id):
        return
    outcome = Outcome(
        run.group_id,
        run.stream_id,
        run.key,
        run.version_id,
        str(run.status),
        run.qcpid,
        run.start_time,
        run.previous_status if run.change == Change.CHANGED else None,
        run.failure.error if run.failure else None,
        run.failure.cause[:CAUSE_CHARACTERS] if run.failure else None,
        tuple(f"{check.field}#{check.test}".removeprefix("*#") for check in failing)[:MOST_CHECKS],
        run.report_key,
    )
    item_id = _id(run.rerun_id, run.key, run.version_id)
    earlier = _put(item_id, outcome, ConditionExpression="attribute_not_exists(id)")
    if earlier:  # of a run that was stopped, or of this one
        _put(
            item_id,
            replace(outcome, changed_from=_before_both(_outcome(earlier), outcome)),
            ConditionExpression="#owner = :me OR verdict = :no",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":me": run.qcpid, ":no": False},
        )


def _put(item_id: str, outcome: Outcome, **condition: Any) -> Item:
    """Writes the item, or returns the one on which the condition failed."""
    item = {
        "id": item_id,
        "owner": outcome.qcpid,
        "verdict": outcome.status != Status.ERROR,
        "result": json.dumps(asdict(outcome)),
        "expiration": int(time.time()) + KEPT_DAYS * 86400,
    }
    try:
        claims_table().put_item(Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition)
    except ClientError as error:
        return existing_item(error)
    return {}


def _before_both(earlier: Outcome, outcome: Outcome) -> str | None:
    """Returns the status that the stream had before the first of two runs of a file, unless it has it again."""
    before = earlier.changed_from
    if before is None and earlier.qcpid != outcome.qcpid:
        before = outcome.changed_from
    return None if before == outcome.status else before


def _outcome(item: Item) -> Outcome:
    fields = json.loads(item["result"])
    return Outcome(**{**fields, "checks": tuple(fields["checks"])})


def of(rerun_id: str, files: Sequence[tuple[str, str]]) -> list[Outcome | None]:
    """Returns how the run of each file ended, or None where none has. files: keys and versions."""
    ids = [_id(rerun_id, *file) for file in files]
    found: dict[str, Outcome] = {}
    for item in batch_get(environment().claims_table, [{"id": one} for one in dict.fromkeys(ids)]):
        found[item["id"]] = _outcome(item)
    return [found.get(one) for one in ids]


def _id(rerun_id: str, key: str, version_id: str) -> str:
    return claim_id("Outcome", rerun_id, key, version_id)
