"""Decompresses byte streams while they are read, and rejects content that does not match the file name."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, cast

from stream_qc.dialect import Dialect
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

UTF_16 = "UTF-16 text; save it as UTF-8 or, for CSV, add `dialect: {encoding: utf-16}` to the rules"
# How other kinds of files begin (as in file(1)), and what they are called.
FOREIGN = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"%PDF-": "a PDF document",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    b"\x89HDF": "an HDF5 or NetCDF file",
    b"CDF\x01": "a NetCDF file",
    b"\x89PNG": "a PNG picture",
}
BOM = b"\xef\xbb\xbf"
MOST_EXPANSION = 300  # the limit, once more than HARMLESS_BYTES are unpacked; repetitive rows expand about 100 times
HARMLESS_BYTES = 256 * 1024 * 1024
AHEAD = 4 * 1024 * 1024  # bytes that are unpacked ahead
LARGE = 1024 * 1024  # bytes that are not copied to put more behind them


class Counted(io.RawIOBase):
    """A stream that counts the bytes read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.count = stream, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


class Bytes:
    """A stream that raises UnreadableFile if it cannot be decompressed, after returning everything that could be."""

    def __init__(self, read: Callable[[int], bytes], kind: str, packed: Counted | None = None) -> None:
        self._read, self._kind, self._packed = read, kind, packed
        self._unpacked = 0
        self._head = b""
        self._broken: UnreadableFile | None = None

    def read(self, size: int) -> bytes:
        """Returns `size` bytes, or fewer at the end of the stream and before damaged data; b"" at the end. If LARGE bytes are at
        hand, it may return them alone.

        Raises UnreadableFile at damaged data.
        """
        if LARGE <= len(self._head) <= size:
            data, self._head = self._head, b""
            return data
        chunks = [self._head[:size]] if self._head else []  # a single chunk is not copied
        wanted = size - sum(map(len, chunks))
        self._head = self._head[size:]
        while wanted > 0 and (chunk := self._read_once(wanted)):
            if len(chunk) > wanted:  # what is translated may be longer than what was asked for
                chunk, self._head = chunk[:wanted], chunk[wanted:]
            chunks.append(chunk)
            wanted -= len(chunk)
        data = b"".join(chunks)
        if not data and self._broken:
            raise self._broken
        return data

    def peek(self, size: int) -> bytes:
        """Returns the next bytes without consuming them."""
        self._head = self.read(size) + self._head
        return self._head[:size]

    def _read_once(self, size: int) -> bytes:
        if self._broken:
            return b""
        try:
            data = self._read(size)
            self._unpacked += len(data)
            if self._packed and self._unpacked > max(HARMLESS_BYTES, MOST_EXPANSION * self._packed.count):
                self._broken = UnreadableFile(
                    f"the {self._kind} data unpacks to more than {MOST_EXPANSION} times its size; reading was stopped"
                )
                return b""
            return data
        except UnreadableFile as error:  # of a stream below this one
            self._broken = error
        except EOFError:
            self._broken = UnreadableFile(f"the {self._kind} data is truncated; upload the file again")
        except gzip.BadGzipFile:
            self._broken = UnreadableFile(f"the file name says {self._kind}, but the content is not {self._kind}")
        except (zlib.error, zstd.ZstdError) as error:
            self._broken = UnreadableFile(f"the {self._kind} data is damaged: {error}")
        return b""


def bytes_of(lines: Iterator[str]) -> Bytes:
    """Returns the lines as a UTF-8 stream. Everything before an UnreadableFile is returned before it is raised."""
    broken: list[UnreadableFile] = []

    def read(size: int) -> bytes:
        found: list[str] = []
        length = 0
        if broken:
            raise broken[0]
        try:
            while length < size and (line := next(lines, None)) is not None:
                found.append(line)
                length += len(line)
        except UnreadableFile as error:
            if not found:
                raise
            broken.append(error)
        return "".join(found).encode(errors="surrogateescape")

    return Bytes(read, "text")


def _unpacked(stream: BinaryIO, form: Format) -> Bytes:
    packed = Counted(stream)
    # read1 returns what precedes damaged data; read would lose it.
    if form.compression == "gz":
        return Bytes(gzip.GzipFile(fileobj=packed, mode="rb").read1, "gzip", packed)
    return Bytes(zstd.ZstdFile(packed, mode="rb").read1, "zstd", packed)


def _ahead(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Returns a function that reads as `read` does, which reads on a thread of its own while the bytes before are used."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="unpacking")
    coming: list[Future[bytes]] = []

    def next_bytes(_: int) -> bytes:
        data = (coming.pop() if coming else pool.submit(read, AHEAD)).result()
        if data:
            coming.append(pool.submit(read, AHEAD))
        return data

    return next_bytes


def decompressed(stream: BinaryIO, form: Format) -> Bytes:
    """Returns the content of the stream, decompressed, without a byte order mark."""
    content = Bytes(_ahead(_unpacked(stream, form).read) if form.compression else stream.read, "plain")
    if content.peek(len(BOM)) == BOM:
        content.read(len(BOM))
    return content


def refuse_foreign_content(content: Bytes, form: Format, dialect: Dialect) -> None:
    """Raises UnreadableFile if the content is empty or begins like another kind of file."""
    head = content.peek(512)
    if not head:
        raise UnreadableFile("the file is empty")
    if form.kind == "csv" and dialect.codec.startswith("utf-16"):
        return
    for magic, name in FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"the file name says {form}, but the content is {name}")
    if b"\x00" in head.partition(b"\n")[0]:  # in a later line it makes the row malformed
        raise UnreadableFile(f"the file name says {form}, but the content is binary (a NUL byte in its first line)")


def seekable(stream: BinaryIO) -> BinaryIO:
    """Returns the stream if it can seek, otherwise a temporary file with its content. Parquet needs to seek."""
    if stream.seekable():
        return stream
    spool = tempfile.TemporaryFile(prefix="stream-qc-")  # noqa: SIM115  # lives as long as the reader
    shutil.copyfileobj(stream, spool, 1024 * 1024)
    spool.seek(0, io.SEEK_SET)
    return cast("BinaryIO", spool)
