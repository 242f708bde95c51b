"""The engine: checks a file against its rules in one pass and reports for each process.

The file is read from front to back in blocks. Every check sees every block in order and keeps the state it needs. The
file is read again only for a check that finds at the end that an assumption it made at the start was wrong
(stream_qc.checks.cadence), or that keys may repeat (stream_qc.checks.uniqueness).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading import BLOCK_BYTES, Reader, ahead, open_reader
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report
from stream_qc.rules import Rules
from stream_qc.stretch import MakeSink, Stretch
from stream_qc.vocabulary import PROCESSES

Open = Callable[[], BinaryIO]


def check_stream(
    open_stream: Open,
    form: Format,
    rules: Rules,
    processes: Iterable[int] = tuple(PROCESSES),
    *,
    block_bytes: int = BLOCK_BYTES,
    make_sink: MakeSink = lambda _: None,
    drawer: Drawer | None = None,
) -> dict[int, Report]:
    """Checks a file against its rules and returns the report of each process.

    open_stream: returns the bytes of the file from the start, each time it is called. form: the format of the file.
    processes: the numbers of the processes to run. block_bytes: how much text is read at a time. make_sink: returns a
    sink for the flags of a check, or None. drawer: draws the stream for its report.

    A file that cannot be read is a result, not an exception: process 1 fails and says why and where, and the other
    processes report that they did not evaluate it. Raises OSError if the stream itself cannot be read.
    """
    stretch = Stretch(rules, processes, make_sink, drawer)

    def open_file(fields: set[str]) -> Reader:
        return open_reader(open_stream(), form, rules.schema, block_bytes, fields)

    try:
        reader = open_file(stretch.fields_to_read())
        stretch.file.header = reader.header
        try:
            stretch.read(ahead(reader, stretch.needs()))
        finally:
            stretch.file.header = reader.header  # NDJSON: fields may first occur in a later row
    except UnreadableFile as error:
        stretch.file.stopped(error)
    return stretch.finish(lambda fields: ahead(open_file(fields), fields))
