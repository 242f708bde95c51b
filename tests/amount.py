"""How much the tests try: `make check` a little, the suite more, `make fuzz` and `make faults` all."""

from __future__ import annotations

import os

from hypothesis import settings

QUICK = os.environ.get("QC_TESTS") == "quick"


def examples(count: int) -> settings:
    """Returns settings for a property test with this many examples in the suite, and a tenth of them in `make check`."""
    return settings(max_examples=max(5, count // 10) if QUICK else count)
