"""What other rules would have said of a file: the verdicts and the checks that change, and the limits that would let it pass."""

from __future__ import annotations

from stream_qc.whatif.comparing import Changed, Compared, compare
from stream_qc.whatif.nearest import Nearest

__all__ = ["Changed", "Compared", "Nearest", "compare"]
