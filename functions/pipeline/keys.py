"""Object keys and the IDs in them: `streams/<GroupID>/<StreamID>.<ext>` and `streams/<GroupID>/<StreamID>/<any/path>.<ext>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.errors import InvalidInput
from stream_qc.formats import EXTENSIONS, format_of, without_ending

PREFIX = "streams/"
LONGEST_ID = 128  # characters
LONGEST_KEY = 1024  # bytes; S3 has no longer one, and no longer VersionId


class StreamIds(NamedTuple):
    """What an object key says of its stream, not yet checked; None where it says nothing."""

    GroupID: str | None
    StreamID: str | None


def ids_in(key: str) -> StreamIds:
    """The IDs that a key under `streams/` holds. The state machine does the same in JSONata; a test compares the two."""
    parts = key.split("/")
    if len(parts) < 3:
        return StreamIds(None, None)
    return StreamIds(parts[1], without_ending(parts[2]) if len(parts) == 3 else parts[2])


def named_in(asked: Mapping[str, Any]) -> dict[str, str]:
    r"""GroupID, StreamID, Key and VersionId, as far as they are texts that can be written (`"\ud800"` is half a character)
    and are not longer than S3 has any: they go into the row, the message and every step's payload as they are.
    """
    named = {name: asked.get(name) for name in ("GroupID", "StreamID", "Key", "VersionId")}
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, str)
        and len(value.encode(errors="ignore")) <= LONGEST_KEY
        and value.encode(errors="ignore").decode() == value
    }


def check_id(name: str, value: Any) -> str:
    """The value as an ID: 1 to 128 characters of printable Unicode with no `/`. Raises InvalidInput, naming the field."""
    if value is None:
        raise InvalidInput(f"{name} is missing")
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {value!r}"[:300])
    if not value:
        raise InvalidInput(f"{name} is empty")
    if len(value) > LONGEST_ID:
        raise InvalidInput(f"{name} has {len(value)} characters; at most {LONGEST_ID} are allowed: {value[:40]!r}…")
    if "/" in value:
        raise InvalidInput(f"{name} {value!r} contains a /")
    if not value.isprintable():
        raise InvalidInput(f"{name} {value!r} contains a character that cannot be printed")
    return value


def is_id(value: Any) -> bool:
    """Whether check_id would take the value."""
    try:
        check_id("ID", value)
    except InvalidInput:
        return False
    return True


def check_text(name: str, value: Any) -> str:
    """The value as a key or a VersionId: a string of 1 to 1,024 bytes. Raises InvalidInput, naming the field."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} must be a string that is not empty, not {value!r}"[:300])
    length = len(value.encode(errors="surrogatepass"))
    if length > LONGEST_KEY:
        raise InvalidInput(f"{name} has {length:,} bytes; at most {LONGEST_KEY:,} are allowed: {value[:40]!r}…")
    return value


def check_key(key: str, group_id: str, stream_id: str) -> str:
    """The key, where it belongs to the stream and its format is known. Raises InvalidInput."""
    if not key.startswith(PREFIX):
        raise InvalidInput(f"Key {key!r} is not under {PREFIX}")
    if format_of(key) is None:
        raise InvalidInput(f"Key {key!r} does not end in one of {EXTENSIONS}")
    if ids_in(key) != (group_id, stream_id):
        raise InvalidInput(f"Key {key!r} does not belong to the stream {group_id}/{stream_id}")
    return key


def prefixes_of(group_id: str, stream_id: str) -> list[str]:
    """Where the objects of a stream lie. The first may hold other streams' objects too: compare ids_in."""
    return [f"{PREFIX}{group_id}/{stream_id}.", f"{PREFIX}{group_id}/{stream_id}/"]


def rules_keys(group_id: str, stream_id: str) -> list[str]:
    """Where the rules of a stream are looked for, in this order."""
    return [f"rules/{group_id}/{stream_id}.yaml", f"rules/{group_id}.yaml", "rules/default.yaml"]
