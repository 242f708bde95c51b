"""What can go wrong apart from the data. Bad data is a result, never an exception."""

from __future__ import annotations

# Of the mistakes, as many as fit into what Step Functions and a message carry.
SHOWN, LONGEST = 10, 300


class InvalidRules(Exception):  # users match this name in Step Functions
    """The rules cannot be used. `mistakes` names each place and what is wrong there."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        shown = [f"{mistake[:LONGEST]}…" if len(mistake) > LONGEST else mistake for mistake in mistakes[:SHOWN]]
        more = f"; and {len(mistakes) - SHOWN:,} more mistakes" if len(mistakes) > SHOWN else ""
        super().__init__("; ".join(shown) + more)


class UnreadableFile(Exception):  # a result of process 1, not a breakdown
    """The file cannot be read, or not to its end. The message says where and why."""
