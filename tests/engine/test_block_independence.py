"""The report and the flags of every check depend neither on where blocks are cut nor on whether flags are wanted."""

from __future__ import annotations

import io
import json
import typing
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.checks import TESTS, Check
from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.results import Result
from stream_qc.rules import Rules, load
from stream_qc.rules.loading import CHECKS
from stream_qc.schema import Constraints
from tests.amount import examples
from tests.engine.checking import KeptFlags
from tests.engine.streams import FIELDS, KEYS, STREAMS, Stream, rules_text, streams

RULES = {name: load(rules_text(key)) for name, key in KEYS.items()}
CUTS = [1, 7, 64, 1000, 16 << 20]
WHOLE = CUTS[-1]


def report(
    content: bytes, kind: str, rules: Rules, block_bytes: int, kept: dict[str, KeptFlags] | None = None
) -> list[str]:
    """Returns the whole report, a text for each line of it. kept: takes the flags of each check, by its name."""
    form = format_of(f"x.{kind}")
    assert form is not None

    def sink(check: Check) -> KeptFlags | None:
        return None if kept is None else kept.setdefault(f"{check.field}#{check.test}", KeptFlags())

    found = check_stream(lambda: io.BytesIO(content), form, rules, block_bytes=block_bytes, make_sink=sink)
    heads = [f"{one.process} {one.rows} {one.message} {one.passed}" for one in found.values()]
    return [*heads, *(json.dumps(result.item()) for one in found.values() for result in one.results)]


def flags_of(kept: dict[str, KeptFlags]) -> dict[str, list[int]]:
    return {name: one.flags for name, one in kept.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@examples(100)
@given(stream=streams(), key=st.sampled_from(list(KEYS)), cut=st.sampled_from(CUTS[:-1]))
def test_report_and_flags_do_not_depend_on_blocks(kind: str, key: str, stream: Stream, cut: int) -> None:
    content, rules = stream.content(kind), RULES[key]
    whole: dict[str, KeptFlags] = {}
    parts: dict[str, KeptFlags] = {}
    expected = report(content, kind, rules, WHOLE, whole)
    assert report(content, kind, rules, cut, parts) == expected
    assert flags_of(parts) == flags_of(whole)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@examples(100)
@given(stream=streams(), key=st.sampled_from(list(KEYS)), cut=st.sampled_from([1, 1000, WHOLE]))
def test_report_does_not_depend_on_whether_flags_are_wanted(kind: str, key: str, stream: Stream, cut: int) -> None:
    content, rules = stream.content(kind), RULES[key]
    assert report(content, kind, rules, cut) == report(content, kind, rules, cut, {})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@examples(100)
@given(stream=streams(), key=st.sampled_from(list(KEYS)), cut=st.sampled_from([64, 1000, WHOLE]))
def test_counts_are_those_of_the_flags(kind: str, key: str, stream: Stream, cut: int) -> None:
    kept: dict[str, KeptFlags] = {}
    found = report(stream.content(kind), kind, RULES[key], cut, kept)
    results = [Result.from_item(json.loads(item)) for item in found if item.startswith("{")]
    for result in results:
        name = f"{result.field}#{result.test}"
        if name in kept and not result.message.startswith("not evaluated"):
            counted = Counter(kept[name].flags)
            assert [result.good, result.not_evaluated, result.suspect, result.fail, result.missing] == [
                counted[flag] for flag in (1, 2, 3, 4, 9)
            ], name
    assert {len(one.flags) for one in kept.values()} == {results[0].rows}


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize(("cut", "blocks"), [(1, 6), (7, 6), (WHOLE, 1)])
def test_streams_are_cut_into_blocks(kind: str, cut: int, blocks: int) -> None:
    """If this fails because of another reader, the streams above may be one block each, and their tests prove little."""
    content = Stream([dict.fromkeys(FIELDS, "x")] * 6, {"csv": [], "ndjson": []}).content(kind)
    form = format_of(f"x.{kind}")
    assert form is not None
    heights = [block.height for block in open_reader(io.BytesIO(content), form, RULES["rows"].schema, cut)]
    assert (len(heights), sum(heights)) == (blocks, 6)


def test_rules_ask_for_every_check_and_parameter() -> None:
    """A new check or parameter must be added to tests/engine/streams.py."""
    kept: dict[str, KeptFlags] = {}
    for rules in RULES.values():
        report(b"", "csv", rules, WHOLE, kept)
    assert {name.rpartition("#")[2] for name in kept} >= {*CHECKS, *TESTS, "primaryKey"}
    constraints = {field.encode_name for field in msgspec.structs.fields(Constraints)}
    assert {name for field in FIELDS.values() for name in field.get("constraints", {})} == constraints
    for name, test in TESTS.items():
        asked = [tests[name] for tests in STREAMS.values() if name in tests]
        hints = typing.get_type_hints(test)
        for parameter in msgspec.structs.fields(test):
            given_values = {json.dumps(one[parameter.name]) for one in asked if parameter.name in one}
            assert given_values, f"{name}.{parameter.name}"
            words = {json.dumps(word) for word in typing.get_args(hints[parameter.name]) if isinstance(word, str)}
            assert given_values >= words, f"{name}.{parameter.name}"
