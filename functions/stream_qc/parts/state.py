"""Writes down what was found in a part of a file, for another process to go on with.

The states of the checks are objects of many classes, so they are pickled. Reading refuses every name but those of the classes
that states consist of, none of which runs code that comes with the data.
"""

from __future__ import annotations

import gzip
import io
import pickle
from typing import Any

# The classes, by their modules.
CLASSES = {
    "builtins": {"set"},
    "collections": {"Counter", "deque"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "polars.dataframe.frame": {"DataFrame"},
    "polars.series.series": {"Series"},
    "stream_qc.cells": {"Kept"},
    "stream_qc.checks.cadence": {"Intervals"},
    "stream_qc.checks.counts": {"Counts"},
    "stream_qc.checks.hashes": {"Hashes"},
    "stream_qc.checks.keys": {"Key"},
    "stream_qc.checks.percentiles": {"Values"},
    "stream_qc.checks.recent_keys": {"RecentKeys", "Rising"},
    "stream_qc.checks.series": {"OneSeries", "Series"},
    "stream_qc.checks.series_cadence": {"SeriesIntervals"},
    "stream_qc.checks.spread": {"Seen"},
    "stream_qc.extent": {"Extent"},
    "stream_qc.reading.block": {"Malformed"},
    "stream_qc.reporting.trace": {"Trace"},
    "stream_qc.results": {"Example"},
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
        if name not in CLASSES.get(module, ()):
            raise pickle.UnpicklingError(f"a state has no {module}.{name}")
        return super().find_class(module, name)
