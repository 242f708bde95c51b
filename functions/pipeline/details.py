"""QCDetails: one item for each check of a run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from boto3.dynamodb.conditions import Key

from pipeline.aws import query, table
from pipeline.environment import environment
from pipeline.model import Run
from stream_qc.results import Result


def put(run: Run, results: Iterable[Result]) -> None:
    """Puts one item for each result. An item from an earlier attempt is overwritten with the same content."""
    days = environment().details_days
    extra = {"QCPID": run.qcpid} | ({"ExpiresAt": int(time.time()) + days * 86400} if days else {})
    with table(environment().details_table).batch_writer() as batch:
        for result in results:
            batch.put_item(Item={**result.item(), **extra})


def failing(run: Run) -> Iterator[Result]:
    """Returns the checks of a run that did not pass, in the order of their names."""
    condition = Key("QCPID").eq(run.qcpid)
    items = query(environment().details_table, KeyConditionExpression=condition, ConsistentRead=True)
    return (Result.from_item(item) for item in items if not item["Pass"])
