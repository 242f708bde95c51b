"""QCSummary, one row a run, and QCDetails, one item a check of a run."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from pipeline.aws import error_code, table

SUMMARY, DETAILS = "SUMMARY_TABLE", "DETAILS_TABLE"  # the environment variables that name the tables
RUNS = uuid.UUID("6f1f6ad5-3c0a-4d8b-9a53-0a6c8a4f0a11")  # the namespace of QCPIDs
KEYS_TRIED = 1000

Run = dict[str, Any]


def qcpid(execution_arn: str, started: str) -> str:
    """The id of the run of an execution: the same for every attempt of every step."""
    return str(uuid.uuid5(RUNS, f"{execution_arn} {started}"))


def first_start_time(execution_arn: str, started: str) -> dt.datetime:
    """The execution's start with its own microseconds.

    Step Functions gives milliseconds. The rest comes from the execution's name, so that runs of one millisecond spread
    and a retried step looks for its row where it put it.
    """
    spread = int.from_bytes(hashlib.sha256(execution_arn.encode()).digest()[:4], "big") % 1000
    start = dt.datetime.fromisoformat(started).astimezone(dt.UTC)
    return start.replace(microsecond=start.microsecond // 1000 * 1000 + spread)


def timestamp(time: dt.datetime) -> str:
    """UTC in ISO 8601 with microseconds."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    return timestamp(dt.datetime.now(dt.UTC))


def seed(run: Run, started: str) -> Run:
    """Puts the row of a run under a StartTime that no other run of its group has, and returns it with that StartTime.

    A retry in the same execution finds its own row: the times are tried in the same order, and no row is ever removed.
    """
    time = first_start_time(run["ExecutionArn"], started)
    for _ in range(KEYS_TRIED):
        row = {**run, "StartTime": timestamp(time)}
        try:
            table(SUMMARY).put_item(
                Item=row,
                ConditionExpression="attribute_not_exists(GroupID) OR QCPID = :me",
                ExpressionAttributeValues={":me": run["QCPID"]},
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            time += dt.timedelta(microseconds=1)
        else:
            return row
    raise RuntimeError(f"{KEYS_TRIED} runs of {run['GroupID']} hold the microseconds from {timestamp(time)} on")


def update(run: Run, values: dict[str, Any]) -> None:
    """Sets attributes of a run's row. Raises ClientError (ConditionalCheckFailedException) where there is no such row."""
    table(SUMMARY).update_item(
        Key={"GroupID": run["GroupID"], "StartTime": run["StartTime"]},
        UpdateExpression="SET " + ", ".join(f"#{index} = :{index}" for index in range(len(values))),
        ConditionExpression="QCPID = :me",
        ExpressionAttributeNames={f"#{index}": name for index, name in enumerate(values)},
        ExpressionAttributeValues={
            ":me": run["QCPID"],
            **{f":{index}": value for index, value in enumerate(values.values())},
        },
    )


def put_details(run: Run, items: Iterable[dict[str, Any]], expires: int | None) -> None:
    """Puts one item a check. An item that is there from an earlier attempt is written over with the same."""
    extra = {"QCPID": run["QCPID"]} | ({"ExpiresAt": expires} if expires else {})
    with table(DETAILS).batch_writer() as batch:
        for item in items:
            batch.put_item(Item={**item, **extra})


def failing_details(run: Run) -> Iterator[dict[str, Any]]:
    """The checks of a run that did not pass, in the order of their names."""
    asked: dict[str, Any] = {"KeyConditionExpression": Key("QCPID").eq(run["QCPID"]), "ConsistentRead": True}
    while True:
        page = table(DETAILS).query(**asked)
        yield from (item for item in page["Items"] if not item["Pass"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
