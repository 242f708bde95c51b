"""Writes a first rules file from good files, as a starting point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from stream_qc.engine import check_stream
from stream_qc.errors import UnreadableFile
from stream_qc.inferring.axes import order_of, time_axes
from stream_qc.inferring.fields import Seen
from stream_qc.inferring.sniffing import HEAD_BYTES, Sniffed, sniff
from stream_qc.inferring.source import Source
from stream_qc.inferring.spread import spreads
from stream_qc.inferring.writing import Found, lines_of
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.reading.bytestream import decompressed
from stream_qc.rules import load
from stream_qc.rules.table import LONGEST_NAME
from stream_qc.schema import Field, Schema


def infer(sources: Sequence[Source]) -> str:
    """Returns the text of a rules file that these files of one stream pass.

    Raises UnreadableFile if a file cannot be read, has another header than the first or a malformed row, or if all are empty.
    """
    sniffed = _sniffed(sources[0])
    sources = [one._replace(form=one.form._replace(vague=False)) for one in sources]
    columns = _common_header(sources, Schema(dialect=sniffed.dialect))
    header = [name for name in columns if name]
    null = sniffed.dialect.null_sequence
    plain = Schema(
        fields={name: Field(name) for name in header},
        dialect=sniffed.dialect,
        missing_values=("", *([null] if null else [])),
    )
    files = [partial(_blocks, one, plain) for one in sources]
    seen = [Seen(name) for name in header]
    rows = 0
    for block in (block for blocks in files for block in blocks()):
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
    order = order_of(sources, plain, seen, time_axes(files, seen))
    spread = spreads(files, seen, order, missing)
    unnamed = len(columns) - len(header)
    found = Found(sniffed, seen, len(sources), rows, missing, order, spread, unnamed)
    found.unanswered = frozenset(_failing("\n".join(lines_of(found)), sources))
    return "\n".join(lines_of(found)) + "\n"


def _failing(text: str, sources: Sequence[Source]) -> Iterator[tuple[str, str]]:
    """Yields the field and the test of each check that one of the files fails."""
    rules = load(text)
    for one in sources:
        for report in check_stream(one.open, one.form, rules).values():
            yield from ((result.field, result.test) for result in report.results if not result.passed)


def _sniffed(source: Source) -> Sniffed:
    """Returns how the file is written. Only CSV has dialects."""
    if source.form.kind != "csv":
        return Sniffed()
    return sniff(decompressed(source.open(), source.form).peek(HEAD_BYTES))


def _common_header(sources: Sequence[Source], schema: Schema) -> list[str]:
    """Returns the names of the fields. Raises UnreadableFile if one cannot be used, or if the files differ."""
    first, *others = (_header(one, schema) for one in sources)
    faults = [
        f"the field {name} occurs {count} times in the header"
        for name, count in Counter(first).items()
        if name and count > 1
    ]
    faults += [
        f"a field name must have 1 to {LONGEST_NAME} characters: {name[:40]!r}"
        for name in first
        if len(name) > LONGEST_NAME
    ]
    if not any(first):
        faults.append("no column has a name")
    if faults:
        raise UnreadableFile(f"{'; '.join(faults)}; rules can only be inferred from a good file")
    for source, header in zip(sources[1:], others, strict=True):
        differs = sorted({*header} ^ {*first})
        if differs:
            raise UnreadableFile(
                f"{source.name} and {sources[0].name} are not of one stream: only one of them has {', '.join(differs)}"
            )
    return first


def _header(source: Source, schema: Schema) -> list[str]:
    reader = open_reader(source.open(), source.form, schema)
    for _ in reader:
        pass
    return reader.header


def _blocks(source: Source, schema: Schema) -> Iterator[Block]:
    for block in open_reader(source.open(), source.form, schema):
        if block.malformed:
            first = block.malformed[0]
            raise UnreadableFile(
                f"{source.name}: row {first.row + 1:,} is malformed ({first.reason}); "
                "rules can only be inferred from a good file"
            )
        yield block
