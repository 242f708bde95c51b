"""What starts a run: the execution's input as an Upload, a Rerun, or an Invalid request that says what is wrong.

An upload is S3's "Object Created" event; the state machine passes it on as EventBridge delivers it, with the raw key. Anything
else is a rerun: GroupID, StreamID and perhaps Key and VersionId, and RerunID where it is one of many. Unknown fields are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.errors import InvalidInput
from pipeline.keys import LONGEST_KEY, check_key, check_stream, check_text, ids_in
from pipeline.model import StreamId


@dataclass(frozen=True)
class Named:
    """What a request names, valid or not, where S3 and a message can hold it: the row and the message show it as it is."""

    group_id: str | None = None
    stream_id: str | None = None
    key: str | None = None
    version_id: str | None = None
    rerun_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """The object version in an upload's event: the same in every delivery of the event. version: VersionId or sequencer.

    rerun_id: of the rerun in bulk that asks for it instead, once; "" for an upload.
    """

    key: str
    version: str
    rerun_id: str = ""


@dataclass(frozen=True)
class Upload:
    """A stream file was uploaded. `version_id` is None where the event names none: the newest is read."""

    named: Named
    stream: StreamId
    key: str
    version_id: str | None
    delivery: Delivery | None


@dataclass(frozen=True)
class Rerun:
    """A person asked for a run, or a rerun in bulk did. `key` is None for the newest file of the stream."""

    named: Named
    stream: StreamId
    key: str | None
    version_id: str | None
    delivery: Delivery | None = None


@dataclass(frozen=True)
class Invalid:
    """The request does not identify a stream. `reason` names the field."""

    named: Named
    reason: str
    delivery: Delivery | None


Request = Upload | Rerun | Invalid


def request_of(given: Any) -> Request:
    """Returns what the input of an execution asks for."""
    fields = given if isinstance(given, dict) else {}
    return _upload(fields) if is_upload(fields) else _rerun(fields)


def is_upload(given: Any) -> bool:
    """Returns whether the input is S3's event for a new object."""
    return isinstance(given, dict) and (given.get("source"), given.get("detail-type")) == ("aws.s3", "Object Created")


def upload_event(bucket: str, key: str, version_id: str) -> dict[str, Any]:
    """Returns the event of an upload as Reconcile sends it in place of one that was lost."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "reason": "Reconcile",
            "bucket": {"name": bucket},
            "object": {"key": key, "version-id": version_id},
        },
    }


def _upload(event: dict[str, Any]) -> Upload | Invalid:
    detail = event.get("detail")
    found = detail.get("object") if isinstance(detail, dict) else None
    found = found if isinstance(found, dict) else {}
    key, version_id = found.get("key"), found.get("version-id")
    group_id, stream_id = ids_in(key) if isinstance(key, str) else (None, None)
    named = _named(group_id, stream_id, key, version_id)
    version = version_id or found.get("sequencer")
    delivery = Delivery(key, version) if isinstance(key, str) and isinstance(version, str) else None
    try:
        key = check_text("Key", key)
        if version_id is not None:
            check_text("VersionId", version_id)
        for name, value in (("GroupID", group_id), ("StreamID", stream_id)):
            if not value:
                raise InvalidInput(f"Key {key!r} has no {name}; upload to streams/<GroupID>/<StreamID>.<ext>")
        stream = check_stream(group_id, stream_id)
        return Upload(named, stream, check_key(key, stream), version_id, delivery)
    except InvalidInput as error:
        return Invalid(named, str(error), delivery)


def _rerun(fields: dict[str, Any]) -> Rerun | Invalid:
    named = _named(*(fields.get(name) for name in ("GroupID", "StreamID", "Key", "VersionId", "RerunID")))
    try:
        key, version_id, rerun_id = (
            check_text(name, fields[name]) if name in fields else None for name in ("Key", "VersionId", "RerunID")
        )
        stream = check_stream(fields.get("GroupID"), fields.get("StreamID"))
        if version_id is not None and key is None:
            raise InvalidInput("VersionId needs a Key")
        if rerun_id is not None and version_id is None:
            raise InvalidInput("RerunID needs a Key and a VersionId")
        once = Delivery(key, version_id, rerun_id) if key and version_id and rerun_id else None
        return Rerun(named, stream, None if key is None else check_key(key, stream), version_id, once)
    except InvalidInput as error:
        return Invalid(named, str(error), None)


def _named(*values: Any) -> Named:
    return Named(*(value if _can_be_written(value) else None for value in values))


def _can_be_written(value: Any) -> bool:
    r"""Returns whether the value is valid UTF-8 (`"\ud800"` is not) and no longer than a key can be."""
    try:
        return isinstance(value, str) and len(value.encode()) <= LONGEST_KEY
    except UnicodeEncodeError:
        return False
