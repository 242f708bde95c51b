"""QCSummary, one row a run, and QCDetails, one item a check of a run."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from pipeline.aws import error_code, table
from pipeline.errors import RunClosed
from stream_qc.vocabulary import PROCESSES

SUMMARY, DETAILS = "SUMMARY_TABLE", "DETAILS_TABLE"  # the environment variables that name the tables
RUNS = uuid.UUID("6f1f6ad5-3c0a-4d8b-9a53-0a6c8a4f0a11")  # the namespace of QCPIDs
KEYS_TRIED = 1000

Run = dict[str, Any]


def qcpid(execution_arn: str, started: str) -> str:
    """The id of the run of an execution: the same for every attempt of every step."""
    moment = dt.datetime.fromisoformat(started).astimezone(dt.UTC)  # written in one way, however the start is written
    return str(
        uuid.uuid5(RUNS, f"{execution_arn} {moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03}Z")
    )


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

    Where the run has a row it stays as it is and is returned: a retried step finds what it wrote, because the times are
    tried in the same order and no row is ever removed, and a run that has been closed meanwhile is not opened again.
    """
    time = first_start_time(run["ExecutionArn"], started)
    for _ in range(KEYS_TRIED):
        row = {**run, "StartTime": timestamp(time)}
        try:
            table(SUMMARY).put_item(
                Item=row,
                ConditionExpression="attribute_not_exists(GroupID)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            there = row_that_stands(error)
            if there.get("QCPID") == run["QCPID"]:
                return there
            time += dt.timedelta(microseconds=1)
        else:
            return row
    raise RuntimeError(f"{KEYS_TRIED} runs of {run['GroupID']} hold the microseconds from {timestamp(time)} on")


def find(group_id: str, execution_arn: str, started: str) -> Run | None:
    """The row of an execution, under one of the times that `seed` tries."""
    first = first_start_time(execution_arn, started)
    around = dt.timedelta(seconds=1)  # an event need not round the start as the state machine does
    asked: dict[str, Any] = {
        "KeyConditionExpression": Key("GroupID").eq(group_id)
        & Key("StartTime").between(timestamp(first - around), timestamp(first + around)),
        "ConsistentRead": True,
    }
    return next((plain(row) for row in _pages(SUMMARY, asked) if row["ExecutionArn"] == execution_arn), None)


def end(run: Run, values: Run, still: tuple[str, ...]) -> Run:
    """Gives the row its end where its Status is one of these, and returns what then stands there: the end, or another.

    A process that has not set its flag gets 0. Raises ClientError (ConditionalCheckFailedException) where there is no row.
    """
    flags = [f"Process{number}Pass" for number in PROCESSES]
    names = {f"#{index}": name for index, name in enumerate(values)}
    setting = [f"{short} = :{short[1:]}" for short in names]
    setting += [f"{flag} = if_not_exists({flag}, :zero)" for flag in flags if flag not in values]
    states = {f":s{index}": status for index, status in enumerate(still)}
    try:
        table(SUMMARY).update_item(
            Key={"GroupID": run["GroupID"], "StartTime": run["StartTime"]},
            UpdateExpression="SET " + ", ".join(setting),
            ConditionExpression=f"QCPID = :me AND #status IN ({', '.join(states)})",
            ExpressionAttributeNames={**names, "#status": "Status"},
            ExpressionAttributeValues={
                ":me": run["QCPID"],
                **({":zero": 0} if len(setting) > len(values) else {}),
                **states,
                **{f":{short[1:]}": values[name] for short, name in names.items()},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        there = row_that_stands(error)
        if there.get("QCPID") != run["QCPID"]:
            raise
        return there
    return values


def update(run: Run, values: dict[str, Any]) -> None:
    """Sets attributes of the row of a run that is going on.

    Raises RunClosed where it has ended, and ClientError (ConditionalCheckFailedException) where there is no such row.
    """
    asked: dict[str, Any] = {
        "Key": {"GroupID": run["GroupID"], "StartTime": run["StartTime"]},
        "UpdateExpression": "SET " + ", ".join(f"#{index} = :{index}" for index in range(len(values))),
        "ConditionExpression": "QCPID = :me AND #status = :running",
        "ExpressionAttributeNames": {"#status": "Status", **{f"#{index}": name for index, name in enumerate(values)}},
        "ExpressionAttributeValues": {
            ":me": run["QCPID"],
            ":running": "RUNNING",
            **{f":{index}": value for index, value in enumerate(values.values())},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        table(SUMMARY).update_item(**asked)
    except ClientError as error:
        there = row_that_stands(error)
        if there.get("QCPID") != run["QCPID"]:
            raise
        raise RunClosed(f"the run has ended as {there['Status']}") from None


def put_details(run: Run, items: Iterable[dict[str, Any]], expires: int | None) -> None:
    """Puts one item a check. An item that is there from an earlier attempt is written over with the same."""
    extra = {"QCPID": run["QCPID"]} | ({"ExpiresAt": expires} if expires else {})
    with table(DETAILS).batch_writer() as batch:
        for item in items:
            batch.put_item(Item={**item, **extra})


def failing_details(run: Run) -> Iterator[dict[str, Any]]:
    """The checks of a run that did not pass, in the order of their names."""
    asked = {"KeyConditionExpression": Key("QCPID").eq(run["QCPID"]), "ConsistentRead": True}
    return (item for item in _pages(DETAILS, asked) if not item["Pass"])


def checked_since(group_id: str, since: dt.datetime) -> set[tuple[str, str]]:
    """The keys and versions of the objects for which the group has rows since this time."""
    asked = {
        "KeyConditionExpression": Key("GroupID").eq(group_id) & Key("StartTime").gte(timestamp(since)),
        "ProjectionExpression": "#k, VersionId",
        "ExpressionAttributeNames": {"#k": "Key"},
    }
    return {(row["Key"], row.get("VersionId", "")) for row in _pages(SUMMARY, asked) if "Key" in row}


def row_that_stands(error: ClientError) -> Run:
    """The row on which a condition failed, empty where there is none. Raises the error again where it is another."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    item = error.response.get("Item", {})
    deserialize = TypeDeserializer().deserialize
    return plain({name: deserialize(value) for name, value in item.items()})  # type: ignore[attr-defined]


def plain(row: Run) -> Run:
    """The row with DynamoDB's numbers as int: there are no others in it."""
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _pages(variable: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        page = table(variable).query(**asked)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        asked = {**asked, "ExclusiveStartKey": page["LastEvaluatedKey"]}
