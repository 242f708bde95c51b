"""Stream files and rules in the stream bucket: which object, which version, and its bytes."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipeline.aws import error_code, s3, s3_bodies
from pipeline.errors import InvalidInput, StreamNotFound
from pipeline.keys import ids_in, prefixes_of, rules_keys
from stream_qc.formats import format_of

if TYPE_CHECKING:
    from botocore.response import StreamingBody

GONE = {
    "404",
    "NoSuchKey",
    "NoSuchVersion",
    "NotFound",
    "405",
    "MethodNotAllowed",
}  # 405: the version is a delete marker
NO_SUCH_ID = {"400", "InvalidArgument"}  # a version ID that S3 could never have given


@dataclass(frozen=True)
class ObjectVersion:
    """One version of one object; `size` in bytes."""

    key: str
    version_id: str
    size: int


def bucket() -> str:
    return os.environ["STREAM_BUCKET"]


def locate(key: str, version_id: str | None) -> ObjectVersion:
    """The version of the object, or its newest. Raises StreamNotFound where it is not there."""
    version = {"VersionId": version_id} if version_id else {}
    try:
        head = s3().head_object(Bucket=bucket(), Key=key, **version)  # type: ignore[arg-type]
    except ClientError as error:
        named = f"{key} (version {version_id})" if version_id else key
        if error_code(error) in GONE:
            raise StreamNotFound(f"there is no object {named} in {bucket()}") from None
        if version_id and error_code(error) in NO_SUCH_ID:
            raise InvalidInput(f"VersionId {version_id!r} is not the ID of a version of {key}") from None
        raise
    return ObjectVersion(key, head.get("VersionId", "null"), head["ContentLength"])


def newest(group_id: str, stream_id: str) -> str:
    """The key of the stream's object that was written last. Raises StreamNotFound, naming the prefixes looked in."""
    prefixes = prefixes_of(group_id, stream_id)
    pages = s3().get_paginator("list_objects_v2")
    found = [
        (item["LastModified"], item["Key"])
        for prefix in prefixes
        for page in pages.paginate(Bucket=bucket(), Prefix=prefix)
        for item in page.get("Contents", [])
        if ids_in(item["Key"]) == (group_id, stream_id) and format_of(item["Key"])
    ]
    if not found:
        raise StreamNotFound(f"no stream file under {' or '.join(prefixes)} in {bucket()}")
    return max(found)[1]


def every_object(prefix: str) -> Iterator[tuple[str, dt.datetime]]:
    """Key and time of writing of every object under the prefix, 1,000 to a request."""
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"], item["LastModified"]


def rules_for(group_id: str, stream_id: str) -> ObjectVersion | None:
    """The rules that judge a stream: the first that exists; None for the built-in default."""
    for key in rules_keys(group_id, stream_id):
        try:
            return locate(key, None)
        except StreamNotFound:
            continue
    return None


def read(key: str, version_id: str) -> StreamingBody:
    """The bytes of one version of one object, as a stream. Raises StreamNotFound where it is gone."""
    try:
        return s3_bodies().get_object(Bucket=bucket(), Key=key, VersionId=version_id)["Body"]
    except ClientError as error:
        if error_code(error) in GONE:
            raise StreamNotFound(f"{key} (version {version_id}) is no longer in {bucket()}") from None
        raise
