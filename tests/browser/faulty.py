"""Real files with five faults put in: spikes, a sensor that stands still, a gap, a change of unit, and numbers out of any range."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.samples import SAMPLES

NORMALS = Path(__file__).parent / "data" / "seattle-hourly-normals.csv"  # NOAA, public domain
# Where each fault begins and ends, as shares of the rows.
SPIKES = (0.10, 0.16, 0.21)
STUCK, GAP, UNIT, BLOCK = (0.28, 0.36), (0.44, 0.50), (0.60, 0.68), (0.82, 0.86)


@dataclass(frozen=True)
class Real:
    """A file with one series. field: gets the faults. keep: the rows of that series, as (field, value)."""

    name: str
    path: Path
    field: str
    keep: tuple[str, str] | None = None

    def rows(self) -> list[dict[str, str]]:
        rows = list(csv.DictReader(self.path.read_text().splitlines()))
        return [row for row in rows if self.keep is None or row[self.keep[0]] == self.keep[1]]


FILES = (
    Real("seattle-daily", SAMPLES / "streams/seattle/airport.csv", "temp_max"),
    Real("seattle-hourly", NORMALS, "temperature"),
    Real("new-york-ewr", SAMPLES / "streams/newyork/weather.csv", "temp", ("origin", "EWR")),
    Real("new-york-jfk", SAMPLES / "streams/newyork/weather.csv", "pressure", ("origin", "JFK")),
    Real("new-york-lga", SAMPLES / "streams/newyork/weather.csv", "humid", ("origin", "LGA")),
)


def text(rows: Sequence[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def with_faults(rows: Sequence[dict[str, str]], field: str) -> list[dict[str, str]]:
    """Returns the rows with the five faults in one field."""
    faulty = [dict(row) for row in rows]
    numbers = [float(row[field]) for row in rows if row[field] not in ("", "NA")]
    span = max(numbers) - min(numbers)

    def change(share: tuple[float, float], to: Callable[[float], float]) -> None:
        for row in faulty[round(share[0] * len(rows)) : round(share[1] * len(rows))]:
            if row[field] not in ("", "NA"):
                row[field] = f"{to(float(row[field])):.2f}"

    for share in SPIKES:
        faulty[round(share * len(rows))][field] = f"{max(numbers) + 0.9 * span:.2f}"
    change(STUCK, lambda _: sorted(numbers)[len(numbers) // 2])
    change(UNIT, lambda value: 1.8 * value + 32)
    change(BLOCK, lambda _: -9999)
    del faulty[round(GAP[0] * len(rows)) : round(GAP[1] * len(rows))]
    return faulty
