"""The goals, and whether the figures meet them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.cases import CASES, MILLION
from tests.bench.measure import Figure

RATIOS = {"csv": (2.0, 1.5), "dirty": (3.0, 2.0), "key": (3.0, 2.0), "ndjson": (2.5, 1.8), "parquet": (1.5, 1.0)}
SECONDS = {"wide2000": 3.0, "wide20000": 10.0, "location": 3.0}
PACKED = ("gzip", "zstd")
PEAK = 256  # MB
DOWNLOAD = 100  # MB a second
IMPORT = 200  # ms
PROCESS = "step_2_qc_process"
TITLES = {case.name: case.title for case in CASES}

# What stands in the way of a goal that is not met. Keep this up to date with the engine.
OBSTACLES = {
    "csv": "Two thirds of it are the parse: polars splits the text into cells, and times are computed from their digits. The rest is "
    "the checks, a fifth of which goes into calling polars for each block of 4 MB.",
    "dirty": "A block with a cell that is not of its type is read as text, and every check that finds a fault in a block looks at "
    "each of its rows.",
    "key": "A hash for each key, sorted in runs that are merged at the end, comes on top of what the first case costs.",
    "ndjson": "Lines are split at their commas, and each cell is compared with its name and with the form of a JSON value.",
    "parquet": "The checks alone cost as much as the parse of the same rows in CSV.",
    "gzip": "Unpacking, parsing and checking share two cores.",
    "zstd": "Unpacking, parsing and checking share two cores.",
    "wide2000": "Each column has checks of its own, and each of these a result.",
    "wide20000": "Each column has checks of its own, and each of these a result.",
    "lambda": "Each process reads and parses the file for itself.",
    "imports": "polars alone takes 100 to 150 ms.",
}
UNEXAMINED = "Not examined yet."


@dataclass(frozen=True)
class Goal:
    """A goal beside what was measured. bar: what must be reached at least, or "" if there is only the goal."""

    name: str
    what: str
    measured: str
    goal: str
    met: bool
    bar: str = ""
    bar_met: bool = True

    @property
    def obstacle(self) -> str:
        return "" if self.met else OBSTACLES.get(self.name, UNEXAMINED)


def goals(figures: Sequence[Figure]) -> list[Goal]:
    """Returns every goal for which there are figures."""
    return [
        *_ratios(figures), *_packed(figures), *_seconds(figures), *_seasons(figures), *_memory(figures),
        *_lambda(figures), *_imports(figures),
    ]  # fmt: skip


def engine(figures: Sequence[Figure], case: str) -> list[Figure]:
    """Returns what the engine cost in a case, by size."""
    return sorted((one for one in figures if (one.case, one.role) == (case, "engine")), key=lambda one: one.rows)


def best(figures: Sequence[Figure], case: str, rows: int, role: str = "parse") -> Figure | None:
    """Returns the way with the fewest CPU seconds, or None if none was measured."""
    found = [one for one in figures if (one.case, one.rows, one.role) == (case, rows, role)]
    return min(found, key=lambda one: one.cpu, default=None)


def size_words(rows: int) -> str:
    """Returns a number of rows in words: 10 million rows."""
    return f"{rows // MILLION} million rows" if rows >= MILLION and rows % MILLION == 0 else f"{rows:,} rows"


def _ratios(figures: Sequence[Figure]) -> Iterator[Goal]:
    for name, (bar, goal) in RATIOS.items():
        for one in engine(figures, name):
            parse = best(figures, name, one.rows)
            if parse:
                ratio = one.cpu / parse.cpu
                against = ", against CSV's parse" if name == "parquet" else ""
                what = f"{TITLES[name]}{against}, {size_words(one.rows)}"
                yield Goal(name, what, f"{ratio:.2f}", f"{goal:.1f}", ratio <= goal, f"{bar:.1f}", ratio <= bar)


def _packed(figures: Sequence[Figure]) -> Iterator[Goal]:
    for name in PACKED:
        for one in engine(figures, name):
            unpack, plain = (best(figures, name, one.rows, role) for role in ("unpack", "engine csv"))
            if unpack and plain:
                cpu, wall = unpack.cpu + plain.cpu, unpack.wall + plain.wall
                what = f"{TITLES[name]}, {size_words(one.rows)}"
                yield Goal(f"{name}", f"{what}, CPU", f"{one.cpu:.2f} s", f"{cpu:.2f} s", one.cpu <= cpu)
                yield Goal(f"{name}", f"{what}, wall", f"{one.wall:.2f} s", f"{wall:.2f} s", one.wall <= wall)


def _seconds(figures: Sequence[Figure]) -> Iterator[Goal]:
    for name, most in SECONDS.items():
        for one in engine(figures, name):
            yield Goal(
                name, f"{TITLES[name]}, {size_words(one.rows)}", f"{one.cpu:.2f} s", f"{most:g} s", one.cpu <= most
            )


def _seasons(figures: Sequence[Figure]) -> Iterator[Goal]:
    for one in engine(figures, "seasons"):
        what = f"{TITLES['seasons']}, {size_words(one.rows)}, peak"
        yield Goal("seasons", what, _measured(one.peak, ".0f", "MB"), f"{PEAK} MB", one.peak <= PEAK)


def _measured(value: float, form: str, unit: str) -> str:
    return "did not end" if value == math.inf else f"{value:{form}} {unit}"


def _memory(figures: Sequence[Figure]) -> Iterator[Goal]:
    """Yields the highest peak at each size, over all cases that grow with the size."""
    grow = {case.name for case in CASES if not case.exact}
    rows = sorted({one.rows for one in figures if one.case in grow})
    for size in rows:
        found = [one for one in figures if one.role == "engine" and one.case in grow and one.rows == size]
        if found:
            most = max(found, key=lambda one: one.peak)
            what = f"Peak memory at any length: {size_words(size)}, worst: {TITLES[most.case]}"
            yield Goal("memory", what, f"{most.peak:.0f} MB", f"{PEAK} MB", most.peak <= PEAK)


def _lambda(figures: Sequence[Figure]) -> Iterator[Goal]:
    for one in engine(figures, "lambda"):
        speed = one.size / 1_000_000 / one.cpu
        what = f"As Lambdas run it, {one.who}, {one.size / 1_000_000:,.0f} MB of CSV on one core"
        yield Goal("lambda", what, f"{speed:.0f} MB/s", f"{DOWNLOAD} MB/s", speed >= DOWNLOAD)


def _imports(figures: Sequence[Figure]) -> Iterator[Goal]:
    for one in figures:
        if (one.case, one.who) == ("imports", PROCESS):
            milliseconds = one.cpu * 1_000
            what = "Import of a process's function over boto3, CPU"
            yield Goal("imports", what, f"{milliseconds:.0f} ms", f"{IMPORT} ms", milliseconds <= IMPORT)
