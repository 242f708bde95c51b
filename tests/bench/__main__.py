"""`make bench`: runs the cases and writes docs/BENCHMARKS.md.

The figures are kept in .local/bench.json after each case. `python -m tests.bench page` writes the page from them again. With
ADD=1, those of a run before stay, so that the sizes can be measured one after another, on the same commit.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.cases import CASES, NAMES
from tests.bench.measure import BENCH, OWN, ROOT, BenchError, Figure
from tests.bench.page import Facts, page
from tests.bench.running import fastest, run_case, run_imports, run_kinds, run_lambda, run_peers, run_start
from tests.bench.sections import kept

PAGE, FIGURES = ROOT / "docs" / "BENCHMARKS.md", ROOT / ".local" / "bench.json"
SIZES = "1_000_000,10_000_000,100_000_000"
PACKAGES = (
    "polars", "duckdb", "pyarrow", "pandas", "ioos_qc", "pandera", "pointblank", "great_expectations", "frictionless",
)  # fmt: skip
RUN: dict[str, Callable[[list[int]], list[Figure]]] = {
    "kinds": run_kinds, "lambda": run_lambda, "imports": run_imports, "peers": run_peers,
}  # fmt: skip


def main() -> int:
    """Returns the exit status."""
    if sys.argv[1:] == ["page"]:
        saved = json.loads(FIGURES.read_text())
        PAGE.write_text(page(saved["facts"], [Figure(**one) for one in saved["figures"]]) + kept())
        return 0
    sizes = sorted(int(rows) for rows in os.environ.get("ROWS", SIZES).split(","))
    only = [name for name in os.environ.get("ONLY", "").split(",") if name]
    if unknown := set(only) - set(NAMES):
        print(f"ONLY: unknown: {', '.join(sorted(unknown))}; expected some of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    try:
        _run(sizes, only or list(NAMES))
    except BenchError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def _run(sizes: list[int], names: list[str]) -> None:
    facts = _facts(sizes, names)
    if os.environ.get("ADD"):
        facts, figures = _added(facts, json.loads(FIGURES.read_text()))
    else:
        print("start", flush=True)
        figures = run_start()

    def keep(more: list[Figure]) -> None:
        figures.extend(more)
        for one in more:
            print(
                f"  {one.case:<16} {one.role:<10} {one.who:<28} {one.cpu:8.2f} CPU s {one.wall:8.2f} s {one.peak:7.0f} MB",
                flush=True,
            )
        text = json.dumps(
            {"facts": {**facts, "Load of the machine": _load(facts)}, "figures": [asdict(one) for one in figures]}
        )
        FIGURES.write_text(text)

    for case in CASES:
        for rows in case.sizes(sizes) if case.name in names else []:
            print(f"{case.name}, {rows:,} rows", flush=True)
            keep(run_case(case, rows, fastest(case, rows, figures)))
    for name, run in RUN.items():
        if name in names:
            print(name, flush=True)
            keep(run(sizes))
    saved = json.loads(FIGURES.read_text())
    PAGE.write_text(page(saved["facts"], figures) + kept())


def _added(facts: Facts, before: dict[str, Any]) -> tuple[Facts, list[Figure]]:
    """Returns the facts and the figures of a run before, to add to. Raises BenchError if they are not of this commit."""
    commits = [one["Date"].partition(", ")[2] for one in (before["facts"], facts)]
    if commits[0] != commits[1]:
        raise BenchError(f"the figures in {FIGURES.relative_to(ROOT)} are of {commits[0]}, and this is {commits[1]}")
    command = f"{before['facts']['Command']}, then {facts['Command'].replace('`', '`ADD=1 ', 1)}"
    return {**before["facts"], "Command": command}, [Figure(**one) for one in before["figures"]]


def _facts(sizes: list[int], names: list[str]) -> Facts:
    """Returns what a reader needs to run it again. Raises BenchError if the two environments have different polars."""
    code = f"from importlib.metadata import version; print(*map(version, {PACKAGES!r}))"
    versions = _output(str(BENCH), "-c", code).split()
    if versions[0] != version("polars"):
        raise BenchError(f"polars is {version('polars')} in .venv and {versions[0]} in .local/bench")
    chosen = f"ROWS={','.join(map(str, sizes))}" + ("" if len(names) == len(NAMES) else f" ONLY={','.join(names)}")
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, commit {_commit()}",
        "Command": f"`{chosen} make bench`",
        "Machine": f"{cpu[0].partition(':')[2].strip() if cpu else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB",
        "Load of the machine": f"{os.getloadavg()[0]:.1f}",
        "Software": f"{platform.system()} {platform.release()}, Python {_output(str(OWN), '-V').split()[1]}, "
        + ", ".join(f"{name} {number}" for name, number in zip(PACKAGES, versions, strict=True)),
    }


def _load(facts: Facts) -> str:
    began = facts["Load of the machine"]
    return f"{began} at the start, {os.getloadavg()[0]:.1f} at the end (runnable processes, one minute's average)"


def _commit() -> str:
    return _output("git", "describe", "--always", "--dirty") or "unknown"


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
