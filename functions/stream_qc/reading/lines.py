"""Reads whole lines from a byte stream."""

from __future__ import annotations

from collections.abc import Iterator

from stream_qc.reading.bytestream import Bytes

MAX_RECORD_BYTES = 1024 * 1024


def whole_lines(content: Bytes, size: int) -> Iterator[bytes]:
    """Yields whole lines, about `size` bytes at a time.

    A line longer than MAX_RECORD_BYTES is cut to one byte more, so that the caller can tell that it is too long.
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
    """Skips the rest of the current line and returns what was read of the next lines."""
    while chunk := content.read(size):
        _, newline, after = chunk.partition(b"\n")
        if newline:
            return after
    return b""
