"""QCSummary: one row for each run. A status changes only from the status that it is expected to have."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from pipeline.aws import existing_item, query, table
from pipeline.environment import environment
from pipeline.errors import RunClosed
from pipeline.execution import Execution
from pipeline.model import Item, Run, Status
from pipeline.times import timestamp
from stream_qc.vocabulary import PROCESSES, pass_field

START_TIMES_TRIED = 1000
# An event need not round the start of an execution as the state machine does.
ROUNDING = dt.timedelta(seconds=1)
CHANGE_ATTRIBUTES = ("PreviousStatus", "PreviousSince", "Change", "FailingSince", "FailingRuns")
RESULT_ATTRIBUTES = ("ReportKey", "FlagsKey", "CleanKey", "QuarantineKey")
# What closes a row, if set.
END_ATTRIBUTES = ("Status", "TotalPass", "EndTime", "Rows", "Error", "Cause", *map(pass_field, PROCESSES))


def first_start_time(execution: Execution) -> dt.datetime:
    """Returns the execution's start with microseconds of its own.

    Step Functions gives milliseconds. The microseconds come from the execution's ARN, so that runs of one millisecond spread
    out, and a retried step looks for its row where it put it.
    """
    spread = int.from_bytes(hashlib.sha256(execution.arn.encode()).digest()[:4], "big") % 1000
    return execution.started.replace(microsecond=execution.started.microsecond // 1000 * 1000 + spread)


def seed(run: Run, execution: Execution) -> Run:
    """Puts the run's row under a StartTime that no other run of its group has, and returns the run with it.

    Where the run already has a row, that row is left as it is and returned. A retried step so finds what it wrote (the start
    times are tried in the same order, and no row is ever removed), and a run that was closed meanwhile is not opened again.
    """
    time = first_start_time(execution)
    for _ in range(START_TIMES_TRIED):
        seeded = replace(run, start_time=timestamp(time))
        try:
            _table().put_item(
                Item={**seeded.to_item(), **_stream_key(run)},
                ConditionExpression="attribute_not_exists(GroupID)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            existing = _existing_run(error)
            if existing is not None and existing.qcpid == run.qcpid:
                return existing
            time += dt.timedelta(microseconds=1)
        else:
            return seeded
    raise RuntimeError(
        f"{START_TIMES_TRIED} runs of {run.group_id} already have the start times up to {timestamp(time)}"
    )


def find(group_id: str, execution: Execution) -> Run | None:
    """Returns the run of an execution from its row, under one of the start times that `seed` tries."""
    first = first_start_time(execution)
    around = Key("StartTime").between(timestamp(first - ROUNDING), timestamp(first + ROUNDING))
    condition = Key("GroupID").eq(group_id) & around
    rows = query(environment().summary_table, KeyConditionExpression=condition, ConsistentRead=True)
    return next((Run.from_item(row) for row in rows if row["ExecutionArn"] == execution.arn), None)


def end(run: Run, expected: tuple[Status, ...]) -> Run:
    """Writes the run's end into its row if the row's Status is one of those expected. Returns the run as the row then has it.

    A process that has set no flag gets 0. Raises ClientError (ConditionalCheckFailedException) where the run has no row.
    """
    item = run.to_item()
    values = {name: item[name] for name in END_ATTRIBUTES if name in item}
    short = {name: f"v{index}" for index, name in enumerate(values)}
    unset = [pass_field(process) for process in PROCESSES if pass_field(process) not in values]
    setting = [f"#{short[name]} = :{short[name]}" for name in values]
    setting += [f"{flag} = if_not_exists({flag}, :zero)" for flag in unset]
    states = {f":s{index}": str(status) for index, status in enumerate(expected)}
    try:
        ended = _table().update_item(
            Key=run.row_key,
            UpdateExpression="SET " + ", ".join(setting),
            ConditionExpression=f"QCPID = :me AND #status IN ({', '.join(states)})",
            ExpressionAttributeNames={"#status": "Status", **{f"#{short[name]}": name for name in values}},
            ExpressionAttributeValues={
                ":me": run.qcpid,
                **states,
                **({":zero": 0} if unset else {}),
                **{f":{short[name]}": value for name, value in values.items()},
            },
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return replace(_own_row(error, run), results=run.results)
    return replace(Run.from_item(ended["Attributes"]), results=run.results)


def record_process(run: Run, process: int, *, passed: bool, rows: int | None) -> None:
    """Sets the flag of a process, and Rows if given, in the row of a run that is RUNNING.

    Raises RunClosed where the run has ended, and ClientError (ConditionalCheckFailedException) where it has no row.
    """
    setting, values = f"{pass_field(process)} = :passed", {":passed": int(passed)}
    if rows is not None:
        setting, values = f"{setting}, #rows = :rows", {**values, ":rows": rows}
    try:
        _table().update_item(
            Key=run.row_key,
            UpdateExpression=f"SET {setting}",
            ConditionExpression="QCPID = :me AND #status = :running",
            ExpressionAttributeNames={"#status": "Status", **({} if rows is None else {"#rows": "Rows"})},
            ExpressionAttributeValues={":me": run.qcpid, ":running": str(Status.RUNNING), **values},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        raise RunClosed(f"the run has already ended as {_own_row(error, run).status}") from None


def set_change(run: Run) -> None:
    """Writes into the run's row how it changed the state of its stream."""
    item = run.to_item()
    values = {name: item[name] for name in CHANGE_ATTRIBUTES if name in item}
    _set(run, values)


def set_notified(run: Run, *, notified: bool) -> None:
    """Writes into the run's row whether its summary was published. It stays published. Does nothing where there is no row."""
    if run.has_row and not (run.notified and not notified):
        unless = "" if notified else "(attribute_not_exists(Notified) OR Notified = :v0)"
        try:
            _set(run, {"Notified": notified}, unless)
        except ClientError as error:
            existing_item(error)


def set_results(run: Run) -> None:
    """Writes into the run's row where its report, its flags and its rows are, as far as they were written."""
    item = run.to_item()
    _set(run, {name: item[name] for name in RESULT_ATTRIBUTES if name in item})


def _set(run: Run, values: Item, condition: str = "") -> None:
    _table().update_item(
        Key=run.row_key,
        UpdateExpression="SET " + ", ".join(f"#n{index} = :v{index}" for index in range(len(values))),
        ConditionExpression=" AND ".join(filter(None, ["QCPID = :me", condition])),
        ExpressionAttributeNames={f"#n{index}": name for index, name in enumerate(values)},
        ExpressionAttributeValues={
            ":me": run.qcpid,
            **{f":v{index}": one for index, one in enumerate(values.values())},
        },
    )


def has_read(stream_key: str, key: str, version_id: str) -> bool:
    """Returns whether the stream has a run of this version of this object. An index is a moment behind its table."""
    rows = query(
        environment().summary_table,
        IndexName="ByStream",
        KeyConditionExpression=Key("StreamKey").eq(stream_key),
        FilterExpression=Attr("Key").eq(key) & Attr("VersionId").eq(version_id),
        ProjectionExpression="QCPID",
    )
    return any(True for _ in rows)


def _stream_key(run: Run) -> Item:
    """Returns the partition of the run in the index ByStream; a run without a stream is not in it."""
    return {"StreamKey": f"{run.group_id}/{run.stream_id}"} if run.group_id and run.stream_id else {}


def _own_row(error: ClientError, run: Run) -> Run:
    """Returns the run as its row has it, where a condition on that row failed. Raises the error where there is no such row."""
    existing = _existing_run(error)
    if existing is None or existing.qcpid != run.qcpid:
        raise error
    return existing


def _existing_run(error: ClientError) -> Run | None:
    """Returns the run in the row on which a condition failed, or None. Re-raises any other error."""
    item = existing_item(error)
    return Run.from_item(item) if item else None


def _table() -> Any:
    return table(environment().summary_table)
