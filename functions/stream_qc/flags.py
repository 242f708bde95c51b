"""QARTOD's flags (QARTOD Data Flags manual; IOOS primary-level flags)."""

from __future__ import annotations

from typing import Final

GOOD: Final = 1
UNKNOWN: Final = 2  # not evaluated
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9
