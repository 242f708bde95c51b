"""`python -m tests.cost`: measures, prints, and writes docs/costs.md."""

from __future__ import annotations

import sys

from tests.cost.counting import scaled, used
from tests.cost.page import tables, write

LARGE, MEASURED = 5_000_000_000, 1_200_000_000  # a file of 5 GB is computed from one of 1.2 GB, by its parts


def main() -> int:
    found = []
    for size, uploads in ((1_000, 9), (1_000_000, 9), (100_000_000, 3)):
        print(f"{uploads} uploads of {size:,} bytes …", file=sys.stderr, flush=True)
        found.append(used(size, uploads))
    print(f"1 upload of {MEASURED:,} bytes, in parts …", file=sys.stderr, flush=True)
    found.append(scaled(found[0], used(MEASURED, 1), LARGE))
    print(tables(found))
    write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
