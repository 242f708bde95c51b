"""Reading an object: connections that break, and what killed processes left on the disk."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError

from pipeline import bodies, objects
from pipeline.aws import s3_bodies
from pipeline.bodies import ATTEMPTS, Body
from stream_qc import scratch
from tests.functions.cloud import Cloud, client_error
from tests.samples import SAMPLES

CONTENT = bytes(range(256)) * 8


class Breaking(io.RawIOBase):
    """A stream that breaks after some bytes, if it has so many."""

    def __init__(self, content: bytes, after: int, error: Exception) -> None:
        self._content, self._left, self._error = io.BytesIO(content), after, error

    def read(self, size: int = -1) -> bytes:
        data = self._content.read(min(size, self._left))
        self._left -= len(data)
        if not data and size and self._content.tell() < len(self._content.getbuffer()):
            raise self._error
        return data


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "FIRST_WAIT", 0)


@pytest.mark.parametrize("after", [1, 1000, len(CONTENT) - 1])
@pytest.mark.parametrize(
    "error",
    [IncompleteReadError(actual_bytes=1, expected_bytes=2), ReadTimeoutError(endpoint_url="s3"), client_error("GetObject", "SlowDown", 503)],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_reading_goes_on_at_the_byte_where_the_connection_broke(after: int, error: Exception) -> None:
    opened: list[int] = []

    def open_at(byte: int) -> Any:
        opened.append(byte)
        return Breaking(CONTENT[byte:], after, error)

    body = Body(open_at)
    assert b"".join(iter(lambda: body.read(700), b"")) == CONTENT
    assert opened == [*range(0, len(CONTENT), after)]


def test_connection_that_never_gives_a_byte_is_given_up() -> None:
    opened: list[int] = []

    def open_at(byte: int) -> Any:
        opened.append(byte)
        return Breaking(CONTENT[byte:], 0, ReadTimeoutError(endpoint_url="s3"))

    with pytest.raises(ReadTimeoutError):
        Body(open_at).read(10)
    assert opened == [0] * ATTEMPTS


def test_error_that_will_not_pass_is_raised_at_once() -> None:
    with pytest.raises(KeyError):
        Body(lambda byte: Breaking(CONTENT[byte:], 0, KeyError("x"))).read(10)  # type: ignore[arg-type,return-value]


def test_object_is_read_on_in_the_version_that_was_begun(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    version = cloud.upload("streams/g/s.csv", CONTENT)
    cloud.upload("streams/g/s.csv", b"another version")
    real, asked = objects._from, []

    def breaking(byte: int, key: str, version_id: str, end: int | None) -> Any:
        asked.append(byte)
        return Breaking(real(byte, key, version_id, end).read(), 600, ReadTimeoutError(endpoint_url="s3"))

    monkeypatch.setattr(objects, "_from", breaking)
    assert objects.read("streams/g/s.csv", version).read() == CONTENT
    assert asked == [0, 600, 1200, 1800]
    asked.clear()
    assert objects.read("streams/g/s.csv", version, 100, 900).read() == CONTENT[100:900]
    assert asked == [100, 700]


def test_server_that_begins_again_at_the_first_byte_is_refused(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    version = cloud.upload("streams/g/s.csv", CONTENT)
    get = s3_bodies().get_object

    class Forgetful:
        def get_object(self, **asked: Any) -> Any:
            asked.pop("Range", None)
            return get(**asked)

    monkeypatch.setattr(objects, "s3_bodies", Forgetful)
    assert objects._from(0, "streams/g/s.csv", version).read() == CONTENT
    with pytest.raises(RuntimeError, match="from byte 600 on, and answered with other bytes"):
        objects._from(600, "streams/g/s.csv", version)


def test_folders_of_killed_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)  # fmt: skip
    left = [tmp_path / f"stream-qc-{number}-a" for number in (ended.stdout.strip(), os.getpid(), 10**12)]
    others = [tmp_path / f"stream-qc-{os.getppid()}-a", tmp_path / "stream-qc-notes", tmp_path / "other-1-a"]
    for folder in [*left, *others]:
        (folder / "keys").mkdir(parents=True)
    assert sorted(scratch.remove_left_behind()) == sorted(left)
    assert sorted(tmp_path.iterdir()) == sorted(others)
    with scratch.folder() as made:
        assert Path(made).name.startswith(f"stream-qc-{os.getpid()}-")


@pytest.mark.parametrize("name", ["airport-2012.csv.gz", "airport-2013.ndjson", "airport-2014.parquet"])
def test_each_kind_of_file_is_checked_although_connections_break(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = objects._from
    error = ReadTimeoutError(endpoint_url="s3")
    monkeypatch.setattr(objects, "_from", lambda *asked: Breaking(real(*asked).read(), 5000, error))
    cloud.upload("rules/seattle.yaml", (SAMPLES / "rules/seattle.yaml").read_bytes())
    key = f"streams/seattle/{name}"
    ended = cloud.checked(key, (SAMPLES / key).read_bytes())
    assert (ended.error, ended.output["Status"]) == ("", "PASS")
