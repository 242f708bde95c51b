"""Translates a text file of any dialect to plain CSV in UTF-8, with one header line, while it is read.

What the CSV reader knows (records, malformed rows, blocks) then holds for every dialect. Lines above the rows, comments and
padding are left out; a row of the file is a row of the translation.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stream_qc.dialect import Dialect
from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes, bytes_of
from stream_qc.reading.lines import MAX_RECORD_BYTES

csv.field_size_limit(MAX_RECORD_BYTES)


def translated(content: Bytes, dialect: Dialect, names: Sequence[str]) -> Bytes:
    """Returns the content as plain CSV, separated by `dialect.written_as`. names: the header, if the file has none.

    Raises UnreadableFile if the file ends above its first row.
    """
    if dialect.is_plain:
        return content
    lines = Lines(_decoded(content, dialect))
    translation = _Translation(dialect, lines, names)
    return Bytes(translation.read, "text")


class Lines:
    """Whole lines of a stream."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._rest = read, b""

    def one(self) -> bytes:
        """Returns the next line with its end; b"" at the end of the stream."""
        while b"\n" not in self._rest and len(self._rest) <= MAX_RECORD_BYTES and (chunk := self._read(64 * 1024)):
            self._rest += chunk
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    def unread(self, data: bytes) -> None:
        """Puts whole lines back in front of the others."""
        self._rest = data + self._rest

    def many(self, size: int) -> bytes:
        """Returns about `size` bytes of whole lines, or of the start of a line that is too long; b"" at the end."""
        data = self._rest
        while chunk := self._read(size):
            data += chunk
            end = data.rfind(b"\n") + 1
            if end or len(data) > MAX_RECORD_BYTES:
                self._rest = data[end:] if end else b""
                return data[:end] if end else data
        self._rest = b""
        return data


class _Translation:
    """Reads the lines above the rows first, then translates the others as they come."""

    def __init__(self, dialect: Dialect, lines: Lines, names: Sequence[str]) -> None:
        self._dialect, self._lines = dialect, lines
        self._comment = dialect.comment_char.encode() if dialect.comment_char else b""
        self._delimiter = (dialect.written_as or ",").encode()
        self._at_start = True
        self._quoting = dialect.quote_char != '"' or not dialect.double_quote or dialect.escape_char is not None
        self._how: dict[str, Any] = {
            "delimiter": " " if dialect.in_columns else self._delimiter.decode(),
            "quotechar": dialect.quote_char,
            "doublequote": dialect.double_quote if dialect.escape_char else True,
            "escapechar": dialect.escape_char,
            "skipinitialspace": dialect.skip_initial_space,
        }
        self._written: Bytes | None = None  # what is left, if it is read with care
        self._head = _line(names, self._delimiter.decode()) if not dialect.header else b""

    def read(self, size: int) -> bytes:
        """Returns the next bytes of the translation, about `size`; b"" at the end."""
        if self._at_start:
            self._at_start = False
            return self._head + self._above_the_rows()
        while self._written is None and (data := self._lines.many(size)):
            if self._needs_care(data):
                self._written = bytes_of(
                    _written(csv.reader(self._texts(data, size), **self._how), self._delimiter.decode())
                )
            elif found := self._rows(data):
                return found
        return self._written.read(size) if self._written is not None else b""

    def _needs_care(self, data: bytes) -> bool:
        """Returns whether a quoted cell may hold what looks like a comment or padding. If so, the csv module splits the rows."""
        if self._quoting:
            return True
        return b'"' in data and (self._has_comments(data) or self._dialect.skip_initial_space)

    def _has_comments(self, data: bytes) -> bool:
        return bool(self._comment) and (data.startswith(self._comment) or b"\n" + self._comment in data)

    def _texts(self, data: bytes, size: int) -> Iterator[str]:
        """Yields the lines of this data and of all that follows. It leaves out comments and padding outside of quotes."""
        quote, inside = self._dialect.quote_char.encode(), False
        while data:
            for line in data.removesuffix(b"\n").split(b"\n"):
                if not inside and self._comment and line.startswith(self._comment):
                    continue
                if not inside and self._dialect.skip_initial_space:
                    line = line.lstrip(b" \t" if self._dialect.in_columns else b" ")  # noqa: PLW2901
                inside ^= self._dialect.escape_char is None and line.count(quote) % 2 == 1
                if not inside and self._dialect.in_columns:
                    line = line.rstrip()  # noqa: PLW2901
                yield f"{line.decode(errors='surrogateescape')}\n"
            data = self._lines.many(size)

    def _above_the_rows(self) -> bytes:
        """Returns the header, or the first rows if there is none. It leaves out what is above them."""
        dialect, headers, number = self._dialect, list[bytes](), 0
        last = max([*dialect.header_rows, *dialect.comment_rows, 0])
        first: list[bytes] = []
        while line := self._lines.one():
            number += 1
            commented = bool(self._comment) and line.startswith(self._comment)
            if number in dialect.comment_rows or (commented and number not in dialect.header_rows):
                continue
            if dialect.header and (number in dialect.header_rows or (not dialect.header_rows and not headers)):
                headers.append(line.removeprefix(self._comment))
            elif number > max(dialect.header_rows, default=0) and (headers or not dialect.header):
                first.append(line)
            if number >= last and (not dialect.header or headers):
                break
        if dialect.header and not headers:
            raise UnreadableFile("the file has no header where the dialect expects one")
        first += [self._lines.one() for _ in range(dialect.rows_below_header)]
        self._lines.unread(b"".join(first[dialect.rows_below_header :]))
        return self._header(headers)

    def _header(self, lines: list[bytes]) -> bytes:
        if len(lines) < 2:
            return self._rows(b"".join(lines))
        delimiter = self._dialect.delimiter or ","
        labels: list[str] = []
        above: dict[int, str] = {}
        for cells in csv.reader((self._rows(line).decode(errors="replace") for line in lines), delimiter=delimiter):
            for place, cell in enumerate(cells):
                if above.get(place) == cell:
                    continue
                above[place] = cell
                if place < len(labels):
                    labels[place] = f"{labels[place]}{self._dialect.header_join}{cell}"
                else:
                    labels.append(cell)
        return _line(labels, delimiter)

    def _rows(self, data: bytes) -> bytes:
        """Returns whole lines without comments and padding, quoted as in plain CSV."""
        if self._has_comments(data):
            data = re.sub(rb"(?m)^" + re.escape(self._comment) + rb"[^\n]*\n?", b"", data)
        if self._dialect.in_columns:
            data = _in_columns(data)
        elif self._dialect.skip_initial_space:
            data = _without_padding(data, self._delimiter)
        return self._plainly_quoted(data) if self._quoting else data

    def _plainly_quoted(self, data: bytes) -> bytes:
        lines = io.StringIO(data.decode(errors="surrogateescape"), newline="")
        return "".join(_written(csv.reader(lines, **self._how), self._delimiter.decode())).encode(
            errors="surrogateescape"
        )


def _written(rows: Iterator[list[str]], delimiter: str) -> Iterator[str]:
    """Yields each row as a line of plain CSV. Raises UnreadableFile for a cell that is too long."""
    out = io.StringIO(newline="")
    write = csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow
    try:
        for row in rows:
            out.seek(0)
            out.truncate()
            write(row)
            yield out.getvalue()
    except csv.Error as error:
        raise UnreadableFile(f"the file cannot be read in its dialect: {error}") from None


def _decoded(content: Bytes, dialect: Dialect) -> Callable[[int], bytes]:
    """Returns a function that reads the content as UTF-8. Bytes that the encoding lacks are kept; their rows are malformed."""
    if dialect.codec == "utf-8":
        return content.read
    errors = "strict" if dialect.codec.startswith("utf-16") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(dialect.codec)(errors)

    def read(size: int) -> bytes:
        while True:
            chunk = content.read(size)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:  # UnicodeDecodeError has a reason; that of a missing byte order mark does not
                raise UnreadableFile(f"the file is not {dialect.encoding}: {getattr(error, 'reason', error)}") from None
            if text or not chunk:
                return text.removeprefix("\ufeff").encode(errors="surrogateescape")

    return read


def _in_columns(data: bytes) -> bytes:
    """Returns the lines with one tab for each run of blanks, and none at their starts and ends."""
    data = data.replace(b"\t", b" ").replace(b"\r\n", b"\n")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.removeprefix(b" ").replace(b"\n ", b"\n").replace(b" \n", b"\n").replace(b" ", b"\t")


def _without_padding(data: bytes, delimiter: bytes) -> bytes:
    """Returns the lines without the blanks that follow a delimiter or begin a line."""
    for start in (delimiter, b"\n"):
        while start + b" " in data:
            data = data.replace(start + b" ", start)
    return data.lstrip(b" ")


def _line(cells: Sequence[str], delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
