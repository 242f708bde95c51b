"""The body of an S3 object, read to its end although connections break."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import BinaryIO

from pipeline.aws import is_transient
from pipeline.observe import logger

ATTEMPTS = 6  # in a row without a byte
FIRST_WAIT = 0.2  # seconds, doubled each time


class Body(io.RawIOBase):
    """A stream of bytes. Where a connection breaks, it goes on at the byte it had reached, so that its reader never knows.

    open_at: returns the rest of one version of an object from a byte on. Errors are those of botocore.
    """

    def __init__(self, open_at: Callable[[int], BinaryIO]) -> None:
        self._open_at = open_at
        self._stream, self._position = open_at(0), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Returns up to `size` bytes, or all that are left; b"" at the end."""
        if size >= 0:
            return self._read_some(size)
        return b"".join(iter(lambda: self._read_some(1 << 20), b""))

    def _read_some(self, size: int) -> bytes:
        for attempt in range(ATTEMPTS):
            try:
                if attempt:
                    time.sleep(FIRST_WAIT * 2 ** (attempt - 1))
                    self._stream = self._open_at(self._position)
                data = self._stream.read(size)
            except Exception as error:
                if attempt == ATTEMPTS - 1 or not is_transient(error):
                    raise
                logger.warning("reading goes on after a fault", extra={"Byte": self._position, "Fault": str(error)})
            else:
                self._position += len(data)
                return data
        raise AssertionError
