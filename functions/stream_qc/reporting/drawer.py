"""Draws a stream while the engine reads it: its series, thinned, and what its checks flag."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from stream_qc.checks import TESTS, Check
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
MOST_FIELDS = 60  # that are drawn, so that neither the memory nor the time grows with their number


class Drawer:
    """Draws the fields that a numeric test looks at. Fields whose values are redacted are not drawn.

    The engine calls `marks_of` for every check, then `see` for every block before the checks see it. What goes wrong here does
    not reach the engine: it ends the drawing, and `part` raises it.
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
        self._left_out: set[str] = set()
        self._broken: Exception | None = None

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
        elif check.test not in GAPS or not self._by_time:
            return None
        marks = Marks(check.field, check.test, self._recent, self._attempt, gaps=not self._rules.schema.series)
        self._marks.setdefault(process, []).append(marks)
        return marks

    def see(self, block: Block) -> None:
        """Takes the next block."""
        if self._marks:
            self._attempt(lambda: self._trace(block))

    def see_again(self, block: Block) -> None:
        """Takes the next block of another pass, for the checks that flag it again."""
        if self._marks:
            self._attempt(lambda: self._recent.see(block))

    def part(self, report: Report) -> Part:
        """Returns the record of a process whose report is this. Raises what went wrong while it was drawn."""
        if self._broken is not None:
            raise self._broken
        marks = self._marks.get(report.process, [])
        limits = {result.name: self._rules.limit(result.field, result.test) for result in report.results}
        by_field: dict[str, list[Marks]] = {}
        for one in marks:
            by_field.setdefault(one.field, []).append(one)
        drawn = [(field, its) for field, its in by_field.items() if field in self._traces]
        drawn.sort(key=lambda item: -max(max(one.count.values()) for one in item[1]))
        return Part(
            process=report.process,
            passed=report.passed,
            rows=report.rows,
            message=report.message,
            results=[{**result.item(), "Limit": limits[result.name]} for result in report.results],
            drawings=[self._drawing(field, its) for field, its in drawn],
            gaps=[span for one in marks if one.test in GAPS for span in _spans(one)],
            by_time=self._by_time,
            joined=not self._rules.schema.series,
            left_out=len(self._left_out),
            header=list(report.header),
        )

    def _trace(self, block: Block) -> None:
        self._recent.see(block)
        for field, trace in self._traces.items():
            trace.add(self._recent.last(field))

    def _attempt(self, step: Callable[[], None]) -> None:
        if self._broken is None:
            try:
                step()
            except Exception as error:  # noqa: BLE001  # a picture decides no verdict; `part` raises it
                self._broken = error

    def _drawing(self, field: str, marks: Iterable[Marks]) -> Drawing:
        trace = self._traces[field]
        return Drawing(
            field=field,
            points=_points(trace.points()),
            rows_a_bucket=trace.width,
            flagged=[
                Flagged(one.test, flag, one.count[flag], _points(points))
                for one in marks
                for flag, points in one.points.items()
                if one.count[flag]
            ],
            spans=[span for one in marks for span in _spans(one)],
            limits=limits_of(self._rules, field),
        )


def _points(points: pl.DataFrame) -> Points:
    numbers = points["y"].round_sig_figs(7)
    return Points(points["row"].to_list(), points["x"].to_list(), numbers.to_list())


def _spans(marks: Marks) -> list[Span]:
    return [
        Span(marks.test, flag, start, end)
        for flag, spans in marks.spans.items()
        for start, end in spans.select("start", "end").iter_rows()
    ]
