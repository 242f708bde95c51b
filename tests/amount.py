"""How much the tests try: `make check` a little, the suite more, `make fuzz` and `make faults` all."""

from __future__ import annotations

import os

from hypothesis import settings

ONE_THREAD = "POLARS_MAX_THREADS"
QUICK = os.environ.get("QC_TESTS") == "quick"
FUZZ = int(os.environ.get("FUZZ", "0"))  # damaged files of each format; above 0 in `make fuzz`


def part(count: int) -> int:
    """Returns how many of this many examples are tried: all in `make fuzz`, a few in `make check`."""
    return count if FUZZ else max(3, count // 100) if QUICK else max(5, count // 20)


def examples(count: int) -> settings:
    """Returns settings for a property test that needs this many examples."""
    return settings(max_examples=part(count))
