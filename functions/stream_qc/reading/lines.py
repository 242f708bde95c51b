"""Stretches of whole lines from a byte stream."""

from __future__ import annotations

from collections.abc import Iterator

from stream_qc.reading.bytestream import Bytes

MAX_RECORD_BYTES = 1024 * 1024


def stretches(content: Bytes, size: int) -> Iterator[bytes]:
    """The content in stretches of about `size` bytes, each of whole lines.

    A line that does not fit is cut to MAX_RECORD_BYTES + 1 bytes: enough to be told from one that fits.
    """
    rest = b""
    while chunk := content.read(size):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > MAX_RECORD_BYTES:
            yield rest[: MAX_RECORD_BYTES + 1] + b"\n"
            rest = skip_line(content, size)
    if rest:
        yield rest


def skip_line(content: Bytes, size: int) -> bytes:
    """Reads past the end of the line that the stream is in; returns what was read of the next lines."""
    while chunk := content.read(size):
        _, newline, after = chunk.partition(b"\n")
        if newline:
            return after
    return b""
