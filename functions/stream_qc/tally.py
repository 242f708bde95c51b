"""From the flags of a check to its result: counts, the first offending rows, and whether it passes."""

from __future__ import annotations

from stream_qc.checks.base import Check, Flags, Late
from stream_qc.flags import FAIL, GOOD, MISSING, SUSPECT, UNKNOWN
from stream_qc.reading.block import Block
from stream_qc.results import SHOWN, Example, Result


class Tally:
    """Runs one check over a stream's blocks and keeps what its result needs."""

    def __init__(self, process: int, check: Check, limit: float) -> None:
        self.process, self.check, self.limit = process, check, limit
        self._counts = dict.fromkeys((GOOD, UNKNOWN, SUSPECT, FAIL, MISSING), 0)
        self._failing: list[Example] = []
        self._suspect: list[Example] = []

    def update(self, block: Block) -> None:
        self._add(self.check.update(block))

    def result(self, rows: int, absent: list[str]) -> Result:
        """The result after the last block. `absent` are the fields that the check needs and the file has not."""
        self._add(self.check.finish())
        if absent:
            name = ", ".join(absent)
            return Result(
                self.process, self.check.field, self.check.test, passed=False, rows=rows, not_evaluated=rows,
                message=f"not evaluated: the file has no field {name}",
            )  # fmt: skip
        fail, suspect = self._counts[FAIL], self._counts[SUSPECT]
        passed = fail <= self.limit * rows
        examples = sorted((self._failing + self._suspect)[:SHOWN], key=lambda one: one.row)
        return Result(
            self.process,
            self.check.field,
            self.check.test,
            passed=passed,
            message=self._message(rows, passed),
            rows=rows,
            good=self._counts[GOOD],
            not_evaluated=self._counts[UNKNOWN],
            suspect=suspect,
            fail=fail,
            missing=self._counts[MISSING],
            examples=examples,
            truncated=fail + suspect > len(examples),
        )

    def _message(self, rows: int, passed: bool) -> str:  # noqa: FBT001
        fail, suspect = self._counts[FAIL], self._counts[SUSPECT]
        parts = [f"{fail:,} of {rows:,} rows fail"] if fail else []
        if fail and self.limit:
            parts.append(f"{'within' if passed else 'above'} the limit of {self.limit:.3%}".replace(".000%", "%"))
        if suspect:
            parts.append(f"{suspect:,} suspect" if fail else f"{suspect:,} of {rows:,} rows suspect")
        return ", ".join(parts) or "no row fails"

    def _add(self, found: Flags | Late | None) -> None:
        if isinstance(found, Flags):
            self._add_flags(found)
        elif isinstance(found, Late):
            self._counts[GOOD] -= found.count
            self._counts[FAIL] += found.count
            late = [Example(row + 1, value, reason) for row, value, reason in found.rows]
            self._failing = sorted(self._failing + late, key=lambda one: one.row)[:SHOWN]

    def _add_flags(self, found: Flags) -> None:
        counts = dict(found.flags.value_counts().iter_rows())
        for flag, count in counts.items():
            self._counts[flag] += count
        if counts.get(FAIL) and len(self._failing) < SHOWN:
            self._show(found, FAIL, self._failing)
        if counts.get(SUSPECT) and len(self._suspect) < SHOWN:
            self._show(found, SUSPECT, self._suspect)

    @staticmethod
    def _show(found: Flags, flag: int, shown: list[Example]) -> None:
        offending = (found.flags == flag).arg_true().head(SHOWN - len(shown))
        shown += [Example(found.first + index + 1, found.raw[index], found.why(index)) for index in offending]
