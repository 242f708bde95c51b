"""Runs the cases and returns their figures."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.cases import CASES, KIND_CASES, MILLION, Case
from tests.bench.generators import KINDS
from tests.bench.limits import UNPACK, ways_for
from tests.bench.measure import (
    BENCH,
    OWN,
    ROOT,
    BenchError,
    Contestant,
    Figure,
    cost_of,
    engine_command,
    interleaved,
    module_command,
)
from tests.bench.peers import FEW, PEERS

ALL_WAYS = 10_000_000  # rows up to which every way to parse is tried
MOST_WAYS = 3  # beyond
FUNCTIONS = ("step_1_start_qc", "step_2_qc_process", "step_3_end_qc", "step_4_send_qc_summary")
IMPORT = (
    "import time, boto3; boto3.client('s3'); wall, cpu = time.perf_counter(), time.process_time(); "
    "import {}; print(time.perf_counter() - wall, time.process_time() - cpu)"
)
IMPORTS = 7  # processes for each function
EXITS = (0, 1)  # pass and fail


@contextmanager
def folder() -> Iterator[Path]:
    """Makes a folder for the files of one case, and removes it with them."""
    with tempfile.TemporaryDirectory(prefix="stream-qc-bench-") as name:
        yield Path(name)


def made(data: str, rows: int, path: Path) -> Path:
    """Makes a file in a process of its own, and returns its path."""
    cost_of(module_command(OWN, "generators", data, rows, path))
    return path


def run_case(case: Case, rows: int, ways: Collection[str] = ()) -> list[Figure]:
    """Measures a case at one size. ways: those to parse with; all if empty."""
    with folder() as place:
        rules = place / "rules.yaml"
        rules.write_text(case.rules)
        file = made(case.data, rows, place / f"stream{case.suffix}")
        contestants = _contestants(case, rows, file, rules, ways)
        interleaved(contestants)
    for one in contestants:
        if one.role.startswith("engine"):
            _require_verdict(case, rows, one)
    for role in ("parse", "own parse"):
        _require_agreement([one for one in contestants if one.role == role])
    return [one.figure(case.name, rows) for one in contestants if one.costs or one is contestants[-1]]


def _contestants(case: Case, rows: int, file: Path, rules: Path, ways: Collection[str]) -> list[Contestant]:
    size = file.stat().st_size
    # Some of the cases of one size are there because an engine may need too much memory or time for them.
    engine = Contestant("engine", "stream-qc", engine_command(file, rules), size, exits=EXITS, optional=case.exact > 0)
    if case.suffix in (".csv", ".ndjson"):
        return [*_parsers("parse", case, file, ways), engine]
    csv = made(case.data, rows, file.with_name("plain.csv"))
    if case.suffix == ".parquet":
        return [*_parsers("parse", case, csv, ways), *_parsers("own parse", case, file, ()), engine]
    unpackers = [
        Contestant("unpack", way, module_command(BENCH, "limits", way, file), size) for way in UNPACK[file.suffix]
    ]
    plain = Contestant("engine csv", "stream-qc", engine_command(csv, rules), csv.stat().st_size, exits=EXITS)
    return [*unpackers, plain, engine]


def _parsers(role: str, case: Case, file: Path, ways: Collection[str]) -> list[Contestant]:
    columns = file.with_name("columns.json")
    columns.write_text(json.dumps(case.columns))
    faulty = ["FAULTY"] if case.faulty else []
    return [
        Contestant(
            role,
            way,
            module_command(BENCH, "limits", way, file, columns, *faulty),
            file.stat().st_size,
            optional=True,
        )
        for way in ways_for(file.suffix, faulty=case.faulty)
        if not ways or way in ways
    ]


def failing(output: str) -> tuple[int, dict[str, int]]:
    """Returns the rows, and the number of failing rows of each check, from what `stream-qc check --json` printed."""
    found: dict[str, Any] = json.loads(output)
    return found["Rows"], {one["Check"].split("#", 1)[1].replace("#", "."): one["Fail"] for one in found["Checks"]}


def _require_verdict(case: Case, rows: int, engine: Contestant) -> None:
    for cost in engine.costs:
        read, counts = failing(cost.output)
        failed = {name for name, count in counts.items() if count}
        if read != rows or failed != case.fails:
            raise BenchError(f"{case.name}: {read:,} of {rows:,} rows; failed: {failed}; expected: {set(case.fails)}")


def _require_agreement(parsers: Sequence[Contestant]) -> None:
    """Raises BenchError if two ways to parse a file found different values."""
    if not any(one.costs for one in parsers) and parsers:
        raise BenchError("no way to parse the file worked")
    found = {one.who: json.loads(one.costs[0].output) for one in parsers if one.costs}
    for way, values in found.items():
        first = next(iter(found.values()))
        if len(values) != len(first) or not all(map(_alike, values, first)):
            raise BenchError(f"{way} found other values than {next(iter(found))}: {values[:5]}, {first[:5]}")


def _alike(one: list[Any], other: list[Any]) -> bool:
    return one[0] == other[0] and math.isclose(one[1], other[1], rel_tol=1e-15)


def fastest(case: Case, rows: int, figures: Sequence[Figure]) -> list[str]:
    """Returns the ways to parse that are worth a try at this size, by the figures of a smaller one; [] for all of them."""
    smaller = [one for one in figures if one.case == case.name and one.role == "parse" and one.rows < rows]
    if rows <= ALL_WAYS or not smaller:
        return []
    largest = max(one.rows for one in smaller)
    return [one.who for one in sorted(smaller, key=lambda one: one.cpu) if one.rows == largest][:MOST_WAYS]


def run_start() -> list[Figure]:
    """Measures what it costs to start: files of ten rows."""
    csv, lines = (run_case(case, 10) for case in CASES if case.name in ("csv", "ndjson"))
    found = [*csv, *(one for one in lines if one.role == "parse")]
    return [replace(one, case="start") for one in found]


def run_kinds(asked: list[int]) -> list[Figure]:
    """Measures each kind of fault alone, in 1 % of the rows."""
    rows = max((size for size in asked if size <= MILLION), default=min(asked))
    found = []
    for case in KIND_CASES:
        with folder() as place:
            rules = place / "rules.yaml"
            rules.write_text(case.rules)
            file = made(case.data, rows, place / "stream.csv")
            engine = Contestant("engine", "stream-qc", engine_command(file, rules), file.stat().st_size, exits=EXITS)
            interleaved([engine])
        _require_verdict(case, rows, engine)
        found.append(engine.figure(case.name, rows))
    return found


def run_lambda(asked: list[int]) -> list[Figure]:
    """Measures each process alone on one core, on a gigabyte of CSV if a size of 10 million rows was asked for."""
    rows = 3 * max((size for size in asked if size <= 10 * MILLION), default=min(asked))
    case = CASES[0]
    with folder() as place:
        rules = place / "rules.yaml"
        rules.write_text(case.rules)
        file = made(case.data, rows, place / "stream.csv")
        engines = [
            Contestant(
                "engine",
                f"process {process}",
                engine_command(file, rules, "--process", str(process)),
                file.stat().st_size,
                cores=1,
                exits=EXITS,
                environment={"POLARS_MAX_THREADS": "1"},
            )
            for process in (1, 2, 3)
        ]
        interleaved(engines)
    for one in engines:
        _require_verdict(case, rows, one)
    return [one.figure("lambda", rows) for one in engines]


def run_imports(_: list[int]) -> list[Figure]:
    """Measures what a Lambda's module adds to boto3 and a client when it is imported."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "functions", "AWS_DEFAULT_REGION": "eu-central-2"}
    environment |= {"IDEMPOTENCY_TABLE": "t", "POWERTOOLS_SERVICE_NAME": "s", "POWERTOOLS_METRICS_NAMESPACE": "n"}
    found = []
    for function in FUNCTIONS:
        command = [str(OWN), "-c", IMPORT.format(function)]
        printed = [
            subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
            for _ in range(IMPORTS)
        ]
        wall, cpu = (
            statistics.median(one) for one in zip(*(map(float, text.split()) for text in printed), strict=True)
        )
        found.append(Figure("imports", 0, 0, "import", function, cpu, wall, 0, IMPORTS))
    return found


def run_peers(asked: list[int]) -> list[Figure]:
    """Measures the engine and its peers on the clean file, and compares their counts on a file with faults."""
    notes = _agreement()
    found = []
    for rows in sorted({min(size, max(asked)) for size in (FEW, MILLION)}):
        with folder() as place:
            rules = place / "rules.yaml"
            rules.write_text(CASES[0].rules)
            file = made("clean", rows, place / "stream.csv")
            size = file.stat().st_size
            contestants = [Contestant("engine", "stream-qc", engine_command(file, rules), size, exits=EXITS)]
            contestants += [
                Contestant("peer", name, module_command(BENCH, "peers", name, file), size, note=notes[name])
                for name, peer in PEERS.items()
                if rows <= peer.most
            ]
            interleaved(contestants)
        found += [one.figure("peers", rows) for one in contestants]
    return found


def _agreement(rows: int = 50_000) -> dict[str, str]:
    """Returns for each peer on which checks its counts of failing rows equal the engine's.

    The file has no faults of type, at which some readers stop, and no times out of order, at which ioos_qc stops.
    """
    kinds = ",".join(kind for kind in KINDS if kind not in ("type", "order"))
    with folder() as place:
        rules = place / "rules.yaml"
        rules.write_text(CASES[0].rules)
        file = made(f"dirty:{kinds}", rows, place / "stream.csv")
        _, ours = failing(cost_of(engine_command(file, rules), exits=EXITS).output)
        return {
            name: _compared(json.loads(cost_of(module_command(BENCH, "peers", name, file)).output), ours)
            for name in PEERS
        }


def _compared(theirs: dict[str, int], ours: dict[str, int]) -> str:
    """Returns in words how the counts of a peer compare with the engine's."""
    different = {name: count for name, count in theirs.items() if ours.get(name) != count}
    both = [name for name, count in different.items() if count == 2 * ours.get(name, 0)]
    others = [f"{name}: {count:,} for {ours.get(name, 0):,}" for name, count in different.items() if name not in both]
    words = f"{len(theirs) - len(different)} of {len(theirs)}"
    return "; ".join([words, *(f"{name}: both rows of a repeat" for name in both), *others])
