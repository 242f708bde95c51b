"""What is found in a part is written down and read again: values of a list of classes, and no code."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from stream_qc.checks.recent_keys import Rising
from stream_qc.parts.state import UnknownStateError, decode, encode
from stream_qc.results import Example
from stream_qc.rules import Rules


@pytest.mark.parametrize("value", [pl.col("v"), json.dumps, Rules])
def test_a_state_holds_no_code(value: Any) -> None:
    with pytest.raises(UnknownStateError, match="a state cannot hold"):
        encode({"tallies": [value]})


@pytest.mark.parametrize("plain", [{"Rules": []}, {"type": ["x"]}, {"list": [{"Example": []}]}, ["x"]])
def test_a_state_names_only_what_states_consist_of(plain: Any) -> None:
    with pytest.raises(UnknownStateError):
        decode(gzip.compress(msgspec.msgpack.encode(plain)))


def test_paths_in_a_state_are_ignored(tmp_path: Path) -> None:
    secret = tmp_path / "secret.parquet"
    pl.DataFrame({"h": [1]}).write_parquet(secret)
    for name in ("Counts", "Hashes"):
        made = {name: [["_files", [str(secret)]], ["_parts", []], ["_runs", []]]}
        found = decode(gzip.compress(msgspec.msgpack.encode({"dict": [["tallies", made]]})))["tallies"]
        assert found._files == []


def test_a_state_is_read_as_it_was_written() -> None:
    shared, utc = Example(1, "x", "why"), dt.UTC
    times = [dt.datetime(2026, 1, 2, 3, tzinfo=utc), dt.date(2026, 1, 2), dt.time(1, 2, 3), dt.timedelta(-1, 2, 3)]
    values = [None, True, 2**70, -(2**63), 0.1, "é", b"\xff", (1, (2,)), {3}, {(4, "x"): [5]}, *times]
    table = pl.DataFrame({"n": [1, None], "s": ["x", ""], "t": [times[0], None]})
    state = {
        "values": values,
        "odd": [float("inf"), -0.0],
        "queue": deque([Rising(3, pl.Series("k", [1]))]),
        "counter": Counter("aab"),
        "objects": [shared, shared],
        "table": table,
        "nothing": pl.DataFrame(),
    }
    found = decode(encode(state))
    assert [(type(one), one) for one in found["values"]] == [(type(one), one) for one in values]
    assert [str(one) for one in found["odd"]] == ["inf", "-0.0"]
    assert (found["queue"][0].first, found["queue"][0].greatest.to_list()) == (3, [1])
    assert type(found["counter"]) is Counter
    assert found["counter"] == Counter("aab")
    assert found["objects"][0] is found["objects"][1]
    assert found["objects"][0] == shared
    assert found["table"].equals(table)
    assert found["table"].schema == table.schema
    assert found["nothing"].shape == (0, 0)
