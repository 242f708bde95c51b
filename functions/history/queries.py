"""Reads streams, runs and checks from the tables, by queries of keys and indexes only.

Every function returns at most a page of records, and a cursor where more may follow. Where few records are wanted of many, a page
may hold less than it has room for, or nothing: one request never reads more than MOST_READS pages of DynamoDB. A stream whose
status changes between two pages may be on both or on neither, because it has another place then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.exceptions import ClientError

from history import cursors
from history.records import STREAM_STATUSES, Check, Run, Runs, RunStatus, RunWithChecks, Stream, Streams, StreamStatus
from pipeline.aws import error_code, table, with_integers
from pipeline.environment import environment
from pipeline.errors import InvalidInput, TemporaryFailure
from pipeline.model import Item

MOST = 100  # records on a page; a BatchGetItem takes no more
MOST_READS = 20
FIRST, LAST = "0", "9"  # before and after every time
TRIES = 5


class NotFound(Exception):
    """There is no such run, or it has no report. The message says which."""


@dataclass(frozen=True)
class StreamFilter:
    """Which streams. stream: of a group. text: in the name, whatever its case. since, until: when the stream got its status, as
    timestamps.
    """

    group: str | None = None
    stream: str | None = None
    status: StreamStatus | None = None
    text: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class RunFilter:
    """Which runs. since, until: when they started, as timestamps."""

    group: str
    stream: str | None = None
    status: RunStatus | None = None
    since: str | None = None
    until: str | None = None


def streams(wanted: StreamFilter, cursor: str | None = None) -> Streams:
    """Returns streams by status, in the order of STREAM_STATUSES, and of one status those that changed last first.

    Raises InvalidInput for a cursor of another query.
    """
    if wanted.stream is not None:
        return _one_stream(wanted)
    asked, names = astuple(wanted), ("Status", "Since", "GroupID", "StreamID")
    place = cursors.decode(cursor, asked, names)
    first, last = wanted.since or FIRST, wanted.until or LAST
    if first > last:  # DynamoDB refuses to look for that
        return Streams(Streams=[])
    statuses: list[str] = [wanted.status] if wanted.status else [*STREAM_STATUSES]
    if place:
        if place.get("Status") not in statuses:
            raise InvalidInput(cursors.OTHER)
        statuses = statuses[statuses.index(place["Status"]) :]
        place = place if {*place} == {*names} else None
    filtering = Attr("GroupID").eq(wanted.group) if wanted.group else None
    matches = partial(_contains, wanted.text) if wanted.text else None  # DynamoDB would compare with its case
    page = _Page()
    for status in statuses:
        condition = Key("Status").eq(status) & Key("Since").between(first, last)
        query = _Query(environment().streams_table, "ByStatus", condition, names, filtering, matches)
        page.fill(query, place)
        place = None
        if page.more:
            break
        if page.done and status != statuses[-1]:
            page.more = {"Status": statuses[statuses.index(status) + 1]}  # from its beginning
            break
    found = [one for one in _states(page.items) if _agrees(wanted, one)]
    return Streams(Streams=found, Cursor=cursors.encode(page.more, asked) if page.more else None)


def runs(wanted: RunFilter, cursor: str | None = None) -> Runs:
    """Returns the runs of a group, or of a stream, the newest first. Raises InvalidInput for a cursor of another query."""
    if wanted.stream:
        index, whose = "ByStream", Key("StreamKey").eq(f"{wanted.group}/{wanted.stream}")
    else:
        index, whose = None, Key("GroupID").eq(wanted.group)
    names = ("StreamKey", "GroupID", "StartTime") if index else ("GroupID", "StartTime")
    first, last = wanted.since or FIRST, wanted.until or LAST
    if first > last:
        return Runs(Runs=[])
    condition = whose & Key("StartTime").between(first, last)
    filtering = Attr("Status").eq(wanted.status) if wanted.status else None
    asked, page = astuple(wanted), _Page()
    page.fill(
        _Query(environment().summary_table, index, condition, names, filtering), cursors.decode(cursor, asked, names)
    )
    return Runs(
        Runs=[Run.model_validate(item) for item in page.items],
        Cursor=cursors.encode(page.more, asked) if page.more else None,
    )


def run(qcpid: str, cursor: str | None = None) -> RunWithChecks:
    """Returns a run with as many of its checks as DynamoDB reads at once (1 MB). Raises NotFound."""
    row, names = find(qcpid), ("QCPID", "Check")
    query = _Query(environment().details_table, None, Key("QCPID").eq(qcpid), names, newest_first=False)
    page = query.read(cursors.decode(cursor, (qcpid,), names))
    more = page.get("LastEvaluatedKey")
    checks = [Check.model_validate(with_integers(item)) for item in page["Items"]]
    return RunWithChecks(**row.model_dump(), Checks=checks, Cursor=cursors.encode(more, (qcpid,)) if more else None)


def find(qcpid: str) -> Run:
    """Returns a run without its checks. Raises NotFound."""
    table_name = environment().summary_table
    for key in _Query(table_name, "ByQCPID", Key("QCPID").eq(qcpid), ()).read(None)["Items"]:
        row = {"GroupID": key["GroupID"], "StartTime": key["StartTime"]}
        item = table(table_name).get_item(Key=row, ConsistentRead=True).get("Item")
        if item is not None:
            return Run.model_validate(with_integers(item))
    raise NotFound(f"there is no run {qcpid}")


@dataclass(frozen=True)
class _Query:
    """A query of a table or an index. names: of its keys, of which a place consists. filtering: what DynamoDB leaves out of what
    it has read. matches: what is left out here.
    """

    table: str
    index: str | None
    condition: ConditionBase
    names: tuple[str, ...]
    filtering: ConditionBase | None = None
    matches: Callable[[Item], bool] | None = None
    newest_first: bool = True

    def read(self, place: Item | None, limit: int | None = None) -> Any:
        """Returns one page of DynamoDB. Raises InvalidInput where it cannot begin at this place."""
        given = {
            "IndexName": self.index,
            "ExclusiveStartKey": place,
            "FilterExpression": self.filtering,
            "Limit": limit,
        }
        asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        try:
            return table(self.table).query(
                KeyConditionExpression=self.condition, ScanIndexForward=not self.newest_first, **asked
            )
        except ClientError as error:
            if place and error_code(error) == "ValidationException":
                raise InvalidInput(cursors.OTHER) from None
            raise


class _Page:
    """The items that a request has found, and `more`: the place from which to go on, or None at the end."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.more: Item | None = None
        self._reads = 0

    @property
    def full(self) -> bool:
        return len(self.items) == MOST

    @property
    def done(self) -> bool:
        return self.full or self._reads == MOST_READS

    def fill(self, query: _Query, place: Item | None) -> None:
        """Adds what the query finds from this place on, until the page is full or MOST_READS pages have been read."""
        everything = query.matches is None and query.filtering is None
        while not self.done:
            self._reads += 1
            read = query.read(place, MOST - len(self.items) if everything else None)
            for item in map(with_integers, read["Items"]):
                if query.matches is None or query.matches(item):
                    if self.full:
                        self.more = place
                        return
                    self.items.append(item)
                place = {name: item[name] for name in query.names}
            if "LastEvaluatedKey" not in read:
                self.more = None
                return
            place = read["LastEvaluatedKey"]
        self.more = place


def _one_stream(wanted: StreamFilter) -> Streams:
    if wanted.group is None:
        raise InvalidInput("stream: needs a group")
    found = _states([{"GroupID": wanted.group, "StreamID": wanted.stream}])
    return Streams(Streams=[one for one in found if _agrees(wanted, one)])


def _agrees(wanted: StreamFilter, stream: Stream) -> bool:
    in_time = (wanted.since or FIRST) <= stream.Since <= (wanted.until or LAST)
    named = _contains(wanted.text or "", stream.model_dump())
    return in_time and named and stream.Status == (wanted.status or stream.Status)


def _contains(text: str, key: Item) -> bool:
    return text.casefold() in f"{key['GroupID']}/{key['StreamID']}".casefold()


def _states(keys: list[Item]) -> list[Stream]:
    """Returns the streams with these keys, in this order, but for those that have no state yet."""
    items = {(item["GroupID"], item["StreamID"]): item for item in _items(keys) if "Status" in item}
    named = dict.fromkeys((key["GroupID"], key["StreamID"]) for key in keys)
    return [Stream.model_validate(_without_empty(items[name])) for name in named if name in items]


def _without_empty(item: Item) -> Item:
    return {name: value for name, value in item.items() if value not in ("", 0)}


def _items(keys: list[Item]) -> Iterator[Item]:
    name = environment().streams_table
    # The index may hold a stream twice while its status changes.
    named = {(key["GroupID"], key["StreamID"]) for key in keys}
    wanted: Any = [{"GroupID": group, "StreamID": stream} for group, stream in named]
    for _ in range(TRIES):
        if not wanted:
            return
        answer: Any = table(name).meta.client.batch_get_item(RequestItems={name: {"Keys": wanted}})
        yield from map(with_integers, answer["Responses"].get(name, []))
        wanted = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
    raise TemporaryFailure(f"DynamoDB did not read {len(wanted)} streams in {TRIES} attempts")
