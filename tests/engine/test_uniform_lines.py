"""Lines of NDJSON with the same fields are split at their commas only if that gives what reading them as JSON gives."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream_qc.reading.ndjson import _object, _text
from stream_qc.reading.uniform_lines import table
from tests.amount import examples

NAMES = ["time", "v", "s", "été"]
COLUMNS = {
    "time": st.sampled_from(["2020-01-01T00:00:00Z", "2021-12-31T23:59:59Z"]),
    "v": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.none(), st.booleans()),
    "s": st.text(st.characters(codec="utf-8", exclude_characters='"\\,'), max_size=4),
    "été": st.one_of(st.just(1), st.just("x")),
}
ROWS = st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=4)
ODD = [
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "0",
    "-",
    "+",
    ".",
    "e",
    "1",
    '"',
    ",",
    "{",
    "}",
    ":",
    "\\",
    "\x00",
    "\x1f",
    "n",
    "é",
    '"v":1,',
    "null",
]


def by_line(data: bytes) -> list[tuple[str | None, ...]] | None:
    """Returns the cells of each line; None if one is not an object of the same fields in the same order."""
    found = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        record, reason = _object(line)
        if reason or [*record] != NAMES:
            return None
        found.append(tuple(_text(record[name]) for name in NAMES))
    return found


def lines(rows: list[dict[str, Any]], separators: tuple[str, str]) -> str:
    return "".join(
        json.dumps({name: row[name] for name in NAMES}, ensure_ascii=False, separators=separators) + "\n"
        for row in rows
    )


SEPARATORS = st.sampled_from([(",", ":"), (", ", ": ")])


@examples(2_000)
@given(rows=ROWS, separators=SEPARATORS)
def test_lines_of_a_program_are_read_as_json_is(rows: list[dict[str, Any]], separators: tuple[str, str]) -> None:
    data = lines(rows, separators).encode()
    found = table(data, NAMES, NAMES)
    mixed = any(len({isinstance(row[name], str) for row in rows}) > 1 for name in NAMES)
    if mixed or b"\\" in data:
        assert found is None
    else:
        assert found is not None
        assert found.rows() == by_line(data)


@examples(10_000)
@given(rows=ROWS, separators=SEPARATORS, place=st.integers(0, 300), cut=st.integers(0, 2), odd=st.sampled_from(ODD))
def test_damaged_lines_are_left_to_the_reader_of_json(
    rows: list[dict[str, Any]], separators: tuple[str, str], place: int, cut: int, odd: str
) -> None:
    text = lines(rows, separators)
    place %= len(text)
    data = (text[:place] + odd + text[place + cut :]).encode()
    found = table(data, NAMES, ["v", "s", "other"])
    if found is not None:
        expected = by_line(data)
        assert expected is not None
        assert found.rows() == [(row[1], row[2], None) for row in expected]


def test_comma_at_the_end_of_the_data_is_not_ignored() -> None:
    assert table(b'{"a":1}\n{"a":2},', ["a"], ["a"]) is None


def test_lines_of_which_no_field_is_wanted_are_left_to_the_reader_of_json() -> None:
    assert table(b'{"a":1}\n', ["a"], []) is None
