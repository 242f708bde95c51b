"""Writes down what was found in a part of a file, for another process to go on with.

The states of the checks are objects of many classes, so they are pickled. Reading refuses every class but those that states
consist of, none of which runs code that comes with the data.
"""

from __future__ import annotations

import gzip
import io
import pickle
from typing import Any

PLAIN = {
    ("builtins", "set"),
    ("collections", "Counter"),
    ("collections", "deque"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("polars.dataframe.frame", "DataFrame"),
    ("polars.series.series", "Series"),
}


def encode(state: dict[str, Any]) -> bytes:
    """Returns a state as bytes."""
    return gzip.compress(pickle.dumps(state, protocol=5), 1)


def decode(content: bytes) -> dict[str, Any]:
    """Returns the state that `encode` was given. Raises UnpicklingError for anything else."""
    found = _Reader(io.BytesIO(gzip.decompress(content))).load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("this is not the state of a part")
    return found


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if module.startswith("stream_qc.") or (module, name) in PLAIN else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"a state has no {module}.{name}")
        return found
