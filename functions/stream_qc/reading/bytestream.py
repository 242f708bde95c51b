"""Byte streams: decompressed as they are read, and refused where they are not what the file's name says."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from typing import BinaryIO, cast

from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# What files of other kinds begin with (file(1)'s magic), and what to call them.
FOREIGN = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"%PDF-": "a PDF document",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"\x89HDF": "an HDF5 or NetCDF file",
    b"CDF\x01": "a NetCDF file",
    b"\x89PNG": "a PNG picture",
}
BOM = b"\xef\xbb\xbf"


class Bytes:
    """A stream whose breakdowns in decompression are UnreadableFile, saying how far it got."""

    def __init__(self, stream: BinaryIO, kind: str) -> None:
        self._stream, self._kind = stream, kind
        self._head = b""
        self.position = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end of the stream."""
        chunks, wanted = [], size
        if self._head:
            chunks.append(self._head[:wanted])
            self._head = self._head[wanted:]
            wanted -= len(chunks[0])
        while wanted:
            chunk = self._read_once(wanted)
            if not chunk:
                break
            chunks.append(chunk)
            wanted -= len(chunk)
        data = b"".join(chunks)
        self.position += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay to be read."""
        data = self.read(size)
        self.position -= len(data)
        self._head = data + self._head
        return data

    def _read_once(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except EOFError:
            raise UnreadableFile(f"the {self._kind} data breaks off after {self.position:,} bytes of content; upload it again") from None
        except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
            if self.position == 0:
                raise UnreadableFile(f"the name says {self._kind}, and the content is none: {error}") from None
            raise UnreadableFile(f"the {self._kind} data is damaged after {self.position:,} bytes of content: {error}") from None


def decompressed(stream: BinaryIO, form: Format) -> Bytes:
    """The content of the stream, decompressed as the name says, without a byte order mark."""
    if form.compression == "gz":
        content = Bytes(cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb")), "gzip")
    elif form.compression == "zst":
        content = Bytes(cast("BinaryIO", zstd.ZstdFile(stream, mode="rb")), "zstd")
    else:
        content = Bytes(stream, "file's")
    if content.peek(len(BOM)) == BOM:
        content.read(len(BOM))
    return content


def refuse_foreign_content(content: Bytes, form: Format) -> Bytes:
    """The content unchanged; raises UnreadableFile where it is empty or begins as a file of another kind does."""
    head = content.peek(512)
    if not head:
        raise UnreadableFile("the file is empty")
    for magic, name in FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"the name says {form}, and the content is {name}")
    if b"\x00" in head:
        raise UnreadableFile(f"the name says {form}, and the content is binary (a NUL byte in its first {len(head)} bytes)")
    return content


def seekable(stream: BinaryIO) -> BinaryIO:
    """The stream where it can seek, or its content in a temporary file, as Parquet needs it."""
    if stream.seekable():
        return stream
    import shutil
    import tempfile

    spool = tempfile.TemporaryFile(prefix="stream-qc-")  # noqa: SIM115  # lives as long as the reader
    shutil.copyfileobj(stream, spool, 1024 * 1024)
    spool.seek(0, io.SEEK_SET)
    return cast("BinaryIO", spool)
