"""The files of a rerun in bulk, from the stream bucket and from the states of the streams."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from pipeline import keys, objects
from pipeline.aws import batch_get, query
from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.model import OVERDUE
from pipeline.objects import Version
from reruns.selection import Selection
from stream_qc.formats import format_of

MOST_FILES = 100_000  # the answers of the children of a map are one payload
MOST_TRIED = 10_000  # files of a what-if: what was found of all of them is read in one function

Ids = tuple[str, str]


@dataclass(frozen=True)
class File:
    """A version of a file of a stream."""

    group_id: str
    stream_id: str
    key: str
    version_id: str

    def item(self) -> dict[str, str]:
        """Returns it as an execution names it."""
        names = {"group_id": "GroupID", "stream_id": "StreamID", "key": "Key", "version_id": "VersionId"}
        return {names[name]: value for name, value in asdict(self).items()}

    @classmethod
    def from_item(cls, item: dict[str, str]) -> File:
        return cls(item["GroupID"], item["StreamID"], item["Key"], item["VersionId"])


def files_of(selection: Selection) -> list[File]:
    """Returns the files, in the order of their keys. Raises InvalidInput if there are none, or too many.

    It costs a request for every 1,000 versions of objects under the prefix.
    """
    most = MOST_TRIED if selection.rules else MOST_FILES
    found = list(itertools.islice(_files(selection), most + 1))
    if not found:
        raise InvalidInput(f"there is nothing to check: {selection}, in {environment().stream_bucket}")
    if len(found) > most:
        what = "a what-if" if selection.rules else "a rerun"
        raise InvalidInput(f"these are more than the {most:,} files that {what} takes; narrow it by GroupID or Prefix")
    return sorted(found, key=lambda file: (file.key, file.version_id))


def _files(selection: Selection) -> Iterator[File]:
    wanted = None if selection.status is None else {*standing(selection)}
    order = itertools.count()
    newest: dict[Ids, list[tuple[Any, ...]]] = defaultdict(list)
    for page in objects.versions_under(selection.listed_under, "", ""):
        for version in page.versions:
            ids = _ids_of(version, selection)
            if ids is None or (wanted is not None and ids not in wanted):
                continue
            if selection.every_file:
                yield File(*ids, version.key, version.version_id)
            else:
                kept = newest[ids]
                # S3 lists the versions of an object from the newest on, and their times are of whole seconds.
                heapq.heappush(kept, (version.written, version.key, -next(order), version.version_id))
                if len(kept) > selection.versions:
                    heapq.heappop(kept)
    for ids, kept in newest.items():
        yield from (File(*ids, key, version_id) for _, key, _, version_id in kept)


def _ids_of(version: Version, selection: Selection) -> Ids | None:
    """Returns whose file it is; None for one that no run would check, or that is not wanted."""
    group_id, stream_id = keys.ids_in(version.key)
    if selection.versions == 1 and not version.is_newest:
        return None
    if not (group_id and stream_id and keys.is_id(group_id) and keys.is_id(stream_id) and format_of(version.key)):
        return None
    return group_id, stream_id


def standing(selection: Selection) -> Iterator[Ids]:
    """Returns the streams that have the status, and whose last run began since the time of the selection.

    OVERDUE is no status of a run: these streams are overdue since then.
    """
    overdue, since = selection.status == OVERDUE, selection.since
    condition: ConditionBase = Key("Status").eq(selection.status)
    if overdue and since:
        condition &= Key("Since").gte(since)
    of_group: Any = {"FilterExpression": Attr("GroupID").eq(selection.group_id)} if selection.group_id else {}
    states = query(
        environment().streams_table,
        IndexName="ByStatus",
        KeyConditionExpression=condition,
        **of_group,
    )
    found = [(one["GroupID"], one["StreamID"]) for one in states]
    return _running_since(found, since) if since and not overdue else iter(found)


def _running_since(streams: list[Ids], since: str) -> Iterator[Ids]:
    keys = [{"GroupID": group_id, "StreamID": stream_id} for group_id, stream_id in streams]
    for item in batch_get(environment().streams_table, keys, ProjectionExpression="GroupID, StreamID, StartTime"):
        if str(item.get("StartTime", "")) >= since:
            yield item["GroupID"], item["StreamID"]
