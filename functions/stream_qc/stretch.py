"""A stretch of a stream: consecutive rows that are checked together, and joined with the stretches above and below.

A stretch that is not the first is given some rows above it, so that its checks know what they carry from row to row. When two
neighbours are joined, each check compares what it began with in the second with what it carries at the end of the first. If
they are equal, as they are nearly always, the second stands as it is. If not, that check reads the rows of the second stretch
after those of the first. So stretches that are checked apart and joined give what one pass gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stream_qc.checks import TESTS, Check, Test
from stream_qc.checks.constraints import structure_checks, value_checks
from stream_qc.checks.keys import Key
from stream_qc.checks.measures import measured
from stream_qc.checks.series import Series
from stream_qc.checks.time_order import TimeOrderCheck, TimeOrderInSeries
from stream_qc.checks.uniqueness import UniqueCheck
from stream_qc.checks.where import WhereCheck
from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report, Result
from stream_qc.rules import Rules
from stream_qc.schema import Schema
from stream_qc.sinks import Sink
from stream_qc.tally import Tally
from stream_qc.vocabulary import PROCESSES
from stream_qc.whole_file import WholeFile

Blocks = Iterable[Block]
MakeSink = Callable[[Check], Sink | None]


class Stretch:
    """The checks of a stretch. A block is read once, and in order; its rows are numbered from the start of the stream.

    processes: the numbers of the processes to run. make_sink: returns a sink for the flags of a check, or None. drawer: draws
    the stream for its report. choose: tells which checks to run; by default all. Stretches that are joined have no sinks and the
    same checks.
    """

    def __init__(
        self,
        rules: Rules,
        processes: Iterable[int],
        make_sink: MakeSink = lambda _: None,
        drawer: Drawer | None = None,
        choose: Callable[[Check], bool] = lambda _: True,
    ) -> None:
        self._rules, self._processes, self._drawer = rules, tuple(processes), drawer
        series = Series(rules.schema.series) if rules.schema.series else None
        self._tallies = [
            Tally(
                process,
                check,
                rules.limit(check.field, check.test),
                make_sink(check),
                asked=check.test in TESTS,
                redact=rules.redact,
                marks=drawer.marks_of(process, check) if drawer else None,
            )
            for process in self._processes
            for check in checks_of(process, rules, series)
            if choose(check)
        ]
        self.file = WholeFile(rules)

    @property
    def names(self) -> list[str]:
        """Returns the names of the checks, as `field#test`."""
        return _names(self._tallies)

    def fields_to_read(self) -> set[str]:
        """Returns the fields that the checks need, the time, which is shown, and the z axis, which climatology_test uses."""
        axes = self._rules.schema.axes
        return self.needs() | {name for name in (axes.time, axes.z) if name is not None}

    def needs(self) -> set[str]:
        """Returns the fields that the checks need."""
        return _needs(self._tallies)

    @property
    def _axis(self) -> set[str]:
        """Returns the field of the time, which is shown beside a row; nothing if the rules name none."""
        return {self._rules.schema.axes.time or ""} - {""}

    def read_above(self, blocks: Blocks) -> None:
        """Has the checks see rows that are directly above the stretch. Their flags do not count."""
        for block in blocks:
            if self._drawer is not None:
                self._drawer.see_again(block)
            _check(block, self._tallies)
        for tally in self._tallies:
            tally.begin()

    def read(self, blocks: Blocks) -> None:
        """Checks the next rows."""
        for block in blocks:
            if self._drawer is not None:
                self._drawer.see(block)
            _check(block, self._tallies)
            self.file.update(block)

    def state(self) -> dict[str, Any]:
        """Returns all that was found so far, and what the checks know, to go on in another process."""
        drawn = None if self._drawer is None else self._drawer.state()
        return {"tallies": [tally.state() for tally in self._tallies], "file": self.file.state(), "drawn": drawn}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where another stretch with the same rules, processes and checks was."""
        for tally, found in zip(self._tallies, state["tallies"], strict=True):
            tally.restore(found)
        self.file.restore(state["file"])
        if self._drawer is not None:
            self._drawer.restore(state["drawn"])

    def add_checks(self, other: Stretch) -> None:
        """Takes over the checks of a stretch of the same rows that has other checks, and has ended."""
        found = {
            (tally.process, tally.check.field, tally.check.test): tally for tally in (*self._tallies, *other._tallies)
        }
        series = Series(self._rules.schema.series) if self._rules.schema.series else None
        names = [
            (process, check.field, check.test)
            for process in self._processes
            for check in checks_of(process, self._rules, series)
        ]
        self._tallies = [found[name] for name in names if name in found]
        if self._drawer is not None and other._drawer is not None:
            self._drawer.add_checks(other._drawer)

    def join(self, later: Stretch, blocks: Callable[[set[str]], Blocks]) -> list[str]:
        """Adds the next stretch, which is used up. blocks: returns its blocks again, with these fields.

        Returns the names of the checks that had to read its rows again, as `field#test`.
        """
        again = [mine for mine, its in zip(self._tallies, later._tallies, strict=True) if not mine.join(its)]
        for block in blocks(_needs(again) | self._axis) if again else ():
            if self._drawer is not None:
                self._drawer.see_again(block)
            _check(block, again)
        self.file.join(later.file)
        if self._drawer is not None and later._drawer is not None:
            self._drawer.join(later._drawer)
        return _names(again)

    def finish(self, blocks: Callable[[set[str]], Blocks]) -> dict[int, Report]:
        """Returns the report of each process.

        blocks: returns the blocks of the stream again, for the checks that ask for it, with these fields.
        """
        undecided = [tally for tally in self._tallies if tally.finish()]
        while undecided:
            try:
                for block in blocks(_needs(undecided) | self._axis):
                    if self._drawer is not None:
                        self._drawer.see_again(block)
                    _check(block, undecided)
            except UnreadableFile:
                if not self.file.unreadable:
                    raise
                # It ends where it did in the first pass.
            undecided = [tally for tally in undecided if tally.finish()]
        return {process: self._report(process) for process in self._processes}

    def _report(self, process: int) -> Report:
        report = self._reported(process)
        report.header = tuple(self.file.header or ())
        for example in (example for result in report.results for example in result.examples):
            example.line = self.file.line_of(example.row - 1)
        return report

    def _reported(self, process: int) -> Report:
        file, missing = self.file, self.file.missing_fields()
        results: list[Result] = list(file.results()) if process == 1 else []
        if file.rows or not file.unreadable:
            results += [tally.result(file.rows, missing) for tally in self._tallies if tally.process == process]
        if file.unreadable:
            # A check that failed in the rows that were read stays failed. One that passed so far proves nothing.
            results = [result for result in results if not result.passed or result.test == "header"]
            message = "" if process == 1 else f"not evaluated: the file cannot be read: {file.unreadable}"
            return Report(process, file.rows, results, message, unread=True)
        if not results:
            return Report(process, file.rows, results, f"the rules have no {PROCESSES[process]} checks")
        return Report(process, file.rows, results, _warning(self._rules) if process == 3 else "")


def checks_of(process: int, rules: Rules, series: Series | None = None) -> Iterator[Check]:
    """Yields the checks that the rules ask of a process, except those of the whole file. series: those of the stream."""
    if process == 3:
        yield from _continuity(rules, series)
    else:
        yield from {1: _structure, 2: _values}[process](rules)
    yield from _asked(process, rules, series)


def _asked(process: int, rules: Rules, series: Series | None) -> Iterator[Check]:
    """Yields the tests of `streams`; those of a field's entries that are for different rows as one check."""
    axes = rules.schema.axes
    by_entry: dict[tuple[str, str], dict[int, Test]] = {}
    for asked in rules.tests:
        if asked.test.process != process:
            continue
        if asked.entry is not None:
            by_entry.setdefault((asked.field, asked.name), {})[asked.entry] = asked.test
        elif series is None:
            yield asked.test.check(asked.field, axes)
        else:
            yield asked.test.check_in_series(asked.field, axes, series)
    for (field, name), tests in by_entry.items():
        yield WhereCheck(field, name, rules.wheres[field], tests, axes, series)


def _structure(rules: Rules) -> Iterator[Check]:
    fields = rules.schema.fields.values()
    for field in fields:
        yield from structure_checks(field)
    for field in fields:
        if field.constraints.unique:
            yield UniqueCheck(field.name, Key((field.name,), "unique"))
    if rules.schema.primary_key:
        yield UniqueCheck("*", Key(rules.schema.primary_key, "primaryKey", absent_fails=True))


def _values(rules: Rules) -> Iterator[Check]:
    for field in rules.schema.fields.values():
        yield from value_checks(field)


def _continuity(rules: Rules, series: Series | None) -> Iterator[Check]:
    time = rules.schema.axes.time
    if time is None:
        return
    if series is not None:
        yield TimeOrderInSeries(time, series)
        yield UniqueCheck(time, Key((*series.fields, time), "duplicate_time", compared=time))
        return
    yield TimeOrderCheck(time)
    # If the key holds more than the time, several rows may share a time: one per station, for example.
    if not beside_the_time(rules.schema):
        yield UniqueCheck(time, Key((time,), "duplicate_time"))


def beside_the_time(schema: Schema) -> list[str]:
    """Returns the fields of the primary key that are no part of the time; none if it has no time."""
    time = schema.axes.time
    times = {time, *schema.parts_of(time or "")}
    return [name for name in schema.primary_key if name not in times] if times & {*schema.primary_key} else []


def _names(tallies: list[Tally]) -> list[str]:
    return [f"{tally.check.field}#{tally.check.test}" for tally in tallies]


def _needs(tallies: list[Tally]) -> set[str]:
    return {name for tally in tallies for name in tally.check.needs}


def _check(block: Block, tallies: list[Tally]) -> None:
    """Has every check see the block: first what can be proved for all of them in one query, then row by row."""
    found = measured((measure for tally in tallies for measure in tally.measures), block.typed)
    for tally in tallies:
        tally.update(block, found)


def _warning(rules: Rules) -> str:
    """Returns a warning if the file seems to hold several series and the rules take them for one."""
    others = beside_the_time(rules.schema)
    if not others or rules.schema.series:
        return ""
    shown = others[0] if len(others) == 1 else f"[{', '.join(others)}]"
    key = " and ".join(rules.schema.primary_key)
    return (
        f"warning: the primary key is {key}, so the file may hold several series, but rows were compared with the one above "
        f"regardless of {' and '.join(others)}; add `series: {shown}` to the rules"
    )
