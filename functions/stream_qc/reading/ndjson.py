"""Newline-delimited JSON: one object a line (https://github.com/ndjson/ndjson-spec)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import polars as pl

from stream_qc.reading.block import Block, Malformed
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.lines import MAX_RECORD_BYTES, stretches
from stream_qc.rules import Rules

decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
decode_text = msgspec.json.Decoder(str).decode


class NdjsonReader:
    """Blocks of lines, with the fields that the rules name; the values as text, as they stand in the file.

    An absent field and a null are missing. A line that is no JSON object is malformed. Blank lines are none of the rows.
    """

    def __init__(self, content: Bytes, rules: Rules, block_bytes: int) -> None:
        self._content, self._rules, self._block_bytes = content, rules, block_bytes
        self._seen: dict[str, None] = {}

    @property
    def header(self) -> list[str]:
        return list(self._seen)

    def __iter__(self) -> Iterator[Block]:
        first = 0
        for stretch in stretches(self._content, self._block_bytes):
            columns: dict[str, list[str | None]] = {name: [] for name in self._rules.fields}
            malformed: list[Malformed] = []
            height = 0
            for line in stretch.split(b"\n"):
                if not line.strip():
                    continue
                record, reason = _object(line)
                if reason:
                    malformed.append(Malformed(first + height, reason, line.decode(errors="replace")))
                for name in record:
                    self._seen.setdefault(name)
                for name, column in columns.items():
                    column.append(_text(record.get(name)))
                height += 1
            if height:
                frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
                yield Block(first, frame, self._rules, malformed, height=height)
                first += height


def _object(line: bytes) -> tuple[dict[str, msgspec.Raw], str]:
    """The object of a line, or an empty one and the reason why there is none."""
    if len(line) > MAX_RECORD_BYTES:
        return {}, f"the line is longer than {MAX_RECORD_BYTES:,} bytes"
    try:
        record = decode(line)
        for value in record.values():
            if bytes(value).startswith(b'"'):
                decode_text(value)
    except RecursionError:
        return {}, "not a JSON object that can be read: it is nested too deep"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return {}, f"not a JSON object: {str(error).replace('JSON is malformed: ', '')}"
    return record, ""


def _text(value: msgspec.Raw | None) -> str | None:
    if value is None:
        return None
    raw = bytes(value)
    if raw == b"null":
        return None
    return decode_text(raw) if raw[:1] == b'"' else raw.decode()
