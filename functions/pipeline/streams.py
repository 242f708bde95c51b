"""QCStreams: how each stream stands now, and how a run changed that.

The state is that of the newest file: a run of an older one leaves it as it is. A run may be followed again, by a retried step
or by CloseRun, also when later runs have changed the state: the item keeps what it told the last runs, and tells them the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from pipeline import runs
from pipeline.aws import existing_item, table, with_integers
from pipeline.environment import environment
from pipeline.errors import TemporaryFailure
from pipeline.model import OVERDUE, Change, Item, Run, Status
from pipeline.times import timestamp

ARRIVAL = ("Within", "DueAt", "Due")  # the attributes of a stream that has an arrival
DUE_SHARDS = 8
FOLLOWED = 8  # runs of which an item keeps what it told them
ATTEMPTS = 10  # while other runs of the stream write the same item


@dataclass(frozen=True)
class State:
    """How a stream stands. since: when it got this status. failing: a hash of the checks that failed, "" for none; they have
    failed since failing_since, in failing_runs runs in a row.
    """

    status: str
    since: str
    failing: str = ""
    failing_since: str = ""
    failing_runs: int = 0

    def to_item(self) -> Item:
        return {_attribute(name): value for name, value in asdict(self).items()}

    @classmethod
    def from_item(cls, item: Item) -> State | None:
        """Returns the state in an item; None for a stream that has none yet."""
        names = [name for name in cls.__dataclass_fields__ if _attribute(name) in item]
        return cls(**{name: item[_attribute(name)] for name in names}) if "Status" in item else None


def follow(run: Run) -> Run:
    """Records a run that has ended in the state of its stream, and returns it with how it changed that state.

    A run that has checked no file, or that knows already how it changed it, changes nothing.
    """
    if run.upload_time is None or not run.has_row or run.change is not None:
        return run
    for _ in range(ATTEMPTS):
        item = find(run.group_id, run.stream_id)
        earlier = item.get("Followed", [])
        told = next((one for one in earlier if one["QCPID"] == run.qcpid), None)
        if told is not None:
            followed = _as_told(run, told)
            break
        if _stays(item, run):
            followed = replace(run, previous_status=item["Status"], change=Change.SAME)
            break
        before = State.from_item(item)
        after = state_after(before, run)
        followed = _with_change(run, before, after)
        own: Item = {"QCPID": run.qcpid, "StartTime": run.start_time, "UploadTime": run.upload_time}
        changes = {**after.to_item(), **own, "Followed": [*earlier, _told(followed)][-FOLLOWED:]}
        due = _due(run, item)
        if write(run.group_id, run.stream_id, {**changes, **due}, seen=item, remove=() if due else ARRIVAL):
            break
    else:
        raise TemporaryFailure(f"the state of {run.group_id}/{run.stream_id} was written by others {ATTEMPTS} times")
    runs.set_change(followed)
    return followed


def state_after(before: State | None, run: Run) -> State:
    """Returns how the stream stands after the run."""
    ended, status, failing = str(run.end_time), str(run.status), _failing(run)
    since = before.since if before and before.status == status else ended
    if not failing:
        return State(status, since)
    if before and before.failing == failing:
        return State(status, since, failing, before.failing_since, before.failing_runs + 1)
    return State(status, since, failing, ended, 1)


def find(group_id: str | None, stream_id: str | None) -> Item:
    """Returns the item of a stream, or {}."""
    found = _table().get_item(Key={"GroupID": group_id, "StreamID": stream_id}, ConsistentRead=True)
    item: Item = with_integers(found.get("Item", {}))
    return item


def write(
    group_id: str | None, stream_id: str | None, changes: Item, *, seen: Item, remove: tuple[str, ...] = ()
) -> bool:
    """Changes attributes of a stream's item. Returns False, and changes nothing, where it is no longer as it was seen."""
    revision = seen.get("Revision", 0)
    values = {**changes, "Revision": revision + 1}
    names = {f"#n{index}": name for index, name in enumerate(values)} | {
        f"#r{index}": name for index, name in enumerate(remove)
    }
    update = "SET " + ", ".join(f"#n{index} = :v{index}" for index in range(len(values)))
    if remove:
        update += " REMOVE " + ", ".join(f"#r{index}" for index in range(len(remove)))
    given = {f":v{index}": value for index, value in enumerate(values.values())}
    try:
        _table().update_item(
            Key={"GroupID": group_id, "StreamID": stream_id},
            UpdateExpression=update,
            ConditionExpression="Revision = :seen" if seen else "attribute_not_exists(GroupID)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**given, ":seen": revision} if seen else given,
        )
    except ClientError as error:
        existing_item(error)
        return False
    return True


def _stays(item: Item, run: Run) -> bool:
    """Returns whether the run leaves the state as it is: because a newer file, or a later run of the same file, has left it, or
    because the stream is overdue and this is no new file.
    """
    if item.get("Status") == OVERDUE and item.get("UploadTime", "") >= str(run.upload_time):
        return True
    if item.get("QCPID", run.qcpid) == run.qcpid:
        return False
    return bool((item["UploadTime"], item["StartTime"]) > (run.upload_time, run.start_time))


def _due(run: Run, item: Item) -> Item:
    """Returns when the next file is due, by the rules that judged the run, or by those before where no process has read them."""
    known = [result.within for result in run.results if result.within is not None]
    within = known[0] if known else item.get("Within", 0)
    return due_after(str(run.group_id), str(run.stream_id), str(run.upload_time), within) if within else {}


def due_after(group_id: str, stream_id: str, time: str, within: int) -> Item:
    """Returns the attributes of a stream whose next file must come within so many seconds after this time.

    `Due` is the partition of the index ByDue: one of a few, so that many streams can be written at once.
    """
    shard = hashlib.sha256(f"{group_id}/{stream_id}".encode()).digest()[0] % DUE_SHARDS
    at = dt.datetime.fromisoformat(time) + dt.timedelta(seconds=within)
    return {"Within": within, "DueAt": timestamp(at), "Due": str(shard)}


def _with_change(run: Run, before: State | None, after: State) -> Run:
    repeated = after.failing_runs > 1
    return replace(
        run,
        previous_status=before.status if before else None,
        previous_since=before.since if before else None,
        change=Change.FIRST if before is None else Change.SAME if before.status == after.status else Change.CHANGED,
        failing_since=after.failing_since if repeated else None,
        failing_runs=after.failing_runs if repeated else None,
    )


def _told(run: Run) -> Item:
    item = run.to_item()
    return {"QCPID": run.qcpid, **{name: item[name] for name in runs.CHANGE_ATTRIBUTES if name in item}}


def _as_told(run: Run, told: Item) -> Run:
    return replace(
        run,
        previous_status=told.get("PreviousStatus"),
        previous_since=told.get("PreviousSince"),
        change=Change(told["Change"]),
        failing_since=told.get("FailingSince"),
        failing_runs=told.get("FailingRuns"),
    )


def _failing(run: Run) -> str:
    """Returns a hash of the checks that failed, or of the error; "" if nothing did."""
    if run.status == Status.ERROR:
        parts = ["error", run.failure.error if run.failure else ""]
    else:
        parts = [result.failing for result in run.results if result.failing]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else ""


def _attribute(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _table() -> Any:
    return table(environment().streams_table)
