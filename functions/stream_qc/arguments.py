"""The commands of `stream-qc` and their arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

from stream_qc.formats import EXTENSIONS
from stream_qc.vocabulary import PROCESSES


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the arguments. `command` is the name of the command."""
    found = argparse.ArgumentParser(
        prog="stream-qc", description="Checks stream files against rules, with the same engine as the Lambdas."
    )
    commands = found.add_subparsers(required=True, metavar="COMMAND", dest="command")

    check = commands.add_parser(
        "check",
        help="check files",
        description=f"Checks one file or several. The file name gives the format: {EXTENSIONS}.",
        epilog="Exit status: 0 pass, 1 fail, 2 usage error, invalid rules or unusable file.",
    )
    check.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a stream file, or - for standard input")
    _add_format(check)
    check.add_argument(
        "--rules",
        type=Path,
        metavar="RULES.yaml",
        help="the rules file; without it, any readable file with at least one row passes",
    )
    check.add_argument(
        "--process", type=int, choices=list(PROCESSES), help="run one process only: 1 structure, 2 values, 3 continuity"
    )
    shown = check.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the result as JSON, one line for each file")
    shown.add_argument("-v", "--verbose", action="store_true", help="list the checks that passed, too")
    shown.add_argument("-q", "--quiet", action="store_true", help="print one line for each file: its verdict")
    check.add_argument(
        "--flags",
        type=Path,
        metavar="FLAGS",
        help="write the flags of every row, one column per test: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing; as CSV, "
        "or, if the name ends in .parquet, as Parquet with all columns of the file",
    )

    check.add_argument(
        "--report",
        type=Path,
        metavar="PAGE.html",
        help="write a page that shows what was found, with the offending points where they are",
    )

    rules = commands.add_parser(
        "rules",
        help="validate a rules file and describe it in plain words, or try what it catches",
        description="Validates a rules file and describes it in plain words. With --try, puts faults into a good file and tells "
        "which of them the rules catch, and what to add for the others.",
        epilog="Exit status: 0, or 1 if the rules miss a fault that was tried; 2 usage error or invalid rules.",
    )
    rules.add_argument("rules", type=Path, metavar="RULES.yaml", help="the rules file")
    rules.add_argument(
        "--try", dest="file", type=Path, metavar="FILE", help="a good file of the stream, to put faults into"
    )
    _add_format(rules)

    what_if = commands.add_parser(
        "what-if",
        help="tell what other rules would have said of files",
        description="Checks files with the current rules and with candidate rules, and tells which verdicts would change, "
        "through which checks and rows, and the nearest limit at which each failing check would have passed.",
        epilog="Exit status: 0 no verdict would change, also where a file that fails anyway would fail more checks; 1 one would; "
        "2 usage error, invalid rules or unusable file.",
    )
    what_if.add_argument("candidate", type=Path, metavar="CANDIDATE.yaml", help="the rules to try")
    what_if.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a stream file, or - for standard input")
    _add_format(what_if)
    what_if.add_argument(
        "--rules",
        type=Path,
        metavar="RULES.yaml",
        help="the current rules; without them, any readable file with at least one row passes",
    )
    what_if.add_argument("--json", action="store_true", help="print the result as JSON, one line for each file")
    what_if.add_argument("--report", type=Path, metavar="PAGE.html", help="write a page that shows the same")

    import_ = commands.add_parser(
        "import",
        help="write rules from a data contract (ODCS)",
        description="Prints the rules that a contract of the Open Data Contract Standard 3 asks for. What they cannot carry is "
        "listed first, in lines that begin with `# not carried:`.",
    )
    import_.add_argument("contract", type=Path, metavar="CONTRACT.yaml", help="the contract")
    import_.add_argument("--object", metavar="NAME", help="which object of its schema, if it has several")
    import_.set_defaults(file=None)

    export = commands.add_parser(
        "export",
        help="write a data contract (ODCS) from rules",
        description="Prints a contract of the Open Data Contract Standard 3.1 that asks for what the rules ask for. QARTOD tests "
        "are custom rules of the engine ioos_qc, and what only Stream QC knows, of the engine streamQC. `import` reads both.",
    )
    export.add_argument("rules", type=Path, metavar="RULES.yaml", help="the rules file")
    export.add_argument("--name", help="the name of the contract, if it is not that of the file")
    export.set_defaults(file=None)

    infer_ = commands.add_parser(
        "infer",
        help="generate a starter rules file from good files",
        description="Prints rules that the files pass: their dialect, types, required fields, the time axis, the series, the "
        "longest time gap; ranges, and limits of changes and of standing still, with a margin. Several files, of all seasons, "
        "give better limits.",
        epilog="Review the rules before you use them. Lines that begin with `# check:` say what the files alone do not tell.",
    )
    infer_.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a stream file, or - for standard input")
    _add_format(infer_)
    infer_.set_defaults(rules=None)
    return found


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", metavar="EXT", help="the format, if the file name does not give it: csv, ndjson.gz, parquet …"
    )
