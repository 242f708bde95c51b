"""Writes a first rules file from a good file, as a starting point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stream_qc.engine import Open
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.inferring.axes import order_of, time_axes
from stream_qc.inferring.fields import Seen
from stream_qc.inferring.sniffing import HEAD_BYTES, Sniffed, sniff
from stream_qc.inferring.writing import Found, lines_of
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.reading.bytestream import decompressed
from stream_qc.rules.table import LONGEST_NAME
from stream_qc.schema import Field, Schema


def infer(open_stream: Open, form: Format) -> str:
    """Returns the text of a rules file that this file passes.

    Raises UnreadableFile if the file cannot be read, has no rows or has a malformed one.
    """
    sniffed = _sniffed(open_stream, form)
    form = form._replace(vague=False)
    header = _header(open_stream, form, Schema(dialect=sniffed.dialect))
    faults = [
        f"the field {name} occurs {count} times in the header" for name, count in Counter(header).items() if count > 1
    ]
    faults += [
        f"a field name must have 1 to {LONGEST_NAME} characters: {name[:40]!r}"
        for name in header
        if not 0 < len(name) <= LONGEST_NAME
    ]
    if faults:
        raise UnreadableFile(f"{'; '.join(faults)}; rules can only be inferred from a good file")
    null = sniffed.dialect.null_sequence
    plain = Schema(
        fields={name: Field(name) for name in header},
        dialect=sniffed.dialect,
        missing_values=("", *([null] if null else [])),
    )
    seen = [Seen(name) for name in dict.fromkeys(header)]
    rows = 0
    for block in _blocks(open_stream, form, plain):
        for one in seen:
            one.add(block)
        rows += block.height
    if not rows:
        raise UnreadableFile("the file has no rows; rules can only be inferred from a good file")
    values = {one.name: {value for value in one.sentinels if not one.is_far(value)} for one in seen}
    missing = [
        *dict.fromkeys(
            text
            for one in seen
            for text in one.settle({value for name, found in values.items() if name != one.name for value in found})
        )
    ]
    axes = time_axes(lambda: _blocks(open_stream, form, plain), seen)
    order = order_of(open_stream, form, plain, seen, axes)
    return "\n".join(lines_of(Found(sniffed, seen, rows, missing, order))) + "\n"


def _sniffed(open_stream: Open, form: Format) -> Sniffed:
    """Returns how the file is written. Only CSV has dialects."""
    if form.kind != "csv":
        return Sniffed()
    return sniff(decompressed(open_stream(), form).peek(HEAD_BYTES))


def _header(open_stream: Open, form: Format, schema: Schema) -> list[str]:
    reader = open_reader(open_stream(), form, schema)
    for _ in reader:
        pass
    return reader.header


def _blocks(open_stream: Open, form: Format, schema: Schema) -> Iterator[Block]:
    for block in open_reader(open_stream(), form, schema):
        if block.malformed:
            first = block.malformed[0]
            raise UnreadableFile(
                f"row {first.row + 1:,} is malformed ({first.reason}); rules can only be inferred from a good file"
            )
        yield block
