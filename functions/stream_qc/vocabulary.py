"""The names of the processes. Imports nothing, because the Lambdas that read no files use it too."""

from __future__ import annotations

# The processes of a run, by number.
PROCESSES = {1: "structure", 2: "values", 3: "continuity"}


def pass_field(process: int) -> str:
    """Returns the name of the field that holds the flag of a process: `Process1Pass`."""
    return f"Process{process}Pass"
