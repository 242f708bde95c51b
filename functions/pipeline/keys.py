"""Object keys and the IDs in them: `streams/<GroupID>/<StreamID>.<ext>` and `streams/<GroupID>/<StreamID>/<any/path>.<ext>`."""

from __future__ import annotations

from typing import Any

from pipeline.errors import InvalidInput
from pipeline.model import StreamId
from stream_qc.formats import EXTENSIONS, format_of, without_ending

PREFIX = "streams/"
LONGEST_ID = 128  # characters
LONGEST_KEY = 1024  # bytes: the limit of S3, for a VersionId as well


def ids_in(key: str) -> tuple[str | None, str | None]:
    """Returns the GroupID and the StreamID in a key under `streams/`, unchecked; None for one that the key lacks."""
    parts = key.split("/")
    if len(parts) < 3:
        return None, None
    return parts[1], without_ending(parts[2]) if len(parts) == 3 else parts[2]


def check_stream(group_id: Any, stream_id: Any) -> StreamId:
    """Returns the IDs as a StreamId. Raises InvalidInput, naming the field."""
    return StreamId(check_id("GroupID", group_id), check_id("StreamID", stream_id))


def check_id(name: str, value: Any) -> str:
    """Returns the value if it is an ID: 1 to 128 printable Unicode characters, no `/`. Raises InvalidInput, naming the field."""
    if value is None:
        raise InvalidInput(f"{name} is missing")
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string; got {value!r}"[:300])
    if not value:
        raise InvalidInput(f"{name} is empty")
    if len(value) > LONGEST_ID:
        raise InvalidInput(f"{name} has {len(value)} characters; at most {LONGEST_ID} are allowed: {value[:40]!r}…")
    if "/" in value:
        raise InvalidInput(f"{name} {value!r} contains a /")
    if not value.isprintable():
        raise InvalidInput(f"{name} {value!r} contains an unprintable character")
    return value


def is_id(value: Any) -> bool:
    """Returns whether check_id accepts the value."""
    try:
        check_id("ID", value)
    except InvalidInput:
        return False
    return True


def check_text(name: str, value: Any) -> str:
    """Returns the value if it can be a key or a VersionId: 1 to 1,024 bytes of text. Raises InvalidInput, naming the field."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} must be a non-empty string; got {value!r}"[:300])
    length = len(value.encode(errors="surrogatepass"))
    if length > LONGEST_KEY:
        raise InvalidInput(f"{name} has {length:,} bytes; at most {LONGEST_KEY:,} are allowed: {value[:40]!r}…")
    return value


def check_key(key: str, stream: StreamId) -> str:
    """Returns the key if it belongs to the stream and its extension is known. Raises InvalidInput."""
    if not key.startswith(PREFIX):
        raise InvalidInput(f"Key {key!r} is not under {PREFIX}")
    if format_of(key) is None:
        raise InvalidInput(f"Key {key!r} does not end in one of {EXTENSIONS}")
    if ids_in(key) != (stream.group_id, stream.stream_id):
        raise InvalidInput(f"Key {key!r} does not belong to the stream {stream}")
    return key


def prefixes_of(stream: StreamId) -> list[str]:
    """Returns where the stream's objects are. The first prefix may hold objects of other streams: compare ids_in."""
    return [f"{PREFIX}{stream}.", f"{PREFIX}{stream}/"]


def scope_of(rules_key: str) -> StreamId | str | None:
    """Returns whom a key under `rules/` is for: a stream, a group (its ID), or all ("").

    None for a key in which no rules are looked up.
    """
    parts = rules_key.removeprefix("rules/").split("/")
    ids = [*parts[:-1], parts[-1].removesuffix(".yaml")]
    if not rules_key.endswith(".yaml") or len(parts) > 2 or not all(map(is_id, ids)):
        return None
    if len(ids) == 2:
        return StreamId(*ids)
    return "" if ids == ["default"] else ids[0]


def rules_keys(stream: StreamId) -> list[str]:
    """Returns where the stream's rules are looked up, in this order."""
    return [f"rules/{stream}.yaml", f"rules/{stream.group_id}.yaml", "rules/default.yaml"]
