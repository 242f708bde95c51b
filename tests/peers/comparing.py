"""Runs the engine and ioos_qc 3.0.0 on the same columns."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from stream_qc.checks import TESTS, Check
from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import load
from tests.engine.checking import KeptFlags, header_of

EXAMPLES = settings(max_examples=400, deadline=None)
START = dt.datetime(2020, 1, 1)  # UTC without a zone, in both

Values = list[float | None]


def engine_flags(
    test: str, parameters: dict[str, Any], columns: Mapping[str, Any], block_bytes: int, kind: str = "number"
) -> list[int]:
    rules: dict[str, Any] = {
        "schema": {
            "fields": [
                {"name": name, "type": "datetime" if name == "time" else kind if name == "v" else "number"}
                for name in columns
            ]
        },
        **{axis: axis for axis in ("time", "z", "lat", "lon") if axis in columns},
        "streams": {"v": {TESTS[test].module: {test: parameters}}},
    }
    lines = [",".join(map(cell, row)) + ",\n" for row in zip(*columns.values(), strict=True)]
    taken: dict[str, KeptFlags] = {}

    def make_sink(check: Check) -> KeptFlags:
        return taken.setdefault(check.test, KeptFlags())

    content = (header_of(list(columns)) + "".join(lines)).encode()
    check_stream(
        lambda: io.BytesIO(content),
        Format("csv", ""),
        load(json.dumps(rules)),
        block_bytes=block_bytes,
        make_sink=make_sink,
    )
    return taken[test].flags


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value).replace("inf", "INF")  # as Table Schema writes it
    return f'"{value}"'


def numbers(values: Sequence[float | None]) -> Any:
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def instants(times: Sequence[dt.datetime | None]) -> Any:
    return np.array(times, dtype="datetime64[ns]")


def oracle(function: Any, **arguments: Any) -> list[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [int(flag) for flag in np.ma.filled(function(**arguments), 9)]


def with_missing(flags: list[int], inputs: list[Any]) -> list[int]:
    """Returns the flags of ioos_qc, with MISSING where the input is missing."""
    gone = [one is None or (isinstance(one, float) and math.isnan(one)) for one in inputs]
    return [9 if missing else flag for flag, missing in zip(flags, gone, strict=True)]


blocks = st.integers(1, 200) | st.sampled_from([1, 1000, 16 << 20])
