"""Reads a JSON file that holds an array of objects as NDJSON, one object a line, while it is read."""

from __future__ import annotations

import codecs
import json
import re

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes, bytes_of
from stream_qc.reading.lines import MAX_RECORD_BYTES

STEP = 1024 * 1024  # bytes read at a time
BLANKS = b" \t\r\n"  # of JSON
SPACE = re.compile(rf"[{BLANKS.decode()}]*")
LINE_ENDS = str.maketrans("\r\n", "  ")  # in JSON, they only stand between values


def lines_of_array(content: Bytes) -> Bytes:
    """Returns a line for each element. A file that does not begin with `[` is returned as it is: it may be NDJSON.

    Reading raises UnreadableFile where the array is not JSON, or ends too early.
    """
    head = content.peek(512).lstrip(BLANKS)
    return bytes_of(iter(_Elements(content).next, None)) if head.startswith(b"[") else content


class _Elements:
    def __init__(self, content: Bytes) -> None:
        self._content = content
        self._text, self._place = "", 0  # what was read, and where the next element starts
        self._count = 0  # elements so far
        self._state = "start"
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")  # the row of a bad byte is found later
        self._ended = False  # whether the content was read to its end

    def next(self) -> str | None:
        """Returns the next element as a line, or None after the last one."""
        while True:
            self._place = SPACE.match(self._text, self._place).end()  # type: ignore[union-attr]  # it always matches
            mark = self._text[self._place : self._place + 1]
            if not mark:
                if self._more():
                    continue
                if self._state == "end":
                    return None
                raise UnreadableFile(
                    f"the JSON array ends too early, after element {self._count:,}; upload the file again"
                )
            if self._state == "end":
                raise UnreadableFile("there is data after the JSON array; use .ndjson for one object per line")
            if self._state == "start" or (self._state == "after" and mark == ","):
                self._state = "first" if self._state == "start" else "before"
                self._place += 1
            elif mark == "]" and self._state != "before":
                self._state = "end"
                self._place += 1
            elif self._state == "after":
                raise UnreadableFile(f"the JSON array has no comma after element {self._count:,}")
            elif (line := self._element()) is not None:
                return line

    def _element(self) -> str | None:
        """Returns the element that starts here as a line, or None if more has to be read first."""
        try:
            _, end = json.JSONDecoder().raw_decode(self._text, self._place)
        except (ValueError, RecursionError) as error:
            if len(self._text) - self._place <= MAX_RECORD_BYTES and self._more():
                return None
            told = f"{error.msg}" if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
            raise UnreadableFile(
                f"element {self._count + 1:,} of the JSON array is not JSON, is cut off, or is longer than "
                f"{MAX_RECORD_BYTES:,} bytes: {told}"
            ) from None
        if end == len(self._text) and self._more():  # a number may go on
            return None
        line = self._text[self._place : end].translate(LINE_ENDS)
        self._place, self._state = end, "after"
        self._count += 1
        return f"{line}\n"

    def _more(self) -> bool:
        """Reads more and drops what was already returned. Returns False at the end of the content."""
        while not self._ended:
            data = self._content.read(STEP)
            self._ended = not data
            text = self._decoder.decode(data, final=self._ended)
            if text:
                self._text, self._place = self._text[self._place :] + text, 0
                return True
        return False
