"""`stream-qc`: the engine on a local file, without any AWS."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import EXTENSIONS, format_of
from stream_qc.results import Report
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.vocabulary import PROCESSES

PASSED, FAILED, BROKEN = 0, 1, 2


def main() -> None:
    """The command. Exit status 0 pass, 1 fail, 2 usage, rules or file error."""
    arguments = _parser().parse_args()
    try:
        sys.exit(_check(arguments))
    except InvalidRules as error:
        for mistake in error.mistakes:
            print(f"stream-qc: {arguments.rules}: {mistake}", file=sys.stderr)
    except OSError as error:
        print(f"stream-qc: {error.filename}: {error.strerror}", file=sys.stderr)
    sys.exit(BROKEN)


def _check(arguments: argparse.Namespace) -> int:
    form = format_of(arguments.file.name)
    if form is None:
        print(f"stream-qc: {arguments.file}: the name does not end in one of {EXTENSIONS}", file=sys.stderr)
        return BROKEN
    rules = load(arguments.rules.read_bytes()) if arguments.rules else BUILT_IN
    processes = [arguments.process] if arguments.process else list(PROCESSES)
    with arguments.file.open("rb") as stream:
        reports = check_stream(stream, form, rules, processes)
    passed = all(report.passed for report in reports.values())
    if arguments.json:
        print(json.dumps(_record(reports, passed=passed), ensure_ascii=False))
    else:
        _show(arguments.file.name, reports, rules, passed=passed)
    return PASSED if passed else FAILED


def _record(reports: dict[int, Report], *, passed: bool) -> dict[str, Any]:
    return {
        "TotalPass": int(passed),
        **{f"Process{number}Pass": int(report.passed) for number, report in reports.items()},
        "Rows": max(report.rows for report in reports.values()),
        "Checks": [result.item() for report in reports.values() for result in report.results],
    }


def _show(name: str, reports: dict[int, Report], rules: Rules, *, passed: bool) -> None:
    """The verdict, then every check as a line of a table, each failing one with its first offending rows."""
    console = Console(highlight=False)
    rows = max(report.rows for report in reports.values())
    verdict = "[bold green]PASS[/]" if passed else "[bold red]FAIL[/]"
    console.print(f"{verdict}  {escape(name)}  {rows:,} rows" + ("" if rules.fields else "  (no schema in the rules)"))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stream-qc", description="Checks stream files against their rules, with the engine that the Lambdas run."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="check a file",
        description=f"Checks a file. Its format is told by its name: {EXTENSIONS}.",
        epilog="Exit status: 0 it passes, 1 it fails, 2 the arguments, the rules or the file cannot be used.",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="the stream file")
    check.add_argument(
        "--rules", type=Path, metavar="RULES.yaml", help="the rules; without them a readable file with a row passes"
    )
    check.add_argument(
        "--process",
        type=int,
        choices=list(PROCESSES),
        metavar="N",
        help="only process 1 structure, 2 values or 3 continuity",
    )
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser
