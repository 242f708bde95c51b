"""The primary-level flags of QARTOD (IOOS, Manual for the Use of Real-Time Oceanographic Data Quality Control Flags)."""

from __future__ import annotations

from typing import Final

GOOD: Final = 1
UNKNOWN: Final = 2  # not evaluated
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9
