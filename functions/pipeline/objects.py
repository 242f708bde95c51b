"""Stream files and rules in the stream bucket: which object, which version, and its bytes."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from pipeline.aws import error_code, s3, s3_bodies
from pipeline.bodies import Body
from pipeline.environment import environment
from pipeline.errors import InvalidInput, StreamNotFound
from pipeline.keys import ids_in, prefixes_of, rules_keys
from pipeline.model import ObjectVersion, StreamId
from pipeline.times import timestamp
from stream_qc.formats import format_of, without_ending

# 405: the version is a delete marker.
GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "405", "MethodNotAllowed"}
MOST_NAMES = 10_000  # that are compared with a name
IMPOSSIBLE_VERSION = {"400", "InvalidArgument"}  # a version ID that S3 never gives


def locate(key: str, version_id: str | None) -> ObjectVersion:
    """Returns the version of the object, or its newest. Raises StreamNotFound, or InvalidInput for an impossible VersionId."""
    bucket = environment().stream_bucket
    version = {"VersionId": version_id} if version_id else {}
    try:
        head = s3().head_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
    except ClientError as error:
        if error_code(error) in GONE:
            named = f"{key} (version {version_id})" if version_id else key
            raise StreamNotFound(f"there is no object {named} in {bucket}") from None
        if version_id and error_code(error) in IMPOSSIBLE_VERSION:
            raise InvalidInput(f"VersionId {version_id!r} is not the ID of a version of {key}") from None
        raise
    return ObjectVersion(key, head.get("VersionId", "null"), head["ContentLength"], timestamp(head["LastModified"]))


def newest(stream: StreamId) -> str:
    """Returns the key of the stream's object that was written last. Raises StreamNotFound, naming the prefixes looked in."""
    return newest_with_time(stream)[1]


def newest_with_time(stream: StreamId) -> tuple[dt.datetime, str]:
    """Returns when the stream's last object was written, and its key. Raises StreamNotFound, naming the prefixes looked in."""
    prefixes = prefixes_of(stream)
    found = [
        (written, key)
        for prefix in prefixes
        for key, written in list_under(prefix)
        if ids_in(key) == (stream.group_id, stream.stream_id) and format_of(key)
    ]
    if not found:
        raise StreamNotFound(f"no stream file under {' or '.join(prefixes)} in {environment().stream_bucket}")
    return max(found)


def list_under(prefix: str) -> Iterator[tuple[str, dt.datetime]]:
    """Returns key and time of writing of every object under the prefix; one request lists 1,000."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=environment().stream_bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            yield item["Key"], item["LastModified"]


@dataclass(frozen=True)
class Version:
    """A version of an object, as a listing names it."""

    key: str
    version_id: str
    written: dt.datetime
    is_newest: bool


@dataclass(frozen=True)
class Page:
    """A page of versions. key, version: where the next page begins; "" on the last one."""

    versions: list[Version]
    key: str
    version: str


def versions_under(prefix: str, key: str, version: str) -> Iterator[Page]:
    """Yields every version of every object under the prefix, from a place in the listing on, 1,000 to a page."""
    asked: Any = {"Bucket": environment().stream_bucket, "Prefix": prefix}
    while True:
        if key:
            asked |= {"KeyMarker": key, "VersionIdMarker": version}
        answer = s3().list_object_versions(**asked)
        found = [
            Version(one["Key"], one["VersionId"], one["LastModified"], one["IsLatest"])
            for one in answer.get("Versions", [])
        ]
        key, version = answer.get("NextKeyMarker", ""), answer.get("NextVersionIdMarker", "")
        key, version = (key, version) if answer.get("IsTruncated") else ("", "")
        yield Page(found, key, version)
        if not key:
            return


def names_under(prefix: str) -> set[str]:
    """Returns the names of the groups, or of the streams of a group, that have files; of many, those that come first."""
    found: set[str] = set()
    pages = (
        s3()
        .get_paginator("list_objects_v2")
        .paginate(
            Bucket=environment().stream_bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"MaxItems": MOST_NAMES}
        )
    )
    for page in pages:
        found |= {one["Prefix"].removeprefix(prefix).rstrip("/") for one in page.get("CommonPrefixes", [])}
        found |= {without_ending(one["Key"].removeprefix(prefix)) for one in page.get("Contents", [])}
    return found


def rules_for(stream: StreamId, candidates: str = "") -> ObjectVersion | None:
    """Returns the rules that judge a stream: the first that exist, or None for the built-in default.

    candidates: a prefix with rules that would judge it if they were copied over those under rules/.
    """
    for key in rules_keys(stream):
        for place in ([candidates + key.removeprefix("rules/")] if candidates else []) + [key]:
            try:
                return locate(place, None)
            except StreamNotFound:
                continue
    return None


def read(key: str, version_id: str, start: int = 0, end: int | None = None) -> BinaryIO:
    """Returns the bytes of one version of one object as a stream, all or those from `start` up to `end`.

    Raises StreamNotFound where it is gone.
    """
    return cast("BinaryIO", Body(lambda byte: _from(start + byte, key, version_id, end)))


def read_result(key: str) -> bytes:
    """Returns an object of the results bucket."""
    bucket = str(environment().results_bucket)

    def rest(byte: int) -> BinaryIO:
        ranged: Any = {"Range": f"bytes={byte}-"} if byte else {}
        return cast("BinaryIO", s3_bodies().get_object(Bucket=bucket, Key=key, **ranged)["Body"])

    return Body(rest).read()


def _from(byte: int, key: str, version_id: str, end: int | None = None) -> BinaryIO:
    """Returns the bytes of a version from this one on."""
    if end is not None and byte >= end:
        return io.BytesIO()
    bucket = environment().stream_bucket
    asked = {"Bucket": bucket, "Key": key, "VersionId": version_id}
    ranged = byte > 0 or end is not None  # an empty object has no range
    if ranged:
        asked["Range"] = f"bytes={byte}-{'' if end is None else end - 1}"
    try:
        answer = s3_bodies().get_object(**asked)  # type: ignore[arg-type]
    except ClientError as error:
        if error_code(error) in GONE:
            raise StreamNotFound(f"{key} (version {version_id}) is no longer in {bucket}") from None
        raise
    if ranged and not answer.get("ContentRange", "").startswith(f"bytes {byte}-"):
        raise RuntimeError(f"S3 was asked for {key} from byte {byte} on, and answered with other bytes")
    return cast("BinaryIO", answer["Body"])
