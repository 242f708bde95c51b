"""Draws a stream while the engine reads it: its series, thinned, and what its checks flag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import polars as pl

from stream_qc.checks import TESTS, Check
from stream_qc.checks.flat_line import FlatLineTest
from stream_qc.flags import FAIL
from stream_qc.reading.block import Block
from stream_qc.redaction import hides
from stream_qc.reporting.limits import limits_of
from stream_qc.reporting.marks import GAPS, Marks
from stream_qc.reporting.recent import Recent
from stream_qc.reporting.record import Drawing, Flagged, Part, Points, Span
from stream_qc.reporting.trace import Trace
from stream_qc.results import Report
from stream_qc.rules import Rules

NUMERIC_CONSTRAINTS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
OF_CELLS = ("type", "required")
OF_TIME = (*GAPS, "time_order", "duplicate_time")
MOST_FIELDS = 100  # that are drawn, so that neither the memory nor the time grows with their number


class Drawer:
    """Draws the fields that a numeric test looks at. Fields whose values are redacted are not drawn.

    The engine calls `marks_of` for every check, then `see` for every block before the checks see it. What goes wrong here does
    not reach the engine: it ends the drawing, and stands in `failure`.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        time = rules.schema.axes.time
        self._by_time = time is not None and not hides(rules.redact, (time,))
        numeric = [field.name for field in rules.schema.fields.values() if field.type in ("number", "integer")]
        self._drawable = {name for name in numeric if not hides(rules.redact, (name,))}
        self._traces: dict[str, Trace] = {}
        self._recent = Recent(self._traces, by_time=self._by_time)
        self._marks: dict[int, list[Marks]] = {}
        self._cells: set[str] = set()
        self._left_out: set[str] = set()
        self.failure: Exception | None = None

    def marks_of(self, process: int, check: Check) -> Marks | None:
        """Returns what takes the flags of a check; None for a check whose flags are not drawn."""
        numeric = check.field in self._drawable and (
            check.test in NUMERIC_CONSTRAINTS or (check.test in TESTS and TESTS[check.test].needs_numbers)
        )
        if numeric and check.field not in self._traces and len(self._traces) == MOST_FIELDS:
            self._left_out.add(check.field)
            return None
        if numeric:
            self._traces.setdefault(check.field, Trace())
        elif not self._is_beside(check):
            return None
        marks = Marks(check.field, check.test, self._recent, self._attempt, gaps=not self._rules.schema.series)
        self._marks.setdefault(process, []).append(marks)
        return marks

    def _is_beside(self, check: Check) -> bool:
        """Returns whether the check flags rows that stand at the edge of a picture, for they have no number, or a wrong time."""
        if check.test in OF_TIME and check.field == self._rules.schema.axes.time:
            return self._by_time
        if check.test not in OF_CELLS or check.field not in self._drawable or len(self._cells) == MOST_FIELDS:
            return check.test in OF_CELLS and check.field in self._cells
        self._cells.add(check.field)
        return True

    def see(self, block: Block) -> None:
        """Takes the next block."""
        if self._marks:
            self._attempt(lambda: self._trace(block))

    def see_again(self, block: Block) -> None:
        """Takes the next block of another pass, for the checks that flag it again."""
        if self._marks:
            self._attempt(lambda: self._recent.see(block))

    def state(self) -> dict[str, Any]:
        """Returns the series so far, to go on in another process. The marks are part of the state of their checks."""
        return {"traces": self._traces, "failure": None if self.failure is None else str(self.failure)}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where another drawer was."""
        self._traces.update(state["traces"])
        self.failure = None if state["failure"] is None else RuntimeError(state["failure"])

    def join(self, later: Drawer) -> None:
        """Adds the series of the next stretch of the stream."""
        self.failure = self.failure or later.failure
        for field, trace in self._traces.items():
            self._attempt(lambda trace=trace, field=field: trace.include(later._traces[field]))  # type: ignore[misc]

    def add_checks(self, other: Drawer) -> None:
        """Takes over what a drawer of the same rows draws of other checks."""
        self.failure = self.failure or other.failure
        for field, trace in other._traces.items():
            self._traces.setdefault(field, trace)
        for process, marks in other._marks.items():
            self._marks.setdefault(process, []).extend(marks)
        self._cells |= other._cells
        self._left_out |= other._left_out

    def part(self, report: Report) -> Part:
        """Returns the record of a process whose report is this."""
        marks = [] if self.failure else self._marks.get(report.process, [])
        limits = {result.name: self._rules.limit(result.field, result.test) for result in report.results}
        by_field: dict[str, list[Marks]] = {}
        for one in marks:
            by_field.setdefault(one.field, []).append(one)
        drawn = [(field, its) for field, its in by_field.items() if field in self._traces or field in self._cells]
        return Part(
            process=report.process,
            passed=report.passed,
            rows=report.rows,
            message=report.message,
            results=[{**result.item(), "Limit": limits[result.name]} for result in report.results],
            drawings=[self._drawing(field, its) for field, its in drawn],
            gaps=[span for one in marks if one.test in GAPS for span in _spans(one)],
            of_time=[
                found
                for one in marks
                if one.test in OF_TIME and not any(map(len, one.spans.values()))
                for found in _flagged(one)
            ],
            by_time=self._by_time,
            joined=not self._rules.schema.series,
            left_out=len(self._left_out),
            header=list(report.header),
            undrawn=self.failure is not None,
        )

    def _trace(self, block: Block) -> None:
        self._recent.see(block)
        for field, trace in self._traces.items():
            trace.add(self._recent.last(field))

    def _attempt(self, step: Callable[[], None]) -> None:
        if self.failure is None:
            try:
                step()
            except Exception as error:  # noqa: BLE001  # a picture decides no verdict
                self.failure = error

    def _drawing(self, field: str, marks: Iterable[Marks]) -> Drawing:
        trace = self._traces.get(field, Trace())
        points = trace.points()
        known = points["x"].drop_nulls()
        spans = [self._from_its_beginning(span, field) for one in marks for span in _spans(one)]
        if known.len():
            spans += [
                Span(one.test, flag, known[0], known[-1]) for one in marks for flag, whole in one.whole.items() if whole
            ]
        return Drawing(
            field=field,
            points=_points(points),
            rows_a_bucket=trace.width,
            flagged=[found for one in marks for found in _flagged(one)],
            spans=spans,
            limits=limits_of(self._rules, field),
        )

    def _from_its_beginning(self, span: Span, field: str) -> Span:
        """Returns the stretch from where the values began to stand still, not only from where the test noticed."""
        asked = [one.test for one in self._rules.tests if (one.field, one.name, one.entry) == (field, span.test, None)]
        if not self._by_time or not asked or not isinstance(asked[0], FlatLineTest):
            return span
        threshold = asked[0].fail_threshold if span.flag == FAIL else asked[0].suspect_threshold
        return Span(span.test, span.flag, span.start - round(1000 * (threshold or 0)), span.end)


def _flagged(marks: Marks) -> Iterator[Flagged]:
    for flag, points in marks.points.items():
        if marks.count[flag]:
            yield Flagged(marks.test, flag, marks.count[flag], _points(points))


def _points(points: pl.DataFrame) -> Points:
    numbers = points["y"].round_sig_figs(12)
    return Points(points["row"].to_list(), points["x"].to_list(), numbers.to_list())


def _spans(marks: Marks) -> list[Span]:
    return [
        Span(marks.test, flag, start, end)
        for flag, spans in marks.spans.items()
        for start, end in spans.select("start", "end").iter_rows()
    ]
