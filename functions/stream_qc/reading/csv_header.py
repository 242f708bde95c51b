"""Reads the header of a CSV file: its record, its separator and the names in it."""

from __future__ import annotations

from stream_qc.errors import UnreadableFile
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.csv_records import Grammar, grammar, unquoted
from stream_qc.reading.lines import MAX_RECORD_BYTES
from stream_qc.schema import Schema

SHOWN = 80  # characters of a line that is no header
HEADER_BYTES = 64 * 1024  # read to find the header
SEPARATORS = (",", ";", "\t", "|")


def first_record(content: Bytes, size: int) -> tuple[bytes, bytes]:
    """Returns the record of the header and what was read after it. Raises UnreadableFile if it is too long.

    size: how many bytes are read first; then as many as were read before, so that a long header is found in few reads.
    """
    data = b""
    while True:
        chunk = content.read(min(max(size, len(data)), HEADER_BYTES))
        data += chunk
        for separator in SEPARATORS:
            match = grammar(separator).one.match(data)
            if match:
                return match[0], data[match.end() :]
        if not chunk:
            break
        if len(data) > MAX_RECORD_BYTES and b"\n" in data:
            break  # the first line is not a record
        if len(data) > MAX_RECORD_BYTES:
            raise UnreadableFile(f"the header is longer than {MAX_RECORD_BYTES:,} bytes; this may not be a CSV file")
    line, newline, rest = data.partition(b"\n")
    return line + b"\n", rest if newline else b""


def separator_of(line: bytes, schema: Schema) -> str:
    """Returns the separator that finds the most fields of the schema in the header; a comma if several do."""

    def score(separator: str) -> tuple[int, int]:
        names = [
            unquoted(cell)
            for cell in grammar(separator).cell.findall(line.rstrip(b"\r\n").decode(errors="replace").encode())
        ]
        return sum(name in schema.fields for name in names), len(names)

    return max(SEPARATORS, key=score)


def names_of(line: bytes, syntax: Grammar) -> list[str]:
    try:
        text = line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"the header is not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start + 1}"
        ) from None
    names = [unquoted(cell) for cell in syntax.cell.findall(text.encode())]
    if '"' in text and not syntax.one.fullmatch(text.encode() + b"\n"):
        raise UnreadableFile(
            "a stray quote in the header; quote the whole name and double the quotes in it", text[:SHOWN]
        )
    if "\r" in text:
        raise UnreadableFile("the lines end in CR only; save the file with LF or CRLF line ends")
    if not text.strip():
        raise UnreadableFile("the file has no header: its first line is blank")
    if not names:
        raise UnreadableFile("the first line is not a CSV header", text[:SHOWN])
    return names
