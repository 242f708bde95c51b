"""Turns the flags of a check into its result: the counts, the first offending rows, and whether it passes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from itertools import repeat

import polars as pl

from stream_qc.checks.base import Again, Check, Flags, Late, RowCheck, Test, show_time
from stream_qc.checks.measures import Found, Measure
from stream_qc.extent import Extent
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.redaction import REDACTED, hides, without_values
from stream_qc.results import SHOWN, Example, Result
from stream_qc.sinks import Marks, Sink, State

STATE = (
    "_begun", "_of_times", "_hides_times", "_ended", "_times", "_unread", "_counts", "_extent", "_failing", "_suspect",
)  # fmt: skip


class Tally:
    """Runs one check over the blocks of a stream and collects what its result needs.

    limit: the share of rows that may fail. asked: whether the check must judge at least one row to pass, as a test that the
    rules ask for must; the constraints of a field whose values are all missing are met. redact: the fields whose values are not
    shown, as in Rules. marks: takes what is drawn of the flags.
    """

    def __init__(
        self,
        process: int,
        check: Check,
        limit: float,
        sink: Sink | None = None,
        *,
        asked: bool = False,
        redact: tuple[str, ...] = (),
        marks: Marks | None = None,
    ) -> None:
        self.process, self.check, self.limit, self.sink = process, check, limit, sink
        self.asked, self._redact, self._marks = asked, redact, marks
        self._hides_values = hides(redact, (check.field, *check.needs))
        self._hides_times = False
        self._begun: object = None  # what the check carried when the stretch began
        self._of_times = False  # whether it tests the time axis, so that the time of a row is its value
        self._ended = False  # whether it needs no further pass
        self._reset()

    @property
    def measures(self) -> Sequence[Measure]:
        """Returns what `update` needs to know of the next block."""
        return () if self.sink is not None else self.check.measures

    def update(self, block: Block, found: Found) -> None:
        """Counts the flags of a block, without computing them if it is proved clean. A sink needs them all."""
        time = block.schema.axes.time
        self._of_times = self.check.field == time
        self._hides_times = time is not None and hides(self._redact, (time,))
        if time in self.check.needs:
            self._times += block.height - block.typed(time).null_count()
        else:
            self._times += block.height
        self._unread += sum(block.unread(name) for name in self.check.needs if name in block.schema.fields)
        clean = self.check.prove(block, found) if self.sink is None else None
        if clean is not None:
            self._counts[GOOD] += clean.good
            self._counts[MISSING] += clean.missing
            self._counts[UNKNOWN] += clean.unknown
            return
        flags = self.check.update(block)
        if isinstance(flags, Flags):
            self._add(flags)
        elif flags is not None:
            self._take(flags)

    def begin(self) -> None:
        """Starts counting: the rows so far were those above a stretch."""
        self._reset()
        self._begun = self.check.carried
        for collected in self.check.collected:
            collected.forget()

    def join(self, later: Tally) -> bool:
        """Goes on where the tally of the next stretch ended, if that one began with what this one carries.

        Returns False if it did not. Its stretch must then be checked by this one.
        """
        if later._begun != self.check.carried:
            return False
        for collected, gathered in zip(self.check.collected, later.check.collected, strict=False):
            gathered.include(collected)
        self.check = later.check
        for flag, count in later._counts.items():
            self._counts[flag] += count
        self._times += later._times
        self._unread += later._unread
        self._extent.include(later._extent)
        # A row that was flagged late may be above the stretch that flagged it.
        self._failing[:] = _first(self._failing + later._failing)
        self._suspect[:] = _first(self._suspect + later._suspect)
        if self._marks is not None and later._marks is not None:
            self._marks.include(later._marks)
        return True

    def state(self) -> State:
        """Returns all that was found so far, and what the check knows, to go on elsewhere.

        A check that has ended knows nothing. One that looks at one row at a time does not either. The other one has the test of
        the rules and the expressions itself.
        """
        known = {} if self._ended or isinstance(self.check, RowCheck) else vars(self.check)
        check = {
            name: value for name, value in known.items() if name != "measures" and not isinstance(value, pl.Expr | Test)
        }
        marks = None if self._marks is None else self._marks.state()
        return {name: getattr(self, name) for name in STATE} | {"check": check, "marks": marks}

    def restore(self, state: State) -> None:
        """Goes on where another tally of the same check was. state: of that one; it belongs to this one from now on."""
        vars(self.check).update(state["check"])
        vars(self).update((name, state[name]) for name in STATE)
        if self._marks is not None:
            self._marks.restore(state["marks"])

    def finish(self) -> bool:
        """Adds what the check reports at the end of the stream. Returns True if the check needs a second pass."""
        if self._ended:
            return False
        found = [*self.check.finish()]
        for one in found:
            if isinstance(one, Again):
                self.check = one.check
                self._reset()
                if self.sink is not None:
                    self.sink.restart()
                return True
        self._take([one for one in found if not isinstance(one, Again)])
        self._ended = True
        return False

    def result(self, rows: int, missing_fields: Collection[str]) -> Result:
        """Returns the result after the last pass. rows: the data rows of the file. missing_fields: what the file lacks."""
        fail, suspect, unknown = self._counts[FAIL], self._counts[SUSPECT], self._counts[UNKNOWN]
        needs = self.check.needs
        absent = sorted({*needs} & {*missing_fields})
        if absent:
            return self._not_evaluated(rows, f"the file has no field {', '.join(absent)}")
        if self._unread and not self._counts[GOOD] + suspect + fail:
            return self._not_evaluated(rows, f"no row has a valid value in {' and '.join(needs)}")
        if rows and not self._times and not fail:
            return self._not_evaluated(rows, f"no row has a time ({', '.join(needs)})")
        if rows and self.asked and not self._counts[GOOD] + suspect + fail:
            why = self.check.unjudged if unknown else f"no row has a value ({', '.join(needs)})"
            return self._not_evaluated(rows, why)
        passed = not fail or fail / rows <= self.limit  # not limit * rows, which is below 29 for 0.29 of 100
        examples = _first((self._failing + self._suspect)[:SHOWN])  # failing rows before suspect ones
        return Result(
            self.process,
            self.check.field,
            self.check.test,
            passed=passed,
            message=self._message(rows, passed=passed),
            rows=rows,
            good=self._counts[GOOD],
            not_evaluated=unknown,
            suspect=suspect,
            fail=fail,
            missing=self._counts[MISSING],
            examples=examples,
            truncated=fail + suspect > len(examples),
        )

    def _not_evaluated(self, rows: int, why: str) -> Result:
        return Result(
            self.process,
            self.check.field,
            self.check.test,
            passed=False,
            message=f"not evaluated: {why}",
            rows=rows,
            not_evaluated=rows,
        )

    def _message(self, rows: int, *, passed: bool) -> str:
        fail, suspect = self._counts[FAIL], self._counts[SUSPECT]
        parts = [f"{fail:,} of {rows:,} rows {'fails' if fail == 1 else 'fail'}"] if fail else []
        if fail > 1:
            extent = self._extent.words(times=not self._hides_times, number=not self._hides_values)
            parts[0] += f" ({', '.join([percent(fail / rows), *extent])})"
        if fail and self.limit:
            parts.append(f"{'within' if passed else 'above'} the limit of {self.limit:.3%}".replace(".000%", "%"))
        if suspect:
            parts.append(f"{suspect:,} suspect" if fail else f"{suspect:,} of {rows:,} rows suspect")
        if not parts:
            parts.append("no row fails" if rows else "no rows")
        parts += [f"{self._counts[MISSING]:,} missing"] if self._counts[MISSING] else []
        parts += [f"{self._counts[UNKNOWN]:,} not evaluated"] if self._counts[UNKNOWN] else []
        return ", ".join(parts)

    def _reset(self) -> None:
        self._times = 0  # rows with a time if the check needs it, otherwise all rows
        self._unread = 0  # cells that are not of the type of their field
        self._counts = dict.fromkeys((GOOD, UNKNOWN, SUSPECT, FAIL, MISSING), 0)
        self._extent = Extent()
        self._failing: list[Example] = []
        self._suspect: list[Example] = []
        if self._marks is not None:
            self._marks.restart()

    def _take(self, found: Iterable[Flags | Late]) -> None:
        for one in found:
            if isinstance(one, Late):
                self._change(one)
            else:
                self._add(one)

    def _add(self, found: Flags) -> None:
        # Several times as fast as value_counts.
        counts = {flag: int((found.flags == flag).sum()) for flag in (UNKNOWN, SUSPECT, FAIL, MISSING)}
        counts[GOOD] = found.flags.len() - sum(counts.values())
        for flag, count in counts.items():
            self._counts[flag] += count
        if counts[FAIL]:
            failing = (found.flags == FAIL).arg_true()
            self._extent.add(found.raw.times(failing), failing, found.numbers)
            if len(self._failing) < SHOWN:
                self._show(found, FAIL, self._failing)
        if counts[SUSPECT] and len(self._suspect) < SHOWN:
            self._show(found, SUSPECT, self._suspect)
        if self._marks is not None and (counts[FAIL] or counts[SUSPECT]):
            self._marks.add(found)
        if self.sink is not None:
            self.sink.write(found.flags)

    def _change(self, late: Late) -> None:
        self._counts[late.was] -= late.count
        self._counts[late.flag] += late.count
        times = repeat(None) if self._of_times or late.times is None else late.times
        shown = [
            self._example(row, raw, reason, time, late.flag)
            for (row, raw, reason), time in zip(late.shown, times, strict=False)
        ]
        if late.flag == FAIL:
            self._extent.add_late(late)
            self._failing = _first(self._failing + shown)
        elif late.flag == SUSPECT:
            self._suspect = _first(self._suspect + shown)
        if self._marks is not None:
            self._marks.change(late)
        if self.sink is not None:
            self.sink.change(late)

    def _show(self, found: Flags, flag: int, shown: list[Example]) -> None:
        offending = (found.flags == flag).arg_true().head(SHOWN - len(shown))
        times = repeat(None) if self._of_times else found.raw.times(offending)
        for index, time in zip(offending, times, strict=False):
            shown.append(self._example(found.first + index, found.raw[index], found.why(index), time, flag))

    def _example(self, row: int, value: str | None, reason: str, time: dt.datetime | None, flag: int) -> Example:
        """Returns an offending row. row: from 0."""
        if self._hides_values:
            value = None if value is None else REDACTED
            reason = without_values(reason, self.check.field, self.check.test)
        when = None if time is None or self._hides_times else show_time(time)
        return Example(row + 1, value, reason, time=when, suspect=flag == SUSPECT)


def _first(examples: list[Example]) -> list[Example]:
    """Returns those that are shown, in the order of their rows."""
    return sorted(examples, key=lambda one: one.row)[:SHOWN]


def percent(share: float) -> str:
    """Returns a share as text, to two digits if it is small."""
    return f"{share:.0%}" if share >= 0.095 else f"{100 * share:.2g}%"
