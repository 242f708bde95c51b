"""Stretches of a stream that are checked apart and joined give what one pass over the stream gives."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.formats import Format
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.rules import Rules, load
from stream_qc.stretch import Stretch
from tests.amount import examples
from tests.engine.streams import KEYS, Stream, rules_text, streams
from tests.engine.test_proofs import rules, table

CSV = Format("csv", "")
PROCESSES = (1, 2, 3)


def blocks_of(content: bytes, asked: Rules, block_bytes: int) -> list[Block]:
    return list(open_reader(io.BytesIO(content), CSV, asked.schema, block_bytes))


def report(stretch: Stretch, blocks: list[Block]) -> list[str]:
    """Returns the whole report, a text for each line of it."""
    found = stretch.finish(lambda _: blocks)
    heads = [f"{one.process} {one.rows} {one.message} {one.passed}" for one in found.values()]
    return [*heads, *(json.dumps(result.item()) for one in found.values() for result in one.results)]


def in_one(blocks: list[Block], asked: Rules) -> list[str]:
    stretch = Stretch(asked, PROCESSES)
    stretch.read(blocks)
    return report(stretch, blocks)


def stretch_of(blocks: list[Block], asked: Rules, start: int, end: int, above: int) -> Stretch:
    """Returns the checked stretch of these blocks. above: how many blocks above it the stretch is given."""
    stretch = Stretch(asked, PROCESSES)
    if start:
        stretch.read_above(blocks[max(0, start - above) : start])
    stretch.read(blocks[start:end])
    return stretch


def joined(blocks: list[Block], asked: Rules, cuts: list[int], above: int) -> tuple[list[str], set[str]]:
    """Returns the report of stretches cut at these blocks, and the checks that had to read a stretch again.

    The stretches are checked from the last to the first.
    """
    edges = list(pairwise(sorted({0, *cuts, len(blocks)}))) or [(0, 0)]
    stretches = [stretch_of(blocks, asked, start, end, above) for start, end in reversed(edges)][::-1]
    again: set[str] = set()
    for later, (start, end) in zip(stretches[1:], edges[1:], strict=True):
        again |= {*stretches[0].join(later, lambda _, start=start, end=end: blocks[start:end])}  # type: ignore[misc]
    return report(stretches[0], blocks), again


@pytest.mark.slow
@examples(120)
@given(stream=streams(most=7), key=st.sampled_from(list(KEYS)), data=st.data())
def test_joined_stretches_give_what_one_pass_gives(stream: Stream, key: str, data: st.DataObject) -> None:
    asked = load(rules_text(KEYS[key]))
    blocks = blocks_of(stream.content("csv"), asked, data.draw(st.sampled_from([1, 300])))
    cuts = data.draw(st.lists(st.integers(0, len(blocks)), max_size=3))
    assert joined(blocks, asked, cuts, data.draw(st.integers(0, 4)))[0] == in_one(blocks, asked)


@pytest.mark.slow
@examples(120)
@given(content=table(), asked=rules(), data=st.data())
def test_joined_stretches_that_are_mostly_clean_give_what_one_pass_gives(
    content: bytes, asked: Rules, data: st.DataObject
) -> None:
    blocks = blocks_of(content, asked, data.draw(st.sampled_from([60, 200, 600])))
    cuts = data.draw(st.lists(st.integers(0, len(blocks)), max_size=5))
    assert joined(blocks, asked, cuts, data.draw(st.integers(0, 6)))[0] == in_one(blocks, asked)


IDS = "schema: {fields: [{name: id, type: integer, constraints: {unique: true}}, {name: v}]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ids", "failing"),
    [
        ([None] * 6 + [9, 5, 7, 1, 8, 2, 6, 3, 0, 4] * 4, 30),  # the later stretch begins without a key
        ([*range(20), 18, 3, 22, *range(23, 40), 5, 31], 4),  # a key that an earlier stretch has
    ],
)
def test_keys_of_joined_stretches_are_compared(
    ids: list[int | None], failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_qc.checks.recent_keys.FEW", 2)
    asked = load(IDS)
    lines = [f"{'' if one is None else one},x\n" for one in ids]
    blocks = blocks_of(("id,v\n" + "".join(lines)).encode(), asked, 12)
    for cut in range(1, len(blocks)):
        found = joined(blocks, asked, [cut], 2)[0]
        assert found == in_one(blocks, asked), cut
        assert any(f'"Fail": {failing}' in line for line in found)


@pytest.mark.slow
def test_few_checks_read_a_stretch_of_an_orderly_stream_again() -> None:
    asked = load(rules_text(KEYS["rows"]))
    names = list(asked.schema.fields)
    cells = {"station": "A", "w": "1", "s": "ab", "code": "0AFF", "day": "2020-01-01", "clock": "12:00:00", "year": "2020"}  # fmt: skip
    lines = [
        {**dict.fromkeys(names, "1"), **cells, "time": f"2020-01-01T00:{row:02}:00", "n": str(row), "v": str(row % 3)}
        for row in range(40)
    ]
    content = "".join(",".join(line) + "\n" for line in [names, *([row[name] for name in names] for row in lines)])
    blocks = blocks_of(content.encode(), asked, 300)
    assert len(blocks) > 8
    found, again = joined(blocks, asked, [3, 4, 7], above=2)
    assert found == in_one(blocks, asked)
    assert again == {
        "v#unique",  # the keys do not ascend
        "s#unique",
        "v#attenuated_signal_test",  # the standard deviation of the whole series
        "lon#attenuated_signal_test",  # its period is longer than the rows above
        "z#pressure_increasing_test",  # its direction is that of the whole series
    }
