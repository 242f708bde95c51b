"""From the flags of a check to its result: counts, the first offending rows, and whether it passes."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from stream_qc.checks.base import Again, Check, Flags, Late
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.results import SHOWN, Example, Result


class Sink(Protocol):
    """Takes every flag of a check, for those who want to see them all."""

    def write(self, flags: pl.Series) -> None:
        """The flags of the next rows."""
        ...

    def change(self, late: Late) -> None:
        """Flags that turned out otherwise."""
        ...

    def restart(self) -> None:
        """Forget the flags so far: all of them will come again."""
        ...


class Tally:
    """Runs one check over a stream's blocks and keeps what its result needs."""

    def __init__(self, process: int, check: Check, limit: float, sink: Sink | None = None) -> None:
        self.process, self.check, self.limit, self.sink = process, check, limit, sink
        self._forget()

    def update(self, block: Block) -> None:
        if block.rules.time in self.check.needs:
            self._times += block.height - block.typed(block.rules.time).null_count()
        else:
            self._times += block.height
        self._unread += sum(block.unread(name) for name in self.check.needs if name in block.rules.fields)
        found = self.check.update(block)
        if found is not None:
            self._add(found)

    def finish(self) -> bool:
        """Takes what the check has left to say; True where it asks for another pass over the stream."""
        for found in self.check.finish():
            if isinstance(found, Again):
                self.check = found.check
                self._forget()
                if self.sink is not None:
                    self.sink.restart()
                return True
            if isinstance(found, Late):
                self._change(found)
            else:
                self._add(found)
        return False

    def result(self, rows: int, absent: list[str]) -> Result:
        """The result after the last pass. `absent` are the fields that the check needs and the file has not."""
        fail, suspect, unknown = self._counts[FAIL], self._counts[SUSPECT], self._counts[UNKNOWN]
        if absent:
            return self._not_evaluated(rows, f"the file has no field {', '.join(absent)}")
        if self._unread and not self._counts[GOOD] + suspect + fail:
            return self._not_evaluated(rows, f"{' and '.join(self.check.needs)} could not be read in any row")
        if rows and not self._times:
            return self._not_evaluated(rows, f"no row has a time ({', '.join(self.check.needs)})")
        passed = not fail or fail / rows <= self.limit  # not limit * rows, which falls short of 29 for 0.29 of 100
        examples = sorted((self._failing + self._suspect)[:SHOWN], key=lambda one: one.row)
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
        parts = [f"{fail:,} of {rows:,} rows fail"] if fail else []
        if fail and self.limit:
            parts.append(f"{'within' if passed else 'above'} the limit of {self.limit:.3%}".replace(".000%", "%"))
        if suspect:
            parts.append(f"{suspect:,} suspect" if fail else f"{suspect:,} of {rows:,} rows suspect")
        if not parts:
            parts.append("no row fails" if rows else "no rows")
        parts += [f"{self._counts[MISSING]:,} missing"] if self._counts[MISSING] else []
        parts += [f"{self._counts[UNKNOWN]:,} not evaluated"] if self._counts[UNKNOWN] else []
        return ", ".join(parts)

    def _forget(self) -> None:
        self._times = 0  # rows that have a time, for a check that needs one
        self._unread = 0  # cells that hold something which is not of their type
        self._counts = dict.fromkeys((GOOD, UNKNOWN, SUSPECT, FAIL, MISSING), 0)
        self._failing: list[Example] = []
        self._suspect: list[Example] = []

    def _add(self, found: Flags) -> None:
        counts = dict(found.flags.value_counts().iter_rows())
        for flag, count in counts.items():
            self._counts[flag] += count
        if counts.get(FAIL) and len(self._failing) < SHOWN:
            self._show(found, FAIL, self._failing)
        if counts.get(SUSPECT) and len(self._suspect) < SHOWN:
            self._show(found, SUSPECT, self._suspect)
        if self.sink is not None:
            self.sink.write(found.flags)

    def _change(self, late: Late) -> None:
        self._counts[late.was] -= late.count
        self._counts[late.flag] += late.count
        shown = [Example(row + 1, value, reason) for row, value, reason in late.shown]
        if late.flag == FAIL:
            self._failing = sorted(self._failing + shown, key=lambda one: one.row)[:SHOWN]
        elif late.flag == SUSPECT:
            self._suspect = sorted(self._suspect + shown, key=lambda one: one.row)[:SHOWN]
        if self.sink is not None:
            self.sink.change(late)

    @staticmethod
    def _show(found: Flags, flag: int, shown: list[Example]) -> None:
        offending = (found.flags == flag).arg_true().head(SHOWN - len(shown))
        shown += [Example(found.first + index + 1, found.raw[index], found.why(index)) for index in offending]
