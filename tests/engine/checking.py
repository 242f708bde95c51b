"""Short ways to check a few lines of data."""

from __future__ import annotations

import io
from typing import Any

from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.results import Report, Result
from stream_qc.rules import Rules, load

NUMBERS = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: v, type: number}
time: time
"""


def reports(
    data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", block_bytes: int = 4 << 20
) -> dict[int, Report]:
    """The reports of the three processes on this content of a file of this name."""
    form = format_of(name)
    assert form is not None
    content = data.encode() if isinstance(data, str) else data
    return check_stream(
        lambda: io.BytesIO(content), form, load(rules) if isinstance(rules, str) else rules, block_bytes=block_bytes
    )


def results(
    data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", **kwargs: Any
) -> dict[str, Result]:
    """All results by the name of their check."""
    return {
        result.name: result for report in reports(data, rules, name, **kwargs).values() for result in report.results
    }


def failing(data: bytes | str, rules: Rules | str = NUMBERS, name: str = "stream.csv", **kwargs: Any) -> set[str]:
    """The names of the checks that fail."""
    return {check for check, result in results(data, rules, name, **kwargs).items() if not result.passed}


def reasons(result: Result) -> list[tuple[int, str | None, str]]:
    return [(one.row, one.value, one.reason) for one in result.examples]
