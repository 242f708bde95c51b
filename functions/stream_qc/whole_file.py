"""The checks of a file as a whole: `readable`, `header`, `well_formed` and `rows`. They belong to process 1."""

from __future__ import annotations

import bisect
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from stream_qc.errors import UnreadableFile
from stream_qc.reading.block import Block, Malformed, Place
from stream_qc.reading.ndjson import MOST_NAMES
from stream_qc.redaction import REDACTED
from stream_qc.results import SHOWN, Example, Result, shorten
from stream_qc.rules import Rules

MOST_PLACES = 100_000  # rows of which the line is not the one below the row above; beyond, no lines are told
NAME_CHARACTERS = 60  # of a name in the header, in a message


class WholeFile:
    """What was seen of a file while it was read.

    rows: the data rows so far. header: the fields of the file, or None if the file could not be opened. unreadable: why
    the file cannot be read, or not to its end; "" if it can. leading: how many fields of the header the first row has, where
    rows have fields of their own; None if the header is that of all rows.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.rows = 0
        self.header: list[str] | None = None
        self.leading: int | None = None
        self.unreadable = ""
        self._malformed: list[Malformed] = []
        self._malformed_count = 0
        self._places: list[Place] = []

    def update(self, block: Block) -> None:
        self.rows += block.height
        self._malformed_count += len(block.malformed)
        self._malformed += block.malformed[: SHOWN - len(self._malformed)]
        self._add_places(block.places)

    def line_of(self, row: int) -> int | None:
        """Returns the line of a row, from 1, if the file has lines and it is known. row: from 0."""
        place = bisect.bisect_right(self._places, (row, sys.maxsize)) - 1
        if place < 0 or len(self._places) > MOST_PLACES:
            return None
        start, line = self._places[place]
        return line + row - start

    def _add_places(self, places: Sequence[Place]) -> None:
        for row, line in places[: MOST_PLACES + 1 - len(self._places)]:
            if not self._places or line - row != self._places[-1][1] - self._places[-1][0]:
                self._places.append((row, line))

    def stopped(self, error: UnreadableFile) -> None:
        """Notes why the file could not be read any further."""
        self.header = self.header or None  # NDJSON has none before its first line
        why = error.why if self.rules.redact else str(error)
        self.unreadable = f"{why} (after row {self.rows:,})" if self.rows else why

    def state(self) -> dict[str, Any]:
        """Returns what was seen so far, to go on in another process."""
        return {name: value for name, value in vars(self).items() if name != "rules"}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where another one was."""
        vars(self).update(state)

    def join(self, later: WholeFile) -> None:
        """Adds what was seen of the next stretch."""
        self.rows += later.rows
        self._add_names(later)
        self._malformed_count += later._malformed_count
        self._malformed = (self._malformed + later._malformed)[:SHOWN]
        self._add_places(later._places)

    def _add_names(self, later: WholeFile) -> None:
        """Adds the fields that first occur in the next stretch, if each row names its own."""
        header, names = self.header or [], later.header or []
        if self.leading is None or not {*names} - {*header}:
            return
        if not self.leading:  # no row so far had a field
            self.leading = later.leading
        leading = (header or names)[: self.leading]
        others = {*header, *names} - {*leading}
        order = self.rules.schema.fields or dict.fromkeys((*header, *names))
        most = None if self.rules.schema.fields else MOST_NAMES
        self.header = [*leading, *(name for name in order if name in others)][:most]

    def missing_fields(self) -> set[str]:
        """Returns the fields of the schema that the file lacks; none if its header is not known."""
        return set() if self.header is None else set(self.rules.schema.in_file) - set(self.header)

    def results(self) -> Iterator[Result]:
        """Yields the results. If the file cannot be read, only those that are known."""
        message = self.unreadable or "the file was read to its end"
        yield self._result("readable", message, passed=not self.unreadable)
        if self.header is None:
            return
        yield self._header(self.header)
        yield self._well_formed()
        if not self.unreadable:  # otherwise the number of rows is not known
            yield self._number_of_rows()

    def _result(self, test: str, message: str, *, passed: bool, **counts: Any) -> Result:
        return Result(1, "*", test, passed, message, rows=self.rows, **counts)

    def _header(self, header: list[str]) -> Result:
        times = Counter(header)
        faults = _few([f"the field {name} is missing" for name in self.rules.schema.in_file if name not in times])
        if faults:
            names = _few([shorten(name, NAME_CHARACTERS) for name in header if self._may_show(name)])
            hidden = sum(not self._may_show(name) for name in header)
            names += [f"{hidden:,} that the rules do not name"] if hidden else []
            faults.append(f"the fields of the file are: {', '.join(names)}")
        repeated = [
            (shorten(name, NAME_CHARACTERS), count)
            for name, count in times.items()
            if name and count > 1 and self._may_show(name)
        ]
        faults += _few([f"the field {name} occurs {count} times" for name, count in repeated])
        message = "; ".join(faults) or "the header has every field of the schema"
        return self._result("header", message, passed=not faults)

    def _may_show(self, name: str) -> bool:
        """Returns whether a name in the header may be shown. Where there is no header, it is a value."""
        return not self.rules.redact or name in self.rules.schema.in_file

    def _well_formed(self) -> Result:
        count, hidden = self._malformed_count, bool(self.rules.redact)
        return self._result(
            "well_formed",
            f"{count:,} of {self.rows:,} rows {'is' if count == 1 else 'are'} malformed"
            if count
            else "every row is well formed",
            passed=not count or count / self.rows <= self.rules.limit("*", "well_formed"),
            good=self.rows - count,
            fail=count,
            examples=[
                Example(item.row + 1, REDACTED if hidden else item.text, item.reason) for item in self._malformed
            ],
            truncated=count > len(self._malformed),
        )

    def _number_of_rows(self) -> Result:
        least, most = self.rules.rows.minimum, self.rules.rows.maximum
        message = f"{self.rows:,} data {'row' if self.rows == 1 else 'rows'}"
        if self.rows < least:
            message += f"; the minimum is {least:,}"
        if most is not None and self.rows > most:
            message += f"; the maximum is {most:,}"
        return self._result("rows", message, passed=least <= self.rows and (most is None or self.rows <= most))


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= SHOWN else [*texts[:SHOWN], f"and {len(texts) - SHOWN:,} more"]
