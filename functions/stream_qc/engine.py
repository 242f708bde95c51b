"""The engine: checks a file against its rules in one pass and reports for each process.

The file is read from front to back in blocks. Every check sees every block in order and keeps the state it needs. The
file is read again only for a check that finds at the end that an assumption it made at the start was wrong
(stream_qc.checks.cadence), or that keys may repeat (stream_qc.checks.uniqueness).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from stream_qc.checks import TESTS, Check
from stream_qc.checks.constraints import structure_checks, value_checks
from stream_qc.checks.measures import measured
from stream_qc.checks.time_order import TimeOrderCheck
from stream_qc.checks.uniqueness import UniqueCheck
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading import BLOCK_BYTES, Reader, ahead, open_reader
from stream_qc.reading.block import Block
from stream_qc.results import Report, Result
from stream_qc.rules import Rules
from stream_qc.tally import Sink, Tally
from stream_qc.vocabulary import PROCESSES
from stream_qc.whole_file import WholeFile

Open = Callable[[], BinaryIO]
MakeSink = Callable[[Check], Sink | None]


def check_stream(
    open_stream: Open,
    form: Format,
    rules: Rules,
    processes: Iterable[int] = tuple(PROCESSES),
    *,
    block_bytes: int = BLOCK_BYTES,
    make_sink: MakeSink = lambda _: None,
) -> dict[int, Report]:
    """Checks a file against its rules and returns the report of each process.

    open_stream: returns the bytes of the file from the start, each time it is called. form: the format of the file.
    processes: the numbers of the processes to run. block_bytes: how much text is read at a time. make_sink: returns a
    sink for the flags of a check, or None.

    A file that cannot be read is a result, not an exception: process 1 fails and says why and where, and the other
    processes report that they did not evaluate it. Raises OSError if the stream itself cannot be read.
    """
    tallies = [
        Tally(process, check, rules.limit(check.field, check.test), make_sink(check), asked=check.test in TESTS)
        for process in processes
        for check in checks_of(process, rules)
    ]
    wanted = _fields_to_read(tallies, rules)

    def open_file() -> Reader:
        return open_reader(open_stream(), form, rules.schema, block_bytes, wanted)

    file = WholeFile(rules)
    _first_pass(open_file, file, tallies)
    undecided = [tally for tally in tallies if tally.finish()]
    while undecided and not file.unreadable:
        undecided = _another_pass(open_file, undecided)
    decided = [tally for tally in tallies if tally not in undecided]
    return {process: _report(process, file, decided) for process in processes}


def checks_of(process: int, rules: Rules) -> Iterator[Check]:
    """Yields the checks that the rules ask of a process, except those of the whole file."""
    yield from {1: _structure, 2: _values, 3: _continuity}[process](rules)
    for asked in rules.tests:
        if asked.test.process == process:
            yield asked.test.check(asked.field, rules.schema.axes)


def _structure(rules: Rules) -> Iterator[Check]:
    fields = rules.schema.fields.values()
    for field in fields:
        yield from structure_checks(field)
    for field in fields:
        if field.constraints.unique:
            yield UniqueCheck(field.name, "unique", (field.name,))
    if rules.schema.primary_key:
        yield UniqueCheck("*", "primaryKey", rules.schema.primary_key, absent_fails=True)


def _values(rules: Rules) -> Iterator[Check]:
    for field in rules.schema.fields.values():
        yield from value_checks(field)


def _continuity(rules: Rules) -> Iterator[Check]:
    time, key = rules.schema.axes.time, rules.schema.primary_key
    if time is None:
        return
    yield TimeOrderCheck(time)
    # If the key holds more than the time, several rows may share a time: one per station, for example.
    if not (len(key) > 1 and time in key):
        yield UniqueCheck(time, "duplicate_time", (time,))


def _fields_to_read(tallies: list[Tally], rules: Rules) -> set[str]:
    """Returns the fields that the checks need, and the z axis, which climatology_test uses if the file has it."""
    wanted = {name for tally in tallies for name in tally.check.needs}
    return wanted if rules.schema.axes.z is None else {*wanted, rules.schema.axes.z}


def _first_pass(open_file: Callable[[], Reader], file: WholeFile, tallies: list[Tally]) -> None:
    try:
        reader = open_file()
        file.header = reader.header
        for block in ahead(reader):
            _check(block, tallies)
            file.update(block)
        file.header = reader.header  # NDJSON: fields may first occur in a later row
    except UnreadableFile as error:
        file.unreadable = f"{error} (after row {file.rows:,})" if file.rows else str(error)


def _another_pass(open_file: Callable[[], Reader], tallies: list[Tally]) -> list[Tally]:
    """Reads the file again for these checks. Returns those that need yet another pass."""
    for block in ahead(open_file()):
        _check(block, tallies)
    return [tally for tally in tallies if tally.finish()]


def _check(block: Block, tallies: list[Tally]) -> None:
    """Has every check see the block: first what can be proved for all of them in one query, then row by row."""
    found = measured((measure for tally in tallies for measure in tally.measures), block.typed)
    for tally in tallies:
        tally.update(block, found)


def _report(process: int, file: WholeFile, tallies: list[Tally]) -> Report:
    missing = file.missing_fields()
    results: list[Result] = list(file.results()) if process == 1 else []
    if file.rows or not file.unreadable:
        results += [tally.result(file.rows, missing) for tally in tallies if tally.process == process]
    if file.unreadable:
        # A check that failed in the rows that were read stays failed. One that passed so far proves nothing.
        results = [result for result in results if not result.passed or result.test == "header"]
        message = "" if process == 1 else f"not evaluated: the file cannot be read: {file.unreadable}"
        return Report(process, file.rows, results, message, unread=True)
    message = "" if results else f"the rules have no {PROCESSES[process]} checks"
    return Report(process, file.rows, results, message)
