"""What may receive the flags of a check, beside its result."""

from __future__ import annotations

from typing import Any, Protocol, Self

import polars as pl

from stream_qc.checks.base import Flags, Late

State = dict[str, Any]


class Sink(Protocol):
    """Receives every flag of a check, for callers that want all of them."""

    def write(self, flags: pl.Series) -> None:
        """Takes the flags of the next rows."""
        ...

    def change(self, late: Late) -> None:
        """Corrects flags that were written before."""
        ...

    def restart(self) -> None:
        """Discards the flags so far; all of them will be written again."""
        ...


class Marks(Protocol):
    """Receives the flags of the blocks that are not clean, for a picture."""

    def add(self, found: Flags) -> None:
        """Takes the flags of consecutive rows."""
        ...

    def change(self, late: Late) -> None:
        """Corrects flags that were given before."""
        ...

    def restart(self) -> None:
        """Discards the flags so far; those that are not clean will be given again."""
        ...

    def include(self, later: Self) -> None:
        """Adds the flags of the next stretch."""
        ...

    def state(self) -> State:
        """Returns the flags so far, to go on in another process."""
        ...

    def restore(self, state: State) -> None:
        """Goes on where another one was."""
        ...
