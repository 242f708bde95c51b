"""The names of the processes. Imports nothing, because the Lambdas that read no files use it too."""

from __future__ import annotations

# The processes of a run, by number.
PROCESSES = {1: "structure", 2: "values", 3: "continuity"}
