"""What `stream-qc` draws on a terminal. Its own module, because rich takes longer to load than a small file to check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import Progress
from rich.table import Table

from stream_qc.printable import printable
from stream_qc.results import Report
from stream_qc.rules import Rules
from stream_qc.vocabulary import PROCESSES


@contextmanager
def progress(stream: BinaryIO, size: int, name: str) -> Iterator[BinaryIO]:
    """Draws on standard error how much of the stream was read. size: in bytes."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield bar.wrap_file(stream, size, description=name)


def escape(text: str) -> str:
    """Returns text from a file with rich markup and terminal codes escaped."""
    return escape_markup(printable(text))


def show(name: str, reports: dict[int, Report], rules: Rules, *, passed: bool) -> None:
    """Prints the verdict, then one line per check. Failing checks are followed by their first offending rows."""
    console = Console(highlight=False)
    rows = max(report.rows for report in reports.values())
    verdict = "[bold green]PASS[/]" if passed else "[bold red]FAIL[/]"
    console.print(
        f"{verdict}  {escape(name)}  {rows:,} rows" + ("" if rules.schema.fields else "  (the rules have no schema)")
    )
    for number, report in reports.items():
        state = "[green]pass[/]" if report.passed else "[red]FAIL[/]"
        console.print(
            f"\n{number} {PROCESSES[number]}  {state}" + (f"  {escape(report.message)}" if report.message else "")
        )
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for result in report.results:
            mark = "[green]✓[/]" if result.passed else "[red]✗[/]"
            field = "" if result.field == "*" else escape(result.field)
            table.add_row(f"  {mark}", field, result.test, escape(result.message))
            for example in result.examples[:5] if not result.passed else []:
                table.add_row("", "", "", f"[dim]row {example.row:,}: {escape(example.reason)}[/]")
        if report.results:
            console.print(table)
