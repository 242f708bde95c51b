"""Streams whose file did not come: `arrival` of the rules.

QCStreams says when each stream's next file is due, and its index ByDue holds those that wait for one. A stream that is late is
announced once, and leaves the index until its next file.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import shlex
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from boto3.dynamodb.conditions import Key

from pipeline import objects, streams
from pipeline.aws import query
from pipeline.claims import Won, claim, claim_id, release
from pipeline.environment import environment
from pipeline.errors import StreamNotFound, SummaryNotConfirmed
from pipeline.keys import PREFIX
from pipeline.message import minute, one_line
from pipeline.model import OVERDUE, Item, ObjectVersion, StreamId
from pipeline.notification import Notification
from pipeline.observe import logger
from pipeline.publishing import announce_once
from pipeline.times import now, timestamp
from stream_qc.checks.base import spell
from stream_qc.errors import InvalidRules
from stream_qc.rules import load


@dataclass
class Counts:
    """What one invocation did: the streams that were due, announced as overdue, and given another time by their rules."""

    due: int = 0
    announced: int = 0
    moved: int = 0

    def to_payload(self) -> dict[str, int]:
        return {name.capitalize(): count for name, count in dataclasses.asdict(self).items()}


class Arrivals:
    """Looks at the streams that are due.

    has_time: whether there is time for one more. longest: after this time an invocation is over, whatever became of it.
    """

    def __init__(self, has_time: Callable[[], bool], longest: dt.timedelta) -> None:
        self._has_time, self._longest = has_time, longest
        self._withins: dict[tuple[str, str], int | None] = {}
        self._unconfirmed: list[str] = []
        self.counts = Counts()

    def look(self) -> None:
        """Announces every stream that is late, unless another invocation is at it. What there is no time for is late in the next
        invocation, too. Raises SummaryNotConfirmed for those of which nobody knows whether the message was sent.
        """
        lock, owner = claim_id("Arrivals"), str(uuid.uuid4())
        if not isinstance(claim(lock, owner, round(self._longest.total_seconds())), Won):
            return
        try:
            self._look()
        finally:
            release(lock, owner)
        if self._unconfirmed:
            raise SummaryNotConfirmed(
                f"these streams are overdue, and may not have been announced: {self._unconfirmed}"
            )

    def _look(self) -> None:
        failed: list[Exception] = []
        for stream in _due():
            if not self._has_time():
                logger.warning("not every stream that is due was looked at", extra=self.counts.to_payload())
                break
            self.counts.due += 1
            try:
                self._look_at(stream)
            except Exception as error:  # noqa: BLE001  # those behind it are looked at, then it is raised
                logger.exception("could not look at a stream that is due", extra={"Stream": str(stream)})
                failed.append(error)
        if failed:
            raise failed[0]

    def _look_at(self, stream: StreamId) -> None:
        item = streams.find(stream.group_id, stream.stream_id)
        if "Due" not in item:
            return
        within = self._within(stream, item["Within"])
        last = max(filter(None, [item.get("UploadTime"), _newest(stream)]), default=None)
        waited_since = last or str(item["Registered"])
        due = streams.due_after(stream.group_id, stream.stream_id, waited_since, within) if within else {}
        if (
            due.get("DueAt", "") > now() or not due
        ):  # by other rules, or a file has come that is being checked or had no run
            streams.write(stream.group_id, stream.stream_id, due, seen=item, remove=() if due else streams.ARRIVAL)
            self.counts.moved += 1
            return
        # The state first: if a run has just ended, this write fails. The stream stays in the index until it is announced.
        changes = {"Status": OVERDUE, "Since": now(), "DueAt": due["DueAt"]}
        if item.get("Status") != OVERDUE and not streams.write(stream.group_id, stream.stream_id, changes, seen=item):
            return  # a run has just changed it
        work = claim_id("Overdue", str(stream), waited_since)
        sent = announce_once(work, lambda: overdue(stream, item, last, due["DueAt"]))
        if "MessageId" not in sent:
            self._unconfirmed.append(str(stream))
        seen = streams.find(stream.group_id, stream.stream_id)
        if seen.get("Status") == OVERDUE:
            streams.write(stream.group_id, stream.stream_id, {}, seen=seen, remove=("Due",))
        self.counts.announced += 1

    def _within(self, stream: StreamId, before: int) -> int | None:
        """Returns in how many seconds the next file must come by the rules of now; None if they do not say.

        Where they cannot be used, it is what it was before.
        """
        rules = objects.rules_for(stream)
        if rules is None:
            return None
        version = rules.key, rules.version_id
        if version not in self._withins:
            try:
                self._withins[version] = _arrival_in(rules)
            except InvalidRules:
                return before
        return self._withins[version]


def overdue(stream: StreamId, item: Item, last: str | None, due_at: str) -> Notification:
    """Returns the message about a stream that is late. last: when its last file came, None if none has."""
    name = one_line(stream)
    place = f"s3://{environment().stream_bucket}/{PREFIX}{name}"
    within = spell(dt.timedelta(seconds=item["Within"]))
    came = f"Its last file came at {minute(last)}." if last else "It has sent no file yet."
    lines = [
        f"OVERDUE: {name} (a file was due at {minute(due_at)})",
        f"{came} By its rules, a file must come within {within}.",
        "One more message is sent when it has come.",
        "",
        f"Its files: {place}.<ext> and everything under {place}/",
        "",
        "To see what is there:",
        f"aws s3 ls --recursive {shlex.quote(place)}",
    ]
    fields = {
        "GroupID": stream.group_id,
        "StreamID": stream.stream_id,
        "DueAt": due_at,
        "UploadTime": last,
        "PreviousStatus": item.get("Status"),
        "Change": "CHANGED",
    }
    return Notification(
        OVERDUE, str(stream), {key: value for key, value in fields.items() if value is not None}, tuple(lines)
    )


def _due() -> Iterator[StreamId]:
    """Yields the streams whose file is due, those that have waited longest first in each part of the index."""
    for shard in range(streams.DUE_SHARDS):
        found = query(
            environment().streams_table,
            IndexName="ByDue",
            KeyConditionExpression=Key("Due").eq(str(shard)) & Key("DueAt").lte(now()),
        )
        for item in found:
            yield StreamId(item["GroupID"], item["StreamID"])


def _newest(stream: StreamId) -> str | None:
    """Returns when the newest file of a stream came, which may be unchecked; None if there is none."""
    try:
        return timestamp(objects.newest_with_time(stream)[0])
    except StreamNotFound:
        return None


def _arrival_in(rules: ObjectVersion) -> int | None:
    arrival = load(objects.read(rules.key, rules.version_id).read()).arrival
    return int(arrival.within.total_seconds()) if arrival else None
