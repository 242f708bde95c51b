"""What other rules would have said of a file: the verdicts and the checks that change, and the limits that would let it pass."""

from __future__ import annotations

from stream_qc.whatif.comparing import (
    WITHOUT_EFFECT,
    Changed,
    Compared,
    NotCompared,
    UnusableRules,
    WithoutEffect,
    compare,
)
from stream_qc.whatif.nearest import Nearest

__all__ = [
    "WITHOUT_EFFECT",
    "Changed",
    "Compared",
    "Nearest",
    "NotCompared",
    "UnusableRules",
    "WithoutEffect",
    "compare",
]
