"""Reads newline-delimited JSON, one object per line (https://github.com/ndjson/ndjson-spec).

Lines that all hold the same fields are split at their commas (stream_qc.reading.uniform_lines). Otherwise, polars parses a
block at once if the result is certain to be the same as line by line: the block has no escapes, no repeated field in a line,
and no value of another type than its field's. Other blocks are parsed line by line. The rows and the text of their cells do
not depend on how a block was parsed.
"""

from __future__ import annotations

import functools
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
import polars as pl

from stream_qc import fieldtypes
from stream_qc.cells import Cells
from stream_qc.reading.block import Block, Malformed
from stream_qc.reading.bytestream import Bytes
from stream_qc.reading.lines import MAX_RECORD_BYTES, whole_lines
from stream_qc.reading.uniform_lines import table
from stream_qc.schema import Field, Schema

decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
decode_text = msgspec.json.Decoder(str).decode

MOST_NAMES = 10_000  # of fields in the header, if the schema has no fields: the first ones
NATIVE = {"boolean": pl.Boolean(), "integer": pl.Int64(), "number": pl.Float64(), "year": pl.Int64()}
"""The types that JSON has too, and the polars types they are read as. The other types are strings in JSON."""


class LineBlock(Block):
    """A block of lines. lines: returns the text of each row, from which the text of a cell is taken."""

    def __init__(
        self,
        first: int,
        raw: pl.DataFrame,
        schema: Schema,
        lines: Callable[[], pl.Series],
        malformed: Sequence[Malformed] = (),
        *,
        height: int,
    ) -> None:
        super().__init__(first, raw, schema, malformed, height=height)
        self.lines = lines

    def text(self, name: str) -> pl.Series:
        if name in self.schema.time_parts:
            return super().text(name)
        return fieldtypes.text(self.typed(name) if self.field(name).type in NATIVE else self.given(name))

    def cells(self, name: str) -> Cells:
        if name in self.schema.time_parts:
            return super().cells(name)
        return Cells(
            self.lines,
            lambda lines: [_text(_value(_object(line.encode())[0], name)) for line in lines.to_list()],
            self.when,
        )


class NdjsonReader:
    """Yields blocks of lines with the wanted fields.

    Absent fields and nulls are missing. A line that is not a JSON object is malformed. Blank lines are not rows.
    """

    def __init__(self, content: Bytes, schema: Schema, wanted: Sequence[str], block_bytes: int) -> None:
        self._content, self._schema, self._block_bytes = content, schema, block_bytes
        self._first_names: dict[str, None] = {}
        self._seen: set[str] = set()
        self._types = {name: NATIVE.get(schema.fields[name].type, pl.String()) for name in wanted}
        # A name such as valueQuantity.value is a path, unless an object has a field of this name.
        self._paths = [name for name in wanted if "." in name]
        # polars does not tell the names that the schema lacks, and without one the header lists all of them.
        self._known = (
            bool(schema.fields)
            and not self._paths
            and all(_reads_as_polars_does(schema.fields[name], schema) for name in wanted)
        )

    @property
    def leading(self) -> int | None:
        return len(self._first_names)

    @property
    def header(self) -> list[str]:
        """Returns the fields of the first object and those of the schema's fields that occur in any object."""
        return [
            *self._first_names,
            *(name for name in self._schema.fields if name in self._seen - {*self._first_names}),
        ]

    def __iter__(self) -> Iterator[Block]:
        first = 0
        for lines in whole_lines(self._content, self._block_bytes):
            block = self._uniform(lines, first) or self._at_once(lines, first) or self._line_by_line(lines, first)
            if block.height:
                yield block
                first += block.height

    def _uniform(self, data: bytes, first: int) -> LineBlock | None:
        """Returns the block if its lines all hold the same fields, in the same order. Without a schema, any field tells."""
        names = [] if self._paths else [*_object(data[: data.find(b"\n")])[0]]
        frame = table(data, names, self._types if self._schema.fields else names[:1])
        if frame is None:
            return None
        self._add_names(names)
        self._seen.update(names & self._schema.fields.keys())
        return LineBlock(first, frame, self._schema, functools.cache(lambda: _lines(data)), height=frame.height)

    def _at_once(self, data: bytes, first: int) -> LineBlock | None:
        """Returns the block as parsed by polars, or None if that may differ from parsing line by line."""
        if not self._known or b"\\" in data:
            return None
        if not self._first_names:
            self._add_names(_object(data.lstrip().partition(b"\n")[0])[0])
            if not self._first_names:  # another line has the names
                return None
        try:
            # Without any wanted field, polars accepts every line and returns no rows.
            frame = pl.read_ndjson(data, schema=self._types or {"": pl.String()})
            lines = _lines(data)
        except pl.exceptions.PolarsError:
            return None
        lines = lines.filter(lines.str.strip_chars() != "") if lines.len() != frame.height else lines
        if lines.len() != frame.height or (lines.str.len_bytes().max() or 0) > MAX_RECORD_BYTES:  # type: ignore[operator]
            return None
        block = LineBlock(first, frame.select(*self._types), self._schema, lambda: lines, height=lines.len())
        return block if self._agrees(block, data) else None

    def _agrees(self, block: LineBlock, data: bytes) -> bool:
        """Returns whether parsing line by line would give the same block."""
        floats = [column for column in block.raw if column.dtype == pl.Float64]
        if any(_has_minus_zero(block.lines(), column) or column.is_infinite().any() for column in floats):  # 1e400
            return False
        # The header must list a field even if no check reads it, or its value is null.
        unseen = [name for name in self._schema.fields if name not in self._seen]
        for name in unseen:
            if name in block.raw.columns and block.raw[name].null_count() < block.height:
                self._seen.add(name)
            elif f'"{name}"'.encode() in data:
                return False
        frame = block.raw
        # If every row has every field and there are no other keys, no field is repeated.
        keys = frame.height * frame.width if set(self._first_names) == set(frame.columns) else -1
        # Every key is directly followed by its colon. To look for a single byte is much faster.
        plain = all(blank not in data or b'"' + blank not in data for blank in (b" ", b"\t"))
        once = plain and not any(column.null_count() for column in frame) and data.count(b'":') == keys
        return all(
            (once or _once_a_line(name, data, block.lines(), frame[name])) and self._as_written(block, name, data)
            for name in frame.columns
        )

    def _as_written(self, block: LineBlock, name: str, data: bytes) -> bool:
        """Returns whether polars kept the values as written. It reads numbers as text, and ignores years."""
        field, column = block.field(name), block.raw[name]
        if column.dtype == pl.String:
            given = block.given(name).null_count() == column.null_count()  # a number may equal a missing value
            iso = field.type in ("date", "datetime", "time") and field.format == "default"
            if iso and given and not block.unread(name):
                return True  # no number looks like a date or a time
            if not column.str.contains(r"^[-0-9tf\[{]").any():
                return True  # a JSON value that starts otherwise is a string
            return not re.search(rb'"' + re.escape(name.encode()) + rb'"\s*:\s*[^"n\s]', data)
        return field.type != "year" or bool(column.is_between(1000, 9999).all())

    def _add_names(self, names: Iterable[str]) -> None:
        """Adds names of a line to the header: of the first line that has some, or of every line if the schema has no fields."""
        if not self._first_names or (not self._schema.fields and len(self._first_names) < MOST_NAMES):
            self._first_names |= dict.fromkeys(names)
        if not self._schema.fields and len(self._first_names) > MOST_NAMES:
            self._first_names = dict.fromkeys(itertools.islice(self._first_names, MOST_NAMES))

    def _line_by_line(self, data: bytes, first: int) -> LineBlock:
        columns: dict[str, list[str | None]] = {name: [] for name in self._types}
        malformed: list[Malformed] = []
        lines: list[str] = []
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            record, reason = _object(line)
            if reason:
                malformed.append(Malformed(first + len(lines), reason, line.decode(errors="replace")))
            self._add_names(record)
            self._seen.update(record.keys() & self._schema.fields.keys())
            self._seen.update(name for name in self._paths if _value(record, name) is not None)
            for name, column in columns.items():
                column.append(_text(_value(record, name)))
            lines.append("" if reason else line.decode())
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        texts = pl.Series(lines, dtype=pl.String)
        return LineBlock(first, frame, self._schema, lambda: texts, malformed, height=texts.len())


def _lines(data: bytes) -> pl.Series:
    return pl.read_csv(
        io.BytesIO(data), has_header=False, separator="\x01", quote_char=None, schema={"line": pl.String}
    )["line"]


def _reads_as_polars_does(field: Field, schema: Schema) -> bool:
    """Returns whether polars and the schema agree on the values of the field."""
    quoted = any(character in field.name for character in '"\\')
    if field.type == "boolean":
        named = "true" in field.true_values and "false" in field.false_values
        return not quoted and named and not {"true", "false"} & {*schema.missing_values}
    return not quoted


def _has_minus_zero(lines: pl.Series, column: pl.Series) -> bool:
    """Returns whether a line may have -0, which polars reads as 0."""
    zeros = lines.filter((column == 0).fill_null(value=False))
    return bool(zeros.len()) and bool(zeros.str.contains(r"[:\s]-0([^.\deE]|$)").any())


def _once_a_line(name: str, data: bytes, lines: pl.Series, column: pl.Series) -> bool:
    """Returns whether no line repeats the field. polars would use the first value, most JSON parsers the last."""
    key = f'"{name}"'
    found = data.count(key.encode())
    if found < lines.len() or column.null_count():
        return not found or lines.str.count_matches(key, literal=True).max() == 1
    return found == lines.len()


def _object(line: bytes) -> tuple[dict[str, msgspec.Raw], str]:
    """Returns the object of a line and "", or {} and the reason why the line is malformed."""
    if len(line) > MAX_RECORD_BYTES:
        return {}, f"the line is longer than {MAX_RECORD_BYTES:,} bytes"
    if not line:
        return {}, ""
    try:
        line.decode()
        record = decode(line)
        for value in record.values():
            if bytes(value).startswith(b'"'):
                decode_text(value)
    except RecursionError:
        return {}, "not a readable JSON object: it is nested too deeply"
    except UnicodeDecodeError as error:
        return {}, f"not UTF-8: byte 0x{line[error.start]:02x} at byte {error.start + 1} of the line"
    except msgspec.DecodeError as error:
        return {}, f"not a JSON object: {str(error).replace('JSON is malformed: ', '')}"
    return record, ""


def _value(record: dict[str, msgspec.Raw], name: str) -> msgspec.Raw | None:
    """Returns the value of a field, or that at the end of its path: `a.b` is b in the object a."""
    if name in record or "." not in name:
        return record.get(name)
    *path, last = name.split(".")
    for step in path:
        value = record.get(step)
        if value is None or bytes(value) == b"null":
            return None
        if not bytes(value).startswith(b"{"):
            return msgspec.Raw(msgspec.json.encode(f"{step} is not an object: {bytes(value).decode()}"))
        record = decode(value)
    return record.get(last)


def _text(value: msgspec.Raw | None) -> str | None:
    if value is None:
        return None
    raw = bytes(value)
    if raw == b"null":
        return None
    return decode_text(raw) if raw[:1] == b'"' else raw.decode()
