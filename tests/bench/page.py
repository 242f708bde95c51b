"""Writes docs/BENCHMARKS.md from the figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tests.bench.cases import CASES, Case
from tests.bench.generators import GENERATORS
from tests.bench.goals import TITLES, Goal, best, engine, goals, size_words
from tests.bench.measure import CORES, LONG, ROUNDS, Figure
from tests.bench.peers import PEERS
from tests.bench.rules import EVERY_CHECK
from tests.bench.running import ALL_WAYS, MOST_WAYS

Row = Sequence[str]
Facts = dict[str, str]

HEAD = """# Benchmarks

`make bench` writes this page. What the engine costs stands beside the fastest parse of the same file, measured in the same
run, and beside other tools. To check a value is to read it first, so the ratio of the two says what the checks cost."""

METHOD = f"""
- **CPU seconds** are the user and system seconds of a child process, from `wait4`. Starting Python and all imports are
  counted, for the engine and for the parse; [the costs of a start](#the-cost-of-a-start) can be subtracted. Wall seconds and
  peak memory are of the same process. MB of memory are 1,048,576 bytes, as Lambda counts them; MB of a file are 1,000,000.
- **The machine is shared**, so goals are about CPU seconds. Other work makes these larger too, but for all alike.
- **Two cores.** A process may use {CORES} cores, unless a table says otherwise.
- **Interleaved.** The ways to parse and the engine run one after the other, {ROUNDS} rounds of them. The tables show the
  median of the CPU seconds and of the wall seconds, and the highest peak. What needs more than {LONG:.0f} CPU seconds runs once.
- **The fastest parse** is the way with the fewest CPU seconds. All ways end with the same typed columns: each prints the
  number of values and the greatest value of every column, and the run stops if two of them differ. Beyond
  {ALL_WAYS:,} rows only the {MOST_WAYS} run that were fastest there. A way that cannot read a file is left out: pyarrow stops at a cell
  that is not of its column's type.
- **The engine** runs as users run it: `stream-qc check FILE --rules RULES --json`. The run stops if its verdict, the rows it
  read or the set of failing checks is not what the file was made for.
- **The files** are read from the disk cache. They were written just before.
- **Peers** get the file of the first case. For each, its counts of failing rows on a file with faults are compared with the
  engine's.
"""

TESTED = """
These rules use every kind of check but `location_test`, which has a case of its own, `syntax_test` and
`data_reception_test`. Time order and duplicate times are checked wherever the rules name a time."""


def page(facts: Facts, figures: Sequence[Figure]) -> str:
    """Returns the page. facts: the date, the machine, the versions, by name."""
    found = goals(figures)
    parts = [
        HEAD,
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        *_section("Goals", _goals(found)),
        *_section("How it is measured", [METHOD.strip()]),
        *_section("The cases", _cases(figures)),
        *_section("The ways to parse", _ways(figures)),
        *_section("Compressed files", _packed(figures)),
        *_section("Each kind of fault alone", _kinds(figures)),
        *_section("As Lambdas run it", _lambda(figures)),
        *_section("Other tools", _peers(figures)),
        *_section("The cost of a start", _start(figures)),
        *_section("Imports of the Lambdas", _imports(figures)),
        *_section("The files", _files()),
        *_section("The rules", [TESTED.strip(), "", "```yaml", EVERY_CHECK.strip(), "```"]),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    return ["", f"## {title}", "", *lines] if lines else []


def table(head: Row, rows: Iterable[Row], left: int = 1) -> list[str]:
    """Returns a table, or nothing if it has no rows. left: how many columns are text; figures are aligned to the right."""
    rows = list(rows)
    if not rows:
        return []
    marks = ["---" if number < left or name == "met?" else "---:" for number, name in enumerate(head)]
    return ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in (head, marks, *rows)]


def seconds(value: float) -> str:
    return "did not end" if value == math.inf else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _costs(one: Figure) -> list[str]:
    if not one.runs:
        return ["did not end", "", ""]
    once = " (once)" if one.runs == 1 else ""
    return [seconds(one.cpu) + once, seconds(one.wall), f"{one.peak:,.0f}"]


def _goals(found: Sequence[Goal]) -> list[str]:
    if not found:
        return []
    met = sum(goal.met for goal in found)
    rows = [[goal.what, goal.measured, goal.bar, goal.goal, "met" if goal.met else _missed(goal)] for goal in found]
    missed = {goal.name: goal for goal in found if not goal.met}
    reasons = [f"- **{_title(goal.name)}.** {goal.obstacle}" for goal in missed.values()]
    lines = [f"**{met} of {len(found)} are met.** Where there is a bar, it is the least that was asked for.", ""]
    lines += table(["goal", "measured", "bar", "goal", "met?"], rows)
    return [*lines, "", "What stands in the way of those that are not met:", "", *reasons] if reasons else lines


def _missed(goal: Goal) -> str:
    return "**not met**" if not goal.bar else "not met; within the bar" if goal.bar_met else "**not met, nor the bar**"


def _title(name: str) -> str:
    return TITLES.get(
        name, {"memory": "Peak memory", "lambda": "As Lambdas run it", "imports": "Imports"}.get(name, name)
    )


def _cases(figures: Sequence[Figure]) -> list[str]:
    starts = {one.who: one.cpu for one in figures if one.case == "start"}
    rows = [
        _case_row(case, one, best(figures, case.name, one.rows), starts)
        for case in CASES
        for one in engine(figures, case.name)
    ]
    head = [
        "case",
        "fastest parse",
        "rows",
        "file MB",
        "parse CPU s",
        "engine CPU s",
        "ratio",
        "without starts",
        "wall s",
        "peak MB",
    ]
    note = (
        "A Parquet file is compared with the parse of the same rows in CSV. The parse of compressed files is not measured. The\n"
        "ratio *without starts* is that of what each costs more than on a file of ten rows. Wall and peak are the engine's."
    )
    lines = table(head, rows, left=2)
    return [note, "", *lines] if lines else []


def _case_row(case: Case, one: Figure, parse: Figure | None, starts: dict[str, float]) -> list[str]:
    cpu, wall, peak = _costs(one)
    compared = ["", cpu, "", ""]
    if parse:
        ratio = f"**{one.cpu / parse.cpu:.2f}**" if one.runs else ""
        compared = [seconds(parse.cpu), cpu, ratio, _without_starts(one, parse, starts)]
    return [case.title, parse.who if parse else "", f"{one.rows:,}", f"{one.size / 1e6:,.0f}", *compared, wall, peak]


def _without_starts(one: Figure, parse: Figure, starts: dict[str, float]) -> str:
    """Returns the ratio less what each costs on a file of ten rows; "" if the parse costs hardly more than that."""
    if not one.runs or not {one.who, parse.who} <= set(starts) or parse.cpu < 1.3 * starts[parse.who]:
        return ""
    return f"{(one.cpu - starts[one.who]) / (parse.cpu - starts[parse.who]):.2f}"


def _ways(figures: Sequence[Figure]) -> list[str]:
    rows = []
    for case in CASES:
        for role in ("parse", "own parse"):
            found = [one for one in figures if (one.case, one.role) == (case.name, role)]
            fastest = _winners(found)
            title = f"{case.title}: the Parquet file itself" if role == "own parse" else case.title
            rows += [
                [title, f"**{one.who}**" if (one.rows, one.who) in fastest else one.who, f"{one.rows:,}", *_costs(one)]
                for one in sorted(found, key=lambda one: (one.rows, one.cpu))
            ]
    return table(["case", "way", "rows", "CPU s", "wall s", "peak MB"], rows, left=2)


def _winners(found: Sequence[Figure]) -> set[tuple[int, str]]:
    """Returns the fastest way at each size, as (rows, way)."""
    by_size = {one.rows: one.who for one in sorted(found, key=lambda one: -one.cpu)}
    return set(by_size.items())


def _packed(figures: Sequence[Figure]) -> list[str]:
    rows = []
    for name in ("gzip", "zstd"):
        for role, what in (
            ("unpack", "unpacking alone, {}"),
            ("engine csv", "the engine on plain CSV"),
            ("engine", "the engine"),
        ):
            found = [one for one in figures if (one.case, one.role) == (name, role)]
            rows += [
                [TITLES[name], what.format(one.who), f"{one.rows:,}", f"{one.size / 1e6:,.0f}", *_costs(one)]
                for one in found
            ]
    note = "The goal: no more CPU seconds than unpacking and plain CSV together, and no more wall seconds than one after the other."
    lines = table(["case", "what", "rows", "file MB", "CPU s", "wall s", "peak MB"], rows, left=2)
    return [note, "", *lines] if lines else []


def _kinds(figures: Sequence[Figure]) -> list[str]:
    found = [one for one in figures if one.case.startswith("dirty-")]
    rows = [[one.case.removeprefix("dirty-"), f"{one.rows:,}", *_costs(one)] for one in found]
    note = (
        "1 % of the rows have this fault: `range` is far out of every range, `type` a number with a question mark, "
        "`spike` 12 degrees too much,\n`order` a time five seconds early. A fault can fail several checks, and its neighbours' spike_test."
    )
    return [note, "", *table(["fault", "rows", "CPU s", "wall s", "peak MB"], rows)] if rows else []


def _lambda(figures: Sequence[Figure]) -> list[str]:
    rows = [
        [one.who, f"{one.size / 1e6:,.0f}", *_costs(one), f"{one.size / 1e6 / one.cpu:,.0f}"]
        for one in engine(figures, "lambda")
    ]
    note = (
        "One process at a time on one core, `POLARS_MAX_THREADS=1`, on the file of the first case, from the disk cache."
    )
    lines = table(["process", "file MB", "CPU s", "wall s", "peak MB", "MB per CPU s"], rows)
    return [note, "", *lines] if rows else []


def _peers(figures: Sequence[Figure]) -> list[str]:
    found = [one for one in figures if one.case == "peers"]
    lines = []
    for rows in sorted({one.rows for one in found}):
        costs = sorted((one for one in found if one.rows == rows), key=lambda one: one.cpu)
        cells = [[one.who, PEERS[one.who].omits if one.who in PEERS else "", one.note, *_costs(one)] for one in costs]
        head = ["tool", "leaves out", "checks with the engine's counts", "CPU s", "wall s", "peak MB"]
        lines += [f"On {size_words(rows)}:", "", *table(head, cells, left=3), ""]
    note = (
        "Each runs what it can of the same rules. What it leaves out makes it faster, so read the columns together. The tools\n"
        "that need minutes for a million rows get fewer rows. A count differs where a tool counts both rows of a repeated time."
    )
    return [note, "", *lines[:-1]] if lines else []


def _start(figures: Sequence[Figure]) -> list[str]:
    found = [one for one in figures if one.case == "start"]
    rows = [[one.who, *_costs(one)] for one in sorted(found, key=lambda one: one.cpu)]
    return ["A file of ten rows.", "", *table(["who", "CPU s", "wall s", "peak MB"], rows)] if rows else []


def _imports(figures: Sequence[Figure]) -> list[str]:
    found = [one for one in figures if one.case == "imports"]
    rows = [[f"`{one.who}`", f"{one.cpu * 1_000:.0f}", f"{one.wall * 1_000:.0f}"] for one in found]
    note = f"Over boto3 and a client, the median of {found[0].runs} processes." if found else ""
    return [note, "", *table(["module", "CPU ms", "wall ms"], rows)] if rows else []


def _files() -> list[str]:
    used: dict[str, list[str]] = {}
    for case in CASES:
        used.setdefault(case.data.partition(":")[0], []).append(case.title)
    rows = [
        [f"`{name}`", (make.__doc__ or "").splitlines()[0], "; ".join(used[name])] for name, make in GENERATORS.items()
    ]
    note = (
        "Noise is a hash of the row number, so a file is the same each time and nothing in it repeats.\n"
        "Parquet files have row groups of 250,000 rows."
    )
    return [note, "", *table(["generator", "what it writes", "cases"], rows, left=3)]
