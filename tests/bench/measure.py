"""The cost of a child process: CPU seconds, wall seconds and peak memory, each the child's own."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LAUNCHER = Path(__file__).with_name("launcher.py")
OWN, BENCH = ROOT / ".venv/bin/python", ROOT / ".local/bench/bin/python"
ROUNDS = 5
CORES = 2
LONG = 300.0  # CPU seconds; a command that takes longer runs once, and the page says so
CHECK = "from stream_qc.__main__ import main; main()"  # what the stream-qc command does


class BenchError(Exception):
    """A command of the benchmark failed, or two ways to parse a file disagree."""


@dataclass(frozen=True)
class Cost:
    """cpu: user and system seconds. peak: MB of 1,048,576 bytes, as Lambda counts. output: what the command printed."""

    cpu: float
    wall: float
    peak: float
    output: str = ""


@dataclass
class Figure:
    """What a command cost: medians of its runs; the peak is the highest.

    role: engine, parse, own parse (of a Parquet file), unpack, engine csv (the same rows as plain CSV), peer or import. who:
    the name of the way or of the tool. runs: 0 if the command did not end. note: what it was found to do.
    """

    case: str
    rows: int
    size: int
    role: str
    who: str
    cpu: float
    wall: float
    peak: float
    runs: int
    note: str = ""


@dataclass
class Contestant:
    """A command to measure. exits: the exit statuses that are no error. optional: it may fail, and the page says so."""

    role: str
    who: str
    command: Sequence[str]
    size: int
    cores: int = CORES
    exits: tuple[int, ...] = (0,)
    environment: dict[str, str] = field(default_factory=dict)
    optional: bool = False
    note: str = ""
    costs: list[Cost] = field(default_factory=list)
    failed: bool = False

    @property
    def is_done(self) -> bool:
        return self.failed or len(self.costs) >= ROUNDS or any(cost.cpu > LONG for cost in self.costs)

    def figure(self, case: str, rows: int) -> Figure:
        if not self.costs:
            return Figure(case, rows, self.size, self.role, self.who, math.inf, math.inf, math.inf, 0, self.note)
        cpu, wall = (statistics.median(getattr(cost, name) for cost in self.costs) for name in ("cpu", "wall"))
        peak = max(cost.peak for cost in self.costs)
        return Figure(case, rows, self.size, self.role, self.who, cpu, wall, peak, len(self.costs), self.note)


def interleaved(contestants: Sequence[Contestant]) -> None:
    """Runs the contestants one after the other, in several rounds, so that a busy moment of the machine meets them all."""
    for _ in range(ROUNDS):
        for one in contestants:
            if not one.is_done:
                _run(one)


def _run(one: Contestant) -> None:
    try:
        one.costs.append(cost_of(one.command, one.cores, one.exits, one.environment))
    except BenchError as error:
        if not one.optional:
            raise
        one.failed = True
        print(f"failed: {one.who}: {str(error).splitlines()[-1]}", file=sys.stderr)


def cost_of(
    command: Sequence[str],
    cores: int = CORES,
    exits: tuple[int, ...] = (0,),
    environment: dict[str, str] | None = None,
) -> Cost:
    """Returns what a command costs. Raises BenchError if it ends with another status than expected."""
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(cores), *command]
    paths = {"PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    variables = {**os.environ, **paths, "PYTHONWARNINGS": "ignore", **(environment or {})}
    done = subprocess.run(launch, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    output, _, last = done.stdout.rstrip().rpartition("\n")
    found = json.loads(last) if last.startswith("{") else {"status": done.returncode}
    if found["status"] not in exits or "cpu" not in found:
        raise BenchError(f"{' '.join(command)[:500]} exited with {found['status']}: {done.stderr.strip()[-2000:]}")
    return Cost(found["cpu"], found["wall"], found["peak_kb"] / 1024, output.strip())


def engine_command(path: Path, rules: Path, *more: str) -> list[str]:
    """Returns the command that checks a file, as users run it."""
    return [str(OWN), "-c", CHECK, "check", str(path), "--rules", str(rules), "--json", *more]


def module_command(python: Path, module: str, *words: object) -> list[str]:
    """Returns the command that runs a module of this package."""
    return [str(python), "-m", f"tests.bench.{module}", *map(str, words)]
