"""The engine: all that a process asks of a file, in one pass; a report.

The file is read front to back, in blocks; every check sees every block in order and carries what it needs. A second
pass is made only where a check finds at the end that what it assumed at the start was wrong (stream_qc.checks.cadence).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from stream_qc import checks
from stream_qc.checks.constraints import structure_checks, value_checks
from stream_qc.checks.duplicate_time import DuplicateTimeCheck
from stream_qc.checks.time_order import TimeOrderCheck
from stream_qc.checks.uniqueness import UniqueCheck
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.reading import BLOCK_BYTES, Reader, ahead, open_reader
from stream_qc.reading.block import Block, Malformed
from stream_qc.results import SHOWN, Example, Report, Result, shorten
from stream_qc.rules import Rules
from stream_qc.tally import Sink, Tally
from stream_qc.vocabulary import PROCESSES

Open = Callable[[], BinaryIO]
SHOWN_OF_NAME = 60  # characters of a name that a file's header has
MakeSink = Callable[[checks.Check], Sink | None]


def check_stream(
    open_stream: Open,
    form: Format,
    rules: Rules,
    processes: Iterable[int] = tuple(PROCESSES),
    *,
    block_bytes: int = BLOCK_BYTES,
    make_sink: MakeSink = lambda _: None,
) -> dict[int, Report]:
    """Checks a file against its rules and reports for each process that was asked for.

    open_stream: gives the file's bytes from the start, as often as it is called. make_sink: gives the check's taker of
    every row's flag, if it has one.

    A file that cannot be read is a result, not an exception: process 1 says why and where, and the others say that
    they did not evaluate it. Raises OSError where the stream itself breaks.
    """
    tallies = [
        Tally(process, check, rules.limit(check.field, check.test), make_sink(check))
        for process in processes
        for check in checks_of(process, rules)
    ]
    # A climatology_test looks at the depth where there is one, and does without where there is none.
    wanted = {name for tally in tallies for name in tally.check.needs} | {str(rules.z)}
    structure = Structure(rules)
    rows, header, unreadable = 0, None, ""
    try:
        reader = open_reader(open_stream(), form, rules, block_bytes, wanted)
        header = reader.header
        for block in ahead(reader):
            structure.update(block)
            for tally in tallies:
                tally.update(block)
            rows += block.height
        header = reader.header
    except UnreadableFile as error:
        unreadable = f"{error} (after row {rows:,})" if rows else str(error)
    again = [tally for tally in tallies if tally.finish()]
    if again and not unreadable:
        _second_pass(again, open_reader(open_stream(), form, rules, block_bytes, wanted))
    absent = set() if header is None else set(rules.fields) - set(header)
    reports = {}
    for process in processes:
        found = [
            tally.result(rows, sorted(absent & set(tally.check.needs)))
            for tally in tallies
            if tally.process == process and not (unreadable and tally in again)  # it has said nothing that stands
        ]
        if unreadable and not rows:
            found = []
        if process == 1:
            found = [*structure.results(rows, header, unreadable), *found]
        reports[process] = _report(process, rows, found, unreadable)
    return reports


def _second_pass(tallies: list[Tally], reader: Reader) -> None:
    for block in ahead(reader):
        for tally in tallies:
            tally.update(block)
    for tally in tallies:
        tally.finish()


def checks_of(process: int, rules: Rules) -> Iterator[checks.Check]:
    """The checks that the rules ask of a process, apart from those of the whole file."""
    yield from {1: _of_structure, 2: _of_values, 3: _of_continuity}[process](rules)
    for asked in rules.tests:
        if asked.test.process == process:
            yield asked.test.check(asked.field, rules)


def _of_structure(rules: Rules) -> Iterator[checks.Check]:
    for field in rules.fields.values():
        yield from structure_checks(field)
    for field in rules.fields.values():
        if field.constraints.unique:
            yield UniqueCheck(field.name, "unique", (field.name,))
    if rules.primary_key:
        yield UniqueCheck("*", "primaryKey", rules.primary_key, absent_fails=True)


def _of_values(rules: Rules) -> Iterator[checks.Check]:
    for field in rules.fields.values():
        yield from value_checks(field)


def _of_continuity(rules: Rules) -> Iterator[checks.Check]:
    if rules.time is None:
        return
    yield TimeOrderCheck(rules.time)
    # Where the key holds more than the time, several rows may share one: a row a station, say.
    if not (len(rules.primary_key) > 1 and rules.time in rules.primary_key):
        yield DuplicateTimeCheck(rules.time)


class Structure:
    """The checks of the file as a whole: can it be read, are its rows rows, does the header hold the fields, are there rows."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._malformed: list[Malformed] = []
        self._malformed_count = 0

    def update(self, block: Block) -> None:
        self._malformed_count += len(block.malformed)
        self._malformed += block.malformed[: SHOWN - len(self._malformed)]

    def results(self, rows: int, header: list[str] | None, unreadable: str) -> Iterator[Result]:
        yield Result(
            1,
            "*",
            "readable",
            passed=not unreadable,
            message=unreadable or "the file was read to its end",
            rows=rows,
        )
        if header is None:
            return
        yield self._header(rows, header)
        yield self._well_formed(rows)
        if not unreadable:  # nobody knows how many there are
            yield self._rows(rows)

    def _header(self, rows: int, header: list[str]) -> Result:
        times = Counter(header)
        faults = _few([f"the field {name} is missing" for name in self.rules.fields if name not in times])
        if faults:
            faults.append("the file has " + ", ".join(_few([shorten(name, SHOWN_OF_NAME) for name in header])))
        faults += _few(
            [
                f"the field {shorten(name, SHOWN_OF_NAME)} is there {count} times"
                for name, count in times.items()
                if count > 1
            ]
        )
        return Result(
            1,
            "*",
            "header",
            passed=not faults,
            message="; ".join(faults) or "the header holds every field of the schema",
            rows=rows,
        )

    def _well_formed(self, rows: int) -> Result:
        count = self._malformed_count
        passed = not count or count / rows <= self.rules.limit("*", "well_formed")
        return Result(
            1,
            "*",
            "well_formed",
            passed=passed,
            message=f"{count:,} of {rows:,} rows are malformed" if count else "every row is well formed",
            rows=rows,
            good=rows - count,
            fail=count,
            examples=[Example(item.row + 1, item.text, item.reason) for item in self._malformed],
            truncated=count > len(self._malformed),
        )

    def _rows(self, rows: int) -> Result:
        least, most = self.rules.rows.minimum, self.rules.rows.maximum
        message = f"{rows:,} data {'row' if rows == 1 else 'rows'}"
        if rows < least:
            message += f"; at least {least:,} must be there"
        if most is not None and rows > most:
            message += f"; at most {most:,} may be there"
        return Result(
            1,
            "*",
            "rows",
            passed=rows >= least and (most is None or rows <= most),
            message=message,
            rows=rows,
        )


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= SHOWN else [*texts[:SHOWN], f"and {len(texts) - SHOWN:,} more"]


def _report(process: int, rows: int, results: list[Result], unreadable: str) -> Report:
    if unreadable:
        # What failed before the file broke off stays. What had not failed by then says nothing of the file.
        results = [result for result in results if not result.passed or result.test == "header"]
        message = "" if process == 1 else f"not evaluated: the file cannot be read: {unreadable}"
        return Report(process, rows, results, message, unread=True)
    message = "" if results else f"the rules ask nothing of {PROCESSES[process]}"
    return Report(process, rows, results, message)
