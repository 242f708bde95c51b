"""The sample data and its table of outcomes."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"


@dataclass(frozen=True)
class Outcome:
    """What must become of a sample file. key: its object key. flags: of the three processes."""

    key: str
    status: str
    flags: tuple[int, int, int]
    failing_checks: set[str]

    def __str__(self) -> str:
        return self.key.removeprefix("streams/")

    @property
    def body(self) -> bytes:
        return (SAMPLES / self.key).read_bytes()


def outcomes() -> list[Outcome]:
    with (SAMPLES / "outcomes.csv").open(newline="") as file:
        return [
            Outcome(
                row["file"],
                row["Status"],
                (int(row["Process1Pass"]), int(row["Process2Pass"]), int(row["Process3Pass"])),
                set(row["failing checks"].split()),
            )
            for row in csv.DictReader(file)
        ]


def event(name: str) -> dict[str, Any]:
    """A payload from sample_data/events."""
    found: dict[str, Any] = json.loads((SAMPLES / "events" / f"{name}.json").read_text())
    return found
