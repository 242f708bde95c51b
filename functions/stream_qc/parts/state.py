"""Writes down what was found in a part of a file, for another process to go on with.

The states of the checks are objects of many classes. They are written as MessagePack, and tables as Arrow. Only the classes that
states consist of can be written or read, and reading sets their attributes to values: no code comes with the data.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

from stream_qc.cells import Cells, Kept
from stream_qc.checks.cadence import Intervals
from stream_qc.checks.counts import Counts
from stream_qc.checks.hashes import Hashes
from stream_qc.checks.keys import Key
from stream_qc.checks.percentiles import Values
from stream_qc.checks.recent_keys import RecentKeys, Rising
from stream_qc.checks.series import OneSeries, Series
from stream_qc.checks.series_cadence import SeriesIntervals
from stream_qc.checks.spread import Seen
from stream_qc.extent import Extent
from stream_qc.reading.block import Malformed
from stream_qc.reporting.trace import Trace
from stream_qc.results import Example

CLASSES: dict[str, type] = {
    one.__name__: one
    for one in (
        Counts, Example, Extent, Hashes, Intervals, Kept, Key, Malformed, OneSeries, RecentKeys, Seen, Series, SeriesIntervals,
        Trace, Values,
    )
}  # fmt: skip
AS_THEY_ARE = (type(None), bool, float, str, bytes)
SAME = "same"  # an object that was there before, by its number
MOST_INTEGER = 2**63  # of MessagePack; larger ones are text


class UnknownStateError(ValueError):
    """The state of a part cannot hold this."""


def encode(state: dict[str, Any]) -> bytes:
    """Returns a state as bytes. Raises UnknownStateError for any other kind of value."""
    return gzip.compress(msgspec.msgpack.encode(_Writer().plain(state)), 1)


def decode(content: bytes) -> dict[str, Any]:
    """Returns the state that `encode` was given. Raises UnknownStateError for any other kind of value."""
    found = _Reader().value(msgspec.msgpack.decode(gzip.decompress(content)))
    if not isinstance(found, dict):
        raise UnknownStateError("a state must be a dictionary")
    return found


def _arrow(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_ipc(out)
    return out.getvalue()


def _frame(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(content))


class _Writer:
    """Turns values into those of MessagePack. Any other becomes a map from its kind to what it consists of."""

    def __init__(self) -> None:
        self._objects: dict[int, tuple[int, Any]] = {}  # by id: the number of each, and the object, so that it lives on

    def plain(self, value: Any) -> Any:
        kind = type(value)
        if kind in AS_THEY_ARE:
            return value
        if kind is int:
            return value if -MOST_INTEGER <= value < MOST_INTEGER else {"int": str(value)}
        if kind is list:
            return [self.plain(one) for one in value]
        if kind in WRITE:
            name, parts = WRITE[kind]
            return {name: [self.plain(one) for one in parts(value)]}
        if kind not in CLASSES.values() and kind is not Cells:
            raise UnknownStateError(f"a state cannot hold {kind.__module__}.{kind.__qualname__}")
        if id(value) in self._objects:
            return {SAME: self._objects[id(value)][0]}
        self._objects[id(value)] = len(self._objects), value
        known = value.kept() if isinstance(value, Cells) else value
        return {type(known).__name__: [[name, self.plain(one)] for name, one in _attributes(known).items()]}


class _Reader:
    """Reads what a _Writer wrote."""

    def __init__(self) -> None:
        self._objects: list[Any] = []

    def value(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return [self.value(one) for one in plain]
        if not isinstance(plain, dict):
            return plain
        ((name, parts),) = plain.items()
        if name == SAME:
            return self._objects[parts]
        if name == "int":
            return int(parts)
        if name in READ:
            return READ[name](self.value(parts))
        if name not in CLASSES:
            raise UnknownStateError(f"a state cannot hold {name}")
        found: Any = object.__new__(CLASSES[name])
        self._objects.append(found)
        attributes = {str(attribute): self.value(one) for attribute, one in parts}
        if hasattr(found, "__setstate__"):
            found.__setstate__(attributes)
        else:
            for attribute, one in attributes.items():
                object.__setattr__(found, attribute, one)
        return found


def _attributes(value: Any) -> dict[str, Any]:
    """Returns the attributes that make up an object."""
    state = value.__getstate__()
    found: dict[str, Any] = state[1] if isinstance(state, tuple) else state  # with __slots__, it is a pair
    return found


# Kinds of values that MessagePack does not have, or does not tell apart: their names, and what they consist of.
WRITE: dict[type, tuple[str, Callable[[Any], Any]]] = {
    dict: ("dict", lambda value: [[*item] for item in value.items()]),
    tuple: ("tuple", list),
    set: ("set", list),
    deque: ("deque", list),
    Counter: ("Counter", lambda value: [[*item] for item in value.items()]),
    Rising: ("Rising", list),
    dt.datetime: ("datetime", lambda value: [value.isoformat()]),
    dt.date: ("date", lambda value: [value.isoformat()]),
    dt.time: ("time", lambda value: [value.isoformat()]),
    dt.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    pl.DataFrame: ("DataFrame", lambda value: [_arrow(value)]),
    pl.Series: ("Series of values", lambda value: [_arrow(value.to_frame())]),
}
READ: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "deque": deque,
    "Counter": lambda parts: Counter(dict(parts)),
    "Rising": lambda parts: Rising(*parts),
    "datetime": lambda parts: dt.datetime.fromisoformat(*parts),
    "date": lambda parts: dt.date.fromisoformat(*parts),
    "time": lambda parts: dt.time.fromisoformat(*parts),
    "timedelta": lambda parts: dt.timedelta(*parts),
    "DataFrame": lambda parts: _frame(*parts),
    "Series of values": lambda parts: _frame(*parts).to_series(),
}
