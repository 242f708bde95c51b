"""Long seasons, wide tables, shuffled times and exact distances take memory and time in proportion to the cells.

Each runs in a process of its own. Its memory is the growth of its peak (VmHWM). Its time is a limit on CPU seconds that
linear code is far below on any machine and quadratic code far above.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from geographiclib.geodesic import Geodesic

from tests.amount import ONE_THREAD
from tests.engine.test_qartod import flags

MEGABYTES = 256
MOST_ADDRESSES = 6 << 30  # bytes: a process that takes gigabytes fails and does not harm the machine
CHECK = """
import re, sys
from pathlib import Path
from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.rules import load

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

path, rules = sys.argv[1], load(Path(sys.argv[2]).read_text())
check_stream(lambda: open(path, "rb"), format_of(path), load(Path(sys.argv[3]).read_text()))  # so that imports do not count
before = peak()
reports = check_stream(lambda: open(path, "rb"), format_of(path), rules)
print(peak() - before, reports[1].rows, *(f"{one.name}={one.fail}" for report in reports.values() for one in report.results))
"""


def checked(
    tmp_path: Path, rules: dict[str, Any], lines: Iterable[str], cpu_seconds: int = 600, kind: str = "csv"
) -> tuple[float, int, dict[str, int]]:
    """Checks a file in a process. Returns the megabytes by which its peak memory grew, the rows, and the failing rows by check."""
    path, asked, few = tmp_path / f"x.{kind}", tmp_path / "rules.json", tmp_path / "few.json"
    rows = list(lines)
    if kind == "csv":
        rows.insert(0, ",".join(field["name"] for field in rules["schema"]["fields"]))
    path.write_text("\n".join(rows) + "\n")
    asked.write_text(json.dumps(rules))
    few.write_text("rows: {minimum: 1}")
    words = [sys.executable, "-c", CHECK, str(path), str(asked), str(few)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))

    environment = {name: value for name, value in os.environ.items() if name != ONE_THREAD}
    done = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=limit, env=environment)
    assert done.returncode == 0, f"status {done.returncode}; the limit is {cpu_seconds} CPU s: {done.stderr[-300:]}"
    grown, count, *failing = done.stdout.split()
    return float(grown), int(count), {name: int(fail) for name, _, fail in (one.rpartition("=") for one in failing)}


def times(count: int) -> list[str]:
    start = dt.datetime(2020, 1, 1)
    return [(start + dt.timedelta(minutes=11 * row)).isoformat() for row in range(count)]


def stream(test: str, parameters: dict[str, Any], names: str = "v") -> dict[str, Any]:
    fields = [{"name": "time", "type": "datetime"}, *({"name": name, "type": "number"} for name in names.split())]
    axes: dict[str, Any] = {axis: axis for axis in ("time", "lat", "lon") if axis in ["time", *names.split()]}
    return {"schema": {"fields": fields}, "streams": {"v": {"qartod": {test: parameters}}}, **axes}


@pytest.mark.slow
@pytest.mark.parametrize("period", ["dayofyear", None])
def test_memory_is_bounded_with_many_seasons(period: str | None, tmp_path: Path) -> None:
    seasons: list[dict[str, Any]] = []
    for index in range(1500):
        day = dt.date(2020, 1, 1) + dt.timedelta(days=index % 366)
        span = [index % 366 + 1] * 2 if period else [str(day), f"{day}T23:59:59"]
        seasons.append({"tspan": span, "period": period, "vspan": [0, 10], "fspan": [0, 20]})
    lines = [f"{time},{30 if row == 5 else row % 10}" for row, time in enumerate(times(1000))]
    rules = stream("climatology_test", {"config": seasons})
    grown, rows, failing = checked(tmp_path, rules, lines)
    assert (rows, failing["2#v#climatology_test"]) == (1000, 1)
    assert grown < MEGABYTES


@pytest.mark.slow
def test_memory_is_bounded_with_shuffled_times(tmp_path: Path) -> None:
    """The intervals between shuffled times are nearly all different. Both tests that need their median are asked for."""
    rules = stream("flat_line_test", {"suspect_threshold": 100, "fail_threshold": 200, "tolerance": 0.5})
    attenuated = {"suspect_threshold": 1, "fail_threshold": 0, "test_period": 7200, "min_period": 600}
    rules["streams"]["v"]["qartod"]["attenuated_signal_test"] = attenuated
    shuffled = times(800_000)
    random.Random(1).shuffle(shuffled)
    lines = [f"{time},{row % 10}" for row, time in enumerate(shuffled)]
    grown, rows, _ = checked(tmp_path, rules, lines)
    assert rows == 800_000
    assert grown < MEGABYTES


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "columns", "rows"), [("csv", 16_000, 100), ("ndjson", 2000, 600)])
def test_time_is_linear_in_the_cells_of_a_wide_table(kind: str, columns: int, rows: int, tmp_path: Path) -> None:
    names = [f"c{index}" for index in range(columns)]
    rules = {"schema": {"fields": [{"name": name, "type": "number"} for name in names]}}
    good: dict[str, Any] = dict.fromkeys(names, 1.5)
    lines = [
        json.dumps(row) if kind == "ndjson" else ",".join(map(str, row.values()))
        for row in (good, {**good, names[-1]: "x"})
    ]
    _, count, failing = checked(tmp_path, rules, [lines[0]] * (rows - 1) + lines[1:], 30, kind)
    assert (count, sum(failing.values())) == (rows, 1)


@pytest.mark.slow
def test_exact_distances_of_many_rows_take_seconds(tmp_path: Path) -> None:
    lines = [f"{time},1,{row % 1000 / 1000},{row % 700 / 700}" for row, time in enumerate(times(200_000))]
    rules = stream("location_test", {"range_max": 2000, "range_method": "wgs84"}, "v lat lon")
    _, rows, failing = checked(tmp_path, rules, lines, 15)
    assert (rows, failing["2#v#location_test"]) == (200_000, 0)


PLACES = [(0, 0), (0, 180), (90, 0), (-90, 77), (45.5, 7), (45.5, 7.00001), (-45.5, -173), (0.5, 179.7), (-0.5, -0.2), (89.9, -180)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_exact_distances_are_those_of_geographiclib(block_bytes: int) -> None:
    """To a millimetre, nearly antipodal places and poles too: a limit on either side of the distance decides the flag."""
    chance = random.Random(2)
    places = [*PLACES, *((chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(30))]
    for (lat1, lon1), (lat2, lon2) in zip(places, places[1:] + places[:1], strict=True):
        metres = Geodesic.WGS84.Inverse(lat1, lon1, lat2, lon2)["s12"]
        assert not math.isnan(metres)
        columns = {"lat": [lat1, lat2], "lon": [lon1, lon2], "v": [1, 1]}
        for limit, flag in ((metres + 0.001, 1), (metres - 0.001, 3)):
            parameters = {"range_max": limit, "range_method": "wgs84"}
            assert flags("location_test", parameters, columns, block_bytes) == [1, flag], (lat1, lon1, lat2, lon2)


def test_many_seasons_give_the_flags_of_the_last_that_applies() -> None:
    """Overlapping seasons by month, by time and by depth, against a loop over them."""
    chance = random.Random(3)
    seasons: list[dict[str, Any]] = []
    for _ in range(60):
        low, month, day = chance.randint(0, 8), chance.randint(1, 12), chance.randint(1, 28)
        span = [f"2020-{month:02}-{day:02}", f"2020-{month:02}-28"] if chance.random() < 0.5 else [month, month]
        depth = {"zspan": [0, chance.randint(1, 9)]} if chance.random() < 0.5 else {}
        by_month = {} if isinstance(span[0], str) else {"period": "month"}
        seasons.append({"tspan": span, "vspan": [low, low + 3], "fspan": [low - 2, low + 5], **by_month, **depth})
    days = [dt.datetime(2020, 1, 1) + dt.timedelta(days=day) for day in range(366)]
    values, depths = ([chance.randint(0, 12) for _ in days] for _ in "vz")
    expected = [last_season(seasons, *row) for row in zip(days, values, depths, strict=True)]
    columns = {"time": [day.isoformat() for day in days], "z": depths, "v": values}
    for block_bytes in (2000, 1 << 20):
        assert flags("climatology_test", {"config": seasons}, columns, block_bytes) == expected


def last_season(seasons: list[dict[str, Any]], time: dt.datetime, value: int, depth: int) -> int:
    """Returns the flag by the last season that applies; UNKNOWN if none does."""
    flag = 2
    for one in seasons:
        first, last = one["tspan"]
        if "period" in one:
            within = first <= time.month <= last
        else:
            within = dt.datetime.fromisoformat(first) <= time <= dt.datetime.fromisoformat(last)
        if within and depth <= one.get("zspan", [0, 99])[1]:
            fail, suspect = (not one[span][0] <= value <= one[span][1] for span in ("fspan", "vspan"))
            flag = 4 if fail else 3 if suspect else 1
    return flag
