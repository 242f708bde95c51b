"""The errors of the engine. Bad data is a result, never an exception."""

from __future__ import annotations

# How many mistakes, and how many characters of each, fit into a message and an error of Step Functions.
SHOWN, LONGEST = 10, 300


class InvalidRules(Exception):
    """The rules cannot be used. `mistakes` lists each place in the file and what is wrong there."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        shown = [f"{mistake[:LONGEST]}…" if len(mistake) > LONGEST else mistake for mistake in mistakes[:SHOWN]]
        more = f"; and {len(mistakes) - SHOWN:,} more mistakes" if len(mistakes) > SHOWN else ""
        super().__init__("; ".join(shown) + more)


class UnreadableFile(Exception):
    """The file cannot be read, or not to its end. The message says where and why. Process 1 reports it as a result.

    why: the message without `text`, which is of the file itself, and which `redact` of the rules hides.
    """

    def __init__(self, why: str, text: str = "") -> None:
        self.why = why
        super().__init__(f"{why}: {text}" if text else why)
