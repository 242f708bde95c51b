"""The `stream-qc` command: runs the engine on a local file, without AWS."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from stream_qc.arguments import parser
from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules, UnreadableFile
from stream_qc.flagfile import FlagFile
from stream_qc.formats import EXTENSIONS, Format, format_of
from stream_qc.inferring import infer
from stream_qc.inferring.source import Source
from stream_qc.printable import printable
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.rules.explaining import explained
from stream_qc.schema import Schema
from stream_qc.vocabulary import PROCESSES
from stream_qc.whatif import Compared

PASSED, FAILED, UNUSABLE = 0, 1, 2
BUG = 70  # EX_SOFTWARE
LONG_FILE = 50_000_000  # bytes; larger files get a progress bar


class UsageError(Exception):
    """The arguments or the file cannot be used. The message is shown to the user."""


def main() -> None:
    """Runs the command. Exits with 0 for pass, 1 for fail, 2 for a usage, rules or file error, 70 for a bug."""
    sys.excepthook = _exit_on_bug  # Python exits with 1 after a traceback, which here would mean that the data failed
    arguments = parser().parse_args()
    try:
        sys.exit(RUN[arguments.command](arguments))
    except InvalidRules as error:
        for mistake in error.mistakes:
            print(f"stream-qc: {arguments.rules}: {printable(mistake)}", file=sys.stderr)
    except (UsageError, UnreadableFile) as error:
        print(f"stream-qc: {printable(error)}", file=sys.stderr)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # PermissionError, FileNotFoundError, a full disk …
        print(f"stream-qc: {error.filename or arguments.file}: {error.strerror or error}", file=sys.stderr)
    sys.exit(UNUSABLE)


def _exit_on_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(BUG)


def _check(arguments: argparse.Namespace) -> int:
    for option, path, what in (("--flags", arguments.flags, "flags"), ("--report", arguments.report, "report")):
        if path is None:
            continue
        if len(arguments.files) > 1:
            raise UsageError(f"{option} writes the {what} of one file; check the files one by one")
        _refuse_overwriting(option, path, arguments.files[0], "the stream file")
        _refuse_overwriting(option, path, arguments.rules, "the rules file")
    if arguments.report:
        _refuse_overwriting("--report", arguments.report, arguments.flags, "the flags")
    forms = [_format(path, arguments.format) for path in arguments.files]
    rules = load(arguments.rules.read_bytes()) if arguments.rules else BUILT_IN
    ended = [_checked(path, form, rules, arguments) for path, form in zip(arguments.files, forms, strict=True)]
    return max(ended)


def _checked(path: Path, form: Format, rules: Rules, arguments: argparse.Namespace) -> int:
    """Checks a file and returns its exit status. If it cannot be opened, the other files are still checked."""
    try:
        return PASSED if _check_file(path, form, rules, arguments) else FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        if len(arguments.files) == 1:
            raise
        print(f"stream-qc: {error.filename or path}: {error.strerror or error}", file=sys.stderr)
        return UNUSABLE


def _check_file(path: Path, form: Format, rules: Rules, arguments: argparse.Namespace) -> bool:
    """Checks a file, shows what was found, and returns whether it passed."""
    arguments.file = path
    processes = [arguments.process] if arguments.process else list(PROCESSES)
    with FlagFile(rules.schema, rules.aggregates) as flags, _Opened(path) as opened:
        make_sink: Callable[..., Any] = flags.column if arguments.flags else lambda _: None
        drawer = Drawer(rules) if arguments.report else None
        reports = check_stream(opened.open, form, rules, processes, make_sink=make_sink, drawer=drawer)
        passed = all(report.passed for report in reports.values())
        _show(arguments, path, reports, passed=passed)
        # After the verdict, which does not wait for them, and stands if they cannot be written.
        sys.stdout.flush()
        if arguments.flags:
            _write_flags(arguments.flags, flags, reports, lambda schema, fields: _again(opened, form, schema, fields))
        if drawer is not None:
            _write_report(arguments, drawer, reports, passed=passed)
    return passed


def _show(arguments: argparse.Namespace, path: Path, reports: dict[int, Report], *, passed: bool) -> None:
    with_rules = arguments.rules is not None
    if arguments.json:
        file = {"File": str(path)} if len(arguments.files) > 1 else {}
        print(json.dumps(file | _record(reports, passed=passed), ensure_ascii=False))
        return
    from stream_qc import terminal

    if arguments.quiet:
        terminal.show_verdict(str(path), reports, passed=passed, with_rules=with_rules)
        return
    if path != arguments.files[0]:
        print()
    terminal.show(str(path), reports, passed=passed, with_rules=with_rules, verbose=arguments.verbose)


def _write_flags(
    path: Path, flags: FlagFile, reports: dict[int, Report], again: Callable[[Schema, list[str]], Iterator[Block]]
) -> None:
    """Writes the flags as Parquet or CSV, as the path says. again: returns the blocks of the file with these fields.

    A file of before stays until the new one is whole.
    """
    report = next(iter(reports.values()))
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.suffix.lower() == ".parquet":
            from stream_qc import flagtable

            malformed = any(one.test == "well_formed" and one.fail for one in report.results) or 1 not in reports
            header = [name for name in report.header if name]
            flagtable.write(
                unfinished, header, flags.schema, flags, lambda schema: again(schema, header), malformed=malformed
            )
        else:
            flags.write(unfinished, report.rows, again(flags.schema, flags.beside))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_report(arguments: argparse.Namespace, drawer: Drawer, reports: dict[int, Report], *, passed: bool) -> None:
    from stream_qc.reporting.page import Heading, render

    rules = str(arguments.rules) if arguments.rules else "none: any readable file with at least one row passes"
    command = [
        "stream-qc",
        "check",
        str(arguments.file),
        *(["--rules", str(arguments.rules)] if arguments.rules else []),
    ]
    facts = [
        ("File", str(arguments.file)),
        ("Rules", rules),
        ("Checked", dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    heading = Heading("PASS" if passed else "FAIL", arguments.file.name, facts, rerun=shlex.join(command))
    arguments.report.write_text(render(heading, [drawer.part(report) for report in reports.values()]), encoding="utf-8")


def _again(opened: _Opened, form: Format, schema: Schema, fields: list[str]) -> Iterator[Block]:
    """Yields the blocks of the file once more, with these fields."""
    yield from open_reader(opened.open(), form, schema, wanted=fields)


def _refuse_overwriting(option: str, path: Path, given: Path | None, what: str) -> None:
    if given is not None and path.resolve() == given.resolve():
        raise UsageError(f"{option} {path} would overwrite {what}; choose another file")


def _rules(arguments: argparse.Namespace) -> int:
    rules = load(arguments.rules.read_bytes())
    if arguments.file is None:
        for line in explained(rules):
            print(printable(line))
        return PASSED
    form = _format(arguments.file, arguments.format)
    from stream_qc import terminal
    from stream_qc.trying import try_rules

    with _Opened(arguments.file) as opened:
        missed = terminal.show_tried(try_rules(opened.open, form, rules))
    return FAILED if missed else PASSED


def _what_if(arguments: argparse.Namespace) -> int:
    from stream_qc.whatif import NotCompared, UnusableRules, compare

    current = load(arguments.rules.read_bytes()) if arguments.rules else BUILT_IN
    before, arguments.rules = arguments.rules, arguments.candidate  # which mistakes name
    candidate = load(arguments.candidate.read_bytes())
    for given in (before, arguments.candidate, *arguments.files):
        if arguments.report:
            _refuse_overwriting("--report", arguments.report, given, f"{given}")
    compared, not_compared = list[Compared](), list[NotCompared]()
    forms = [_format(path, arguments.format) for path in arguments.files]
    for path, form in zip(arguments.files, forms, strict=True):
        arguments.file = path
        try:
            with _Opened(path) as opened:
                compared.append(compare(str(path), opened.open, form, current, candidate))
        except UnusableRules as error:
            why, where = str(error), arguments.candidate if error.which == "candidate" else before
        except OSError as error:
            why, where = error.strerror or str(error), error.filename or path
        else:
            _show_compared(compared[-1], arguments)
            continue
        print(f"stream-qc: {where}: {why}", file=sys.stderr)
        not_compared.append(NotCompared(str(path), why))
        if arguments.json:
            print(json.dumps({"File": str(path), "Error": why}, ensure_ascii=False))
    if not arguments.json and len(compared) > 1:
        from stream_qc import terminal

        terminal.show_what_if_total(compared)
    if arguments.report:
        from stream_qc.whatif.page import render

        shown = render(compared, not_compared, str(before) if before else "none", str(arguments.candidate))
        arguments.report.write_text(shown, encoding="utf-8")
    changed = any(one.verdict_changes for one in compared)
    return UNUSABLE if not_compared else FAILED if changed else PASSED


def _show_compared(compared: Compared, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(compared.item(), ensure_ascii=False))
        return
    from stream_qc import terminal

    if str(arguments.files[0]) != compared.file:
        print()
    terminal.show_what_if(compared)


def _infer(arguments: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        sources = []
        for path in arguments.files:
            arguments.file = path  # which an error names
            form = _format(path, arguments.format)
            sources.append(Source(str(path), stack.enter_context(_Opened(path)).open, form))
        print(infer(sources), end="")
    return PASSED


def _import(arguments: argparse.Namespace) -> int:
    from stream_qc.contracts import rules_of
    from stream_qc.rules.text import written

    arguments.rules = arguments.contract  # which mistakes name
    imported = rules_of(arguments.contract.read_bytes(), arguments.object)
    text = written(imported.document)
    load(text)
    for line in imported.left:
        print(f"# not carried: {printable(line)}")
    print(text, end="")
    return PASSED


def _export(arguments: argparse.Namespace) -> int:
    from stream_qc.contracts import contract_of
    from stream_qc.rules.text import written

    print(written(contract_of(arguments.rules.read_bytes(), arguments.name or arguments.rules.stem)), end="")
    return PASSED


def _format(path: Path, given: str | None) -> Format:
    if given:
        form = format_of(f"x.{given}")
        if form is None:
            raise UsageError(f"--format {given}: unknown format; expected one of: {EXTENSIONS}")
        return form
    if str(path) == "-":
        raise UsageError("standard input has no file name; give its format, for example --format csv.gz")
    form = format_of(path.name)
    if form is None:
        raise UsageError(f"{path}: unknown extension; expected one of: {EXTENSIONS}. Give the format with --format")
    return form


class _Opened:
    """A file that can be opened several times. Standard input is copied to a temporary file; large files show progress."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spool: BinaryIO | None = None
        self._streams: list[BinaryIO] = []
        self._shown = contextlib.ExitStack()

    def __enter__(self) -> _Opened:
        piped = self._path.exists() and not self._path.is_file() and not self._path.is_dir()  # /dev/stdin, <(command)
        if str(self._path) == "-" or piped:
            self._spool = cast("BinaryIO", tempfile.TemporaryFile(prefix="stream-qc-"))  # closed below
            with self._path.open("rb") if piped else contextlib.nullcontext(sys.stdin.buffer) as given:
                shutil.copyfileobj(given, self._spool)
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()
        for stream in [*self._streams, self._spool]:
            if stream is not None:
                stream.close()

    def open(self) -> BinaryIO:
        if self._spool is not None:
            self._spool.seek(0)
            return self._spool
        stream = self._path.open("rb")
        self._streams.append(stream)
        size = self._path.stat().st_size
        if not sys.stderr.isatty() or size < LONG_FILE:
            return stream
        from stream_qc import terminal

        self._shown.close()  # the bar of the pass before
        return self._shown.enter_context(terminal.progress(stream, size, self._path.name))


def _record(reports: dict[int, Report], *, passed: bool) -> dict[str, Any]:
    return {
        **({"TotalPass": int(passed)} if set(reports) == set(PROCESSES) else {}),  # a part is no total
        **{f"Process{number}Pass": int(report.passed) for number, report in reports.items()},
        "Rows": max(report.rows for report in reports.values()),
        "Checks": [result.item() for report in reports.values() for result in report.results],
    }


RUN = {"check": _check, "rules": _rules, "import": _import, "export": _export, "infer": _infer, "what-if": _what_if}
