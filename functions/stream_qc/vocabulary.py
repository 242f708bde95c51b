"""The words that the rules, the tables, the messages and the tests share. Imports nothing: the light Lambdas use it too."""

from __future__ import annotations

# The processes of a run, by number.
PROCESSES = {1: "structure", 2: "values", 3: "continuity"}
