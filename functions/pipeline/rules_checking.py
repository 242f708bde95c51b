"""Rules are checked when they are uploaded: mistakes are sent at once, and arrivals take effect."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator

from boto3.dynamodb.conditions import Key

from pipeline import keys, objects, streams
from pipeline.aws import query, scan
from pipeline.claims import claim_id
from pipeline.environment import environment
from pipeline.errors import SummaryNotConfirmed, TemporaryFailure
from pipeline.message import one_line
from pipeline.model import OVERDUE, Item, ObjectVersion, StreamId
from pipeline.notification import Notification
from pipeline.publishing import Sent, send_once
from pipeline.times import now
from stream_qc.errors import LONGEST, InvalidRules
from stream_qc.rules import Rules, load

INVALID_RULES, UNKNOWN_STREAM = "INVALID_RULES", "UNKNOWN_STREAM"
MISTAKES_SHOWN = 40
STREAMS_SHOWN = 40
UNREAD = (
    "no rules are looked up here; upload to rules/<GroupID>/<StreamID>.yaml, rules/<GroupID>.yaml or rules/default.yaml"
)
Scope = StreamId | str  # a stream, a group, or "" for all


def check(file: ObjectVersion, has_time: Callable[[], bool]) -> Notification | None:
    """Returns the message that a version of a rules file deserves, or None. Its `arrival` takes effect if it can be used.

    has_time: whether there is time for one more stream.
    """
    scope = keys.scope_of(file.key)
    if scope is None:
        return _invalid(file, [UNREAD], scope)
    try:
        rules = load(objects.read(file.key, file.version_id).read())
    except InvalidRules as error:
        return _invalid(file, error.mistakes, scope)
    if _is_newest(file):  # events come in any order
        _expect(scope, rules, has_time)
    hint = _hint(scope)
    return _unknown(file, scope, hint) if hint else None


def _is_newest(file: ObjectVersion) -> bool:
    """Returns whether this is what holds now. Raises StreamNotFound where the rules are gone meanwhile."""
    return objects.locate(file.key, None).version_id == file.version_id


def publish(file: ObjectVersion, notification: Notification) -> Sent:
    """Publishes the message about a version of a rules file, once.

    Raises SummaryNotConfirmed where an earlier attempt failed after it may have published.
    """
    sent, _ = send_once(claim_id("Rules", file.key, file.version_id), lambda: notification)
    if "Unanswered" in sent:
        raise SummaryNotConfirmed(f"the message about {file.key} may have been published: {sent['Unanswered']}")
    return sent


def _invalid(file: ObjectVersion, mistakes: list[str], scope: Scope | None) -> Notification:
    known = [] if scope is None else [*_streams_of(scope)]
    shown = [one_line(mistake, LONGEST) for mistake in mistakes[:MISTAKES_SHOWN]]
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes):,} mistakes"
    key = one_line(file.key)
    lines = [
        f"INVALID_RULES: {key} ({count})",
        "No stream is judged by it." if scope is None else "Until it is corrected, runs that it judges end as ERROR.",
        "",
        *(f"  {mistake}" for mistake in shown),
        *([f"  and {len(mistakes) - MISTAKES_SHOWN:,} more"] if len(mistakes) > MISTAKES_SHOWN else []),
    ]
    return _notification(
        INVALID_RULES,
        file,
        lines,
        known,
        {"Mistakes": shown},
        scope,
    )


def _unknown(file: ObjectVersion, scope: Scope, hint: str) -> Notification:
    what = f"the stream {scope}" if isinstance(scope, StreamId) else f"the group {scope}"
    lines = [
        f"UNKNOWN_STREAM: {one_line(file.key)} (did you mean {one_line(hint)}?)",
        f"The rules can be used, but {one_line(what)} has sent no file yet. If that is right, ignore this message.",
    ]
    return _notification(UNKNOWN_STREAM, file, lines, [], {"Hint": hint}, scope)


def _notification(
    status: str, file: ObjectVersion, lines: list[str], known: list[StreamId], more: Item, scope: Scope | None
) -> Notification:
    if known:
        shown = ", ".join(one_line(stream) for stream in known[:STREAMS_SHOWN])
        left = f" and {len(known) - STREAMS_SHOWN:,} more" if len(known) > STREAMS_SHOWN else ""
        lines = [*lines, "", f"Streams that they judge: {shown}{left}"]
    lines = [
        *lines,
        "",
        f"File   s3://{environment().stream_bucket}/{one_line(file.key)}, version {file.version_id}",
        "",
        "To check the rules before they are uploaded:",
        f"stream-qc rules {shlex.quote(one_line(file.key).rsplit('/', 1)[-1])}",
    ]
    ids = [scope.group_id, scope.stream_id] if isinstance(scope, StreamId) else [scope] if scope else []
    about = dict(zip(("GroupID", "StreamID"), ids, strict=False))
    fields = {**about, "Key": file.key, "VersionId": file.version_id, **more, "Streams": len(known)}
    return Notification(status, file.key, fields, tuple(lines))


def _expect(scope: Scope, rules: Rules, has_time: Callable[[], bool]) -> None:
    """Gives the streams that these rules judge the time at which their next file is due."""
    within = int(rules.arrival.within.total_seconds()) if rules.arrival else 0
    if isinstance(scope, StreamId):
        _expect_of(scope, within)
        return
    for stream in _streams_of(scope):
        if not has_time():  # the next attempt continues, and only reads what this one wrote
            raise TemporaryFailure(
                "not every stream has the arrival of these rules yet; each gets it with its next file"
            )
        _expect_of(stream, within)


def _expect_of(stream: StreamId, within: int) -> None:
    for _ in range(streams.ATTEMPTS):
        item = streams.find(stream.group_id, stream.stream_id)
        if item.get("Within", 0) == within:
            return
        since = item.get("UploadTime") or item.get("Registered") or now()
        changes = streams.due_after(stream.group_id, stream.stream_id, since, within) if within else {}
        if not item:
            changes["Registered"] = since
        remove: tuple[str, ...] = () if within else streams.ARRIVAL
        if item.get("Status") == OVERDUE and within:  # it is announced; the next file ends that
            changes.pop("Due")
        if streams.write(stream.group_id, stream.stream_id, changes, seen=item, remove=remove):
            return


def _streams_of(scope: Scope) -> Iterator[StreamId]:
    """Yields the streams that have been seen and are judged by the rules of this scope: those without rules of their own."""
    if isinstance(scope, StreamId):
        yield scope
        return
    own = {keys.scope_of(key) for key, _ in objects.list_under("rules/")}
    for item in _items(scope):
        stream = StreamId(item["GroupID"], item["StreamID"])
        if stream not in own and (scope or stream.group_id not in own):
            yield stream


def _items(group_id: str) -> Iterable[Item]:
    if group_id:
        return query(environment().streams_table, KeyConditionExpression=Key("GroupID").eq(group_id))
    return scan(environment().streams_table)


def _hint(scope: Scope) -> str:
    """Returns a name much like that of a stream or a group that has sent nothing; "" if it has, or if none is like it."""
    if not scope:
        return ""
    if isinstance(scope, str):
        return _like(scope, objects.names_under(keys.PREFIX))
    groups = objects.names_under(keys.PREFIX)
    if scope.group_id not in groups:
        group = _like(scope.group_id, groups)
        return f"{group}/{scope.stream_id}" if group else ""
    stream = _like(scope.stream_id, objects.names_under(f"{keys.PREFIX}{scope.group_id}/"))
    return f"{scope.group_id}/{stream}" if stream else ""


def _like(name: str, known: set[str]) -> str:
    if name in known or any(_without_numbers(name) == _without_numbers(one) for one in known):
        return ""  # station02 is no mistake for station01
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return found[0] if found else ""


def _without_numbers(name: str) -> str:
    return re.sub(r"\d+", "#", name)
