"""NDJSON: rows, values and malformed lines, which do not depend on how blocks are parsed."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.formats import format_of
from stream_qc.reading import open_reader
from stream_qc.reading.lines import MAX_RECORD_BYTES
from stream_qc.rules import BUILT_IN, load
from tests.amount import examples
from tests.engine.checking import NUMBERS, Row, failing, read, results, rows_and_malformed, schema_of


@examples(1000)
@given(
    data=st.lists(
        st.sampled_from([b'{"a": "1"}', b'{"b": 2.50, "a": null}', b"\n", b"\r\n", b"{", b"[]", b'"\xff"', b"7"]),
        max_size=20,
    ),
    cut=st.integers(1, 30),
)
def test_ndjson_rows_do_not_depend_on_block_size(data: list[bytes], cut: int) -> None:
    content = b'{"a": "0"}\n' + b"".join(data)
    assert read(content, "x.ndjson", cut) == read(content, "x.ndjson")


EVERY_TYPE = """
schema:
  fields: [{name: n, type: number}, {name: i, type: integer}, {name: s, type: string}, {name: t, type: datetime},
           {name: b, type: boolean}, {name: y, type: year}, {name: a, type: any}]
  missingValues: ["", "NA", "-9"]
"""


JSON_VALUES = ["1", "-9", "-9.0", "1.50", "1e3", "1e400", "-0.0", "9007199254740993", "12345678901234567890123", "0.1", "2020", "99",
               "true", "false", "null", '"x"', '"NA"', '""', '"7"', '"2020-01-01T00:00:00"', '"\\u00fc"', '"\u00fc"', '"s"', "[1]",
               '{"n": 2}', "01", "NaN"]  # fmt: skip


member = st.tuples(st.sampled_from(["n", "i", "s", "t", "b", "y", "a", "other"]), st.sampled_from(JSON_VALUES))


alike = st.fixed_dictionaries(
    {
        "n": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        "i": st.integers(-(2**63), 2**63),
        "s": st.text(max_size=3),
        "b": st.booleans(),
    }
).map(lambda one: json.dumps(one, ensure_ascii=False))


line = alike | st.lists(member, max_size=5).map(lambda pairs: "{" + ", ".join(f'"{k}": {v}' for k, v in pairs) + "}")


@pytest.mark.slow
@examples(600)
@given(lines=st.lists(line, min_size=2, max_size=6))
def test_ndjson_line_does_not_depend_on_other_lines(lines: list[str]) -> None:
    rules, form = load(EVERY_TYPE), format_of("x.ndjson")
    assert form is not None

    def rows(cut: int) -> list[Row]:
        found: list[Row] = []
        # The first block is read line by line; after it, blocks are read at once.
        content = ("{}\n" + "\n".join(lines) + "\n").encode()
        for block in open_reader(io.BytesIO(b'{"n": 0}\n' + content), form, rules.schema, cut):
            bad = {item.row: item.reason for item in block.malformed}
            for index in range(block.height):
                cells = [block.cells(name)[index] for name in rules.schema.fields]
                typed = [repr(block.typed(name)[index]) for name in rules.schema.fields]
                given_ = [str(block.given(name)[index] is None) for name in rules.schema.fields]
                texts = [block.text(name)[index] for name in rules.schema.fields]
                found.append((*cells, *typed, *given_, *texts, bad.get(block.first + index)))
        return found

    assert rows(8) == rows(1 << 20)
    assert rows(60) == rows(1 << 20)


no_object = st.sampled_from(
    ["<html>", "hello", '{"n": 1', '{"n": 1} x', "[1]", "null", "7", '"x"', '{"n": tru}', '{"other": "\xff"}']
).map(lambda text: text.encode("latin-1"))


@given(lines=st.lists(line.map(str.encode) | no_object, min_size=1, max_size=6))
def test_ndjson_rows_do_not_depend_on_rules(lines: list[bytes]) -> None:
    content = b"{}\n" + b"\n".join(lines) + b"\n"

    every, untyped = load(EVERY_TYPE), load("schema: {fields: [{name: n}]}")
    found = rows_and_malformed(content, "x.ndjson", every, list(every.schema.fields), 1)
    for rules, wanted in [
        (every, list(every.schema.fields)),
        (every, ["y"]),
        (every, []),
        (untyped, []),
        (BUILT_IN, []),
    ]:
        assert rows_and_malformed(content, "x.ndjson", rules, wanted, 1 << 20) == found
        assert rows_and_malformed(content, "x.ndjson", rules, wanted, 8) == found


def test_ndjson_values_are_kept_as_written() -> None:
    data = b'{"a": "x", "b": 2.50}\n\n{"b": true}\n{"a": null, "b": {"c": [1]}}\n{"a": "\\u00fc"}\n'
    rows = [("x", "2.50"), (None, "true"), (None, '{"c": [1]}'), ("ü", None)]
    assert read(data, "x.ndjson") == (rows, [])


def test_ndjson_line_that_is_not_an_object_is_malformed() -> None:
    data = b'{"a": "1"}\n{"a": \nnot json\n[1]\n{"a": "2"}\n' + b'{"a": "' + b"x" * MAX_RECORD_BYTES + b'"}\n'
    rows, malformed = read(data, "x.jsonl")
    assert rows == [("1", None), *[(None, None)] * 3, ("2", None), (None, None)]
    assert [row for row, *_ in malformed] == [2, 3, 4, 6]
    assert all(reason.startswith("not a JSON object: ") for _, reason, _ in malformed[:3])
    assert malformed[3][1] == f"the line is longer than {MAX_RECORD_BYTES:,} bytes"


def test_ndjson_field_in_no_line_is_missing_from_header() -> None:
    found = results(json.dumps({"time": "2020-01-01T00:00:00"}) + "\n" + json.dumps({"w": 1}), NUMBERS, "x.ndjson")
    assert found["1#*#header"].message == "the field v is missing; the fields of the file are: time"


@pytest.mark.parametrize(
    ("rules", "lines", "fails"),
    [
        (schema_of({"name": "n", "type": "number", "constraints": {"maximum": 5}}), ['{"n" : 1, "n":99}'], {"2#n#maximum"}),
        (schema_of({"name": "m", "type": "number"}, {"name": "n", "type": "number"}), ['{"m":1}', '{"m":1,"n":null}'], set()),
        (schema_of({"name": "a"}, {"name": "n", "type": "number"}), ['{"n":1}', '{"n":2,"a":1}'], set()),
        (
            schema_of({"name": "t", "type": "datetime"}, missingValues=["", "-999"]),
            ['{"t":"2012-01-01T00:00:00"}', '{"t":-999.0}'],
            {"1#t#type"},
        ),
    ],
    ids=["a key twice", "null is there", "a field that nobody needs", "a number that is no missing value"],
)  # fmt: skip
def test_ndjson_block_and_line_parsing_agree(rules: str, lines: list[str], fails: set[str]) -> None:
    text = "\n".join(lines) + "\n"
    by_line = "\n".join([lines[0][:-1] + ',"x":"\\\\"}', *lines[1:]]) + "\n"
    assert failing(text, rules, "x.ndjson") == failing(by_line, rules, "x.ndjson") == fails


def test_negative_zero_is_shown_as_written() -> None:
    file = io.BytesIO(b'{"n":-0}\n{"n":0}\n')
    found = results(
        file.getvalue(), schema_of({"name": "n", "type": "number", "constraints": {"enum": [1]}}), "x.ndjson"
    )
    assert [one.value for one in found["2#n#enum"].examples] == ["-0", "0"]


@pytest.mark.parametrize("cut", [1, 50, 1 << 20])
def test_nested_field_is_read_by_its_path(cut: int) -> None:
    rules = schema_of(
        {"name": "code"}, {"name": "valueQuantity.value", "type": "number", "constraints": {"maximum": 200}}
    )
    content = (
        '{"code": "hr", "valueQuantity": {"value": 72, "unit": "/min"}}\n'
        '{"code": "hr", "valueQuantity": {"value": 720}}\n'
        '{"code": "hr", "valueQuantity": 7}\n'
        '{"code": "hr", "valueQuantity.value": "x"}\n'
    )
    found = results(content, rules, "x.ndjson", block_bytes=cut)
    assert found["1#*#header"].passed
    assert [(one.row, one.value) for one in found["2#valueQuantity.value#maximum"].examples] == [(2, "720")]
    assert [(one.row, one.value) for one in found["1#valueQuantity.value#type"].examples] == [
        (3, "valueQuantity is not an object: 7"),
        (4, "x"),
    ]


ARRAY = '[\n  {"a": "x\\ny é",\n "b": 1.50},\n  {"b": [1,\n2], "a": null}, 7\n]\n'


@pytest.mark.parametrize("cut", [1, 50, 1 << 20])
@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_array_is_read_as_lines(cut: int, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_qc.reading.json_array.STEP", step)
    lines = '{"a": "x\\ny é", "b": 1.50}\n{"b": [1, 2], "a": null}\n7\n'
    rows, malformed = read(ARRAY.encode(), "x.json", cut)
    assert rows == [("x\ny é", "1.50"), (None, "[1, 2]"), (None, None)]
    assert [row for row, _, _ in malformed] == [3]
    assert (rows, malformed) == read(lines.encode(), "x.ndjson", cut)


def test_json_may_be_lines() -> None:
    assert read(b'{"a": "x", "b": "y"}\n', "x.json")[0] == [("x", "y")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}', "the JSON array ends too early, after element 1; upload the file again"),
        ('[{"a": 1},', "the JSON array ends too early, after element 1; upload the file again"),
        ("[", "the JSON array ends too early, after element 0; upload the file again"),
        ('[{"a": 1} {"a": 2}]', "the JSON array has no comma after element 1"),
        ('[{"a": 1}]\n[]', "there is data after the JSON array; use .ndjson for one object per line"),
        (
            '[{"a": 1}, {"a": oops}]',
            "element 2 of the JSON array is not JSON, is cut off, or is longer than 1,048,576 bytes",
        ),
        ('[{"a": 1},]', "element 2 of the JSON array is not JSON"),
    ],
)
def test_damaged_array_is_unreadable(content: str, message: str) -> None:
    found = results(content, schema_of({"name": "a"}), "x.json")["1#*#readable"]
    assert found.message.startswith(message)


def test_empty_array_has_no_rows() -> None:
    assert not results("[]", schema_of({"name": "a"}), "x.json")["1#*#rows"].passed


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1000, 70_000, 4 << 20])
def test_long_array_is_read_as_lines(cut: int) -> None:
    elements = [f'{{"a": "x{number}", "b": "{"y" * 50}"}}' for number in range(30_000)]
    rows, malformed = read(f"[{', '.join(elements)}]".encode(), "x.json", cut)
    assert (len(rows), rows[0][0], rows[-1][0], malformed) == (30_000, "x0", "x29999", [])
