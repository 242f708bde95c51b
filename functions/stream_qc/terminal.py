"""What `stream-qc` draws on a terminal. Its own module, because rich takes longer to load than a small file to check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import Progress

from stream_qc.printable import printable
from stream_qc.results import Report, Result, alike
from stream_qc.trying import Tried
from stream_qc.vocabulary import PROCESSES
from stream_qc.whatif import WITHOUT_EFFECT, Changed, Compared, WithoutEffect

EXAMPLES = 5  # offending rows that are shown of a check
NAMED = 3  # checks that caught a fault


@contextmanager
def progress(stream: BinaryIO, size: int, name: str) -> Iterator[BinaryIO]:
    """Draws on standard error how much of the stream was read. size: in bytes."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield bar.wrap_file(stream, size, description=name)


def escape(text: str) -> str:
    """Returns text from a file with rich markup and terminal codes escaped."""
    return escape_markup(printable(text))


def show(name: str, reports: dict[int, Report], *, passed: bool, with_rules: bool, verbose: bool) -> None:
    """Prints the verdict, a line for each process, and the failing checks with their first offending rows.

    with_rules: whether a rules file judged the file. verbose: whether to list the checks that passed, too.
    """
    console = Console(highlight=False, soft_wrap=True)
    _head(console, name, reports, passed=passed, with_rules=with_rules)
    for number, report in reports.items():
        state = "[green]pass[/]" if report.passed else "[red]FAIL[/]"
        told = ", ".join(filter(None, (_counted(report), escape(report.message))))
        console.print(f"{number} {PROCESSES[number]:<10}  {state}  {told}")
    for number, report in reports.items():
        failing = [result for result in report.results if not result.passed]
        suspect = [result for result in report.results if result.passed and result.suspect]
        if failing or suspect or (verbose and report.results):
            console.print(f"\n[bold]{number} {PROCESSES[number]}[/]")
        _list(console, failing, "[red]✗[/]")
        _list(console, suspect, "[yellow]![/]")
        if verbose:
            _list(console, [one for one in report.results if one.passed and not one.suspect], "[green]✓[/]")


def show_verdict(name: str, reports: dict[int, Report], *, passed: bool, with_rules: bool) -> None:
    """Prints the verdict alone."""
    _head(Console(highlight=False, soft_wrap=True), name, reports, passed=passed, with_rules=with_rules)


def _head(console: Console, name: str, reports: dict[int, Report], *, passed: bool, with_rules: bool) -> None:
    rows = max(report.rows for report in reports.values())
    verdict = _verdict(passed=passed)
    without = "" if with_rules else ", no rules"
    console.print(f"{verdict}{without}  {escape(name)}  {rows:,} {'row' if rows == 1 else 'rows'}")


def _counted(report: Report) -> str:
    """Returns how many checks a process ran, and how many of them failed."""
    count, failing = len(report.results), sum(not result.passed for result in report.results)
    checks = f"{count:,} {'check' if count == 1 else 'checks'}" if count else ""
    return f"{failing:,} of {checks} {'fails' if failing == 1 else 'fail'}" if failing else checks


def _list(console: Console, results: list[Result], mark: str) -> None:
    for name, result in alike(results):
        console.print(f"  {mark} {escape(name)}: {escape(result.message)}")
        examples = result.shown(EXAMPLES)
        for example in examples:
            console.print(f"      [dim]{example.place}: {escape(example.reason)}[/]")
        if examples and (more := result.fail + result.suspect - len(examples)) > 0:
            console.print(f"      [dim]and {more:,} more {'row' if more == 1 else 'rows'}[/]")


def show_what_if(compared: Compared) -> None:
    """Prints what other rules would have said of a file, and through which checks."""
    console = Console(highlight=False, soft_wrap=True)
    before, after = (_verdict(passed=passed) for passed in (compared.before, compared.after))
    rows = f"{compared.rows:,} {'row' if compared.rows == 1 else 'rows'}"
    console.print(f"{before} [bold]→[/] {after}  {escape(compared.file)}  {rows}")
    if not compared.reads_alike:
        console.print("  the rules read the file in another way: its dialect, missing values, time, axes or series")
    for mark, what, some in (
        ("[red]✗[/]", "fails now", [one for one in compared.changed if one.fails]),
        ("[green]✓[/]", "no longer fails", [one for one in compared.changed if not one.fails]),
        ("[dim]✗[/]", "fails as before", compared.still_failing),
    ):
        for one in some:
            _show_changed(console, mark, what, one)
    for rule, words in WITHOUT_EFFECT.items():
        names = [_what_if_name(one) for one in compared.without_effect if one.rule == rule]
        if names:
            console.print(f"  [dim]{words}: {escape(_first(names))}[/]")


def show_what_if_total(compared: list[Compared]) -> None:
    """Prints how many verdicts change."""
    worse = sum(one.verdict_changes and one.before for one in compared)
    better = sum(one.verdict_changes and one.after for one in compared)
    count = f"{worse + better:,} of {len(compared):,} {'verdict' if len(compared) == 1 else 'verdicts'}"
    Console(highlight=False).print(f"\n{count} would change: {worse:,} from PASS to FAIL, {better:,} from FAIL to PASS")


def _show_changed(console: Console, mark: str, what: str, one: Changed) -> None:
    result = one.told
    why = "" if one.rule else ", by the same rule"
    gone = ", because the rules no longer ask for it" if one.after is None else ""
    shown = one.name.replace("*#", "").split("#", 1)[1].replace("#", " ")
    console.print(f"  {mark} {what}{why}{gone}: {escape(shown)}: {escape(result.message)}")
    examples = result.shown(EXAMPLES)
    for example in examples:
        console.print(f"      [dim]{example.place}: {escape(example.reason)}[/]")
    if examples and (more := result.fail - len(examples)) > 0:
        console.print(f"      [dim]and {more:,} more {'row' if more == 1 else 'rows'}[/]")
    for near in one.nearest:
        every = " (of every check)" if near.place == "limits.max_fail_share" else ""
        console.print(f"      [cyan]would pass with {escape(str(near))}{every}[/]")


def _what_if_name(one: WithoutEffect) -> str:
    name = one.name.replace("*#", "").split("#", 1)[1].replace("#", " ")
    return name if one.before == one.after else f"{name} (SUSPECT rows: {one.before:,} → {one.after:,})"


def _verdict(*, passed: bool) -> str:
    return "[bold green]PASS[/]" if passed else "[bold red]FAIL[/]"


def show_tried(tried: Iterable[Tried]) -> int:
    """Prints what became of each fault as it is tried. Returns how many the rules miss."""
    console = Console(highlight=False, soft_wrap=True)
    missed = count = 0
    for one in tried:
        count += 1
        where = f" in {escape(one.fault.field)}" if one.fault.field else ""
        if one.failing:
            console.print(f"[green]✓[/] {one.fault.name}{where}: caught by {escape(_few(one.failing))}")
        elif one.suspect:
            console.print(
                f"[yellow]![/] {one.fault.name}{where}: flagged SUSPECT only, by {escape(_few(one.suspect))}; the file passes"
            )
        else:
            missed += 1
            console.print(f"[red]✗[/] {one.fault.name}{where}: missed; to catch it, add {escape(one.fault.advice)}")
    console.print(f"\n{count - missed:,} of {count:,} faults are caught or flagged")
    return missed


def _few(names: list[str]) -> str:
    return _first([name.replace("*#", "").replace("#", " ") for name in names])


def _first(shown: list[str]) -> str:
    return ", ".join(shown) if len(shown) <= NAMED else f"{', '.join(shown[:NAMED])} and {len(shown) - NAMED:,} more"
