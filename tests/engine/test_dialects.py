"""Files in the dialects that people meet are read as the plain CSV of the same table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.dialect import PRESETS
from stream_qc.errors import InvalidRules
from stream_qc.rules import load
from tests.amount import examples
from tests.engine.checking import reasons, results, without_lines
from tests.samples import SAMPLES

CUTS = [1, 7, 1 << 20]
FIELDS = [{"name": "a", "type": "string"}, {"name": "b", "type": "number"}]
PLAIN = "a,b\nx,1\ny,2.5\n"


def rules_of(dialect: Any, fields: list[dict[str, Any]] | None = None, **schema: Any) -> str:
    return json.dumps({"dialect": dialect, "schema": {"fields": fields or FIELDS, **schema}})


def items(content: bytes | str, rules: str, cut: int = 1 << 20, name: str = "x.csv") -> list[dict[str, Any]]:
    return [without_lines(result) for result in results(content, rules, name, block_bytes=cut).values()]


# Each of them is the same two rows.
DIALECTS: dict[str, tuple[Any, bytes]] = {
    "delimiter": ({"delimiter": "^"}, b"a^b\nx^1\ny^2.5\n"),
    "runs of blanks": ({"delimiter": " ", "skipInitialSpace": True}, b"  a \tb\nx    1\n y  2.5  \n"),
    "single blanks": ({"delimiter": " "}, b"a b\nx 1\ny 2.5\n"),
    "skipInitialSpace": ({"skipInitialSpace": True, "delimiter": ";"}, b"a;  b\n  x;1\ny;   2.5\n"),
    "no header": ({"header": False}, b"x,1\ny,2.5\n"),
    "header in line 3": ({"headerRows": [3]}, b"Station 7\n\na,b\nx,1\ny,2.5\n"),
    "units below the header": ({"headerRows": [1], "commentRows": [2]}, b"a,b\n,degree_C\nx,1\ny,2.5\n"),
    "commentRows in the rows": ({"commentRows": [3]}, b"a,b\nx,1\nchecked by hand\ny,2.5\n"),
    "commentChar": ({"commentChar": "#"}, b"# one\n# two\na,b\nx,1\n#three\ny,2.5\n# four\n"),
    "commentChar of two characters": ({"commentChar": "//"}, b"// one\na,b\nx,1\ny,2.5\n"),
    "header of two lines": ({"headerRows": [1, 2], "headerJoin": ""}, b",b\na,\nx,1\ny,2.5\n"),
    "quoteChar": ({"quoteChar": "'"}, b"'a','b'\n'x',1\ny,'2.5'\n"),
    "escapeChar": ({"doubleQuote": False, "escapeChar": "\\"}, b'a,b\n"x",1\n\\y,2.5\n'),
    "latin-1": ({"encoding": "latin-1"}, b"a,b\nx,1\ny,2.5\n"),
    "utf-16": ({"encoding": "utf-16"}, PLAIN.encode("utf-16")),
    "utf-16-be": ({"encoding": "utf-16-be"}, PLAIN.encode("utf-16-be")),
    "Sea-Bird": (  # a .cnv file, rebuilt: `*` and `#` above columns without a header
        {"header": False, "delimiter": " ", "skipInitialSpace": True, "commentChar": "#", "commentRows": [1, 2, 5]},
        b"* Sea-Bird SBE 9 Data File:\n* Software Version Seasave V 7.26\n# nquan = 2\n# name 0 = a\n*END*\n      x    1\n      y    2.5\n",
    ),
    "CRLF": ({"commentChar": "#"}, b"#\r\na,b\r\nx,1\r\ny,2.5\r\n"),
    "no last line end": ({"commentChar": "#"}, b"#\na,b\nx,1\ny,2.5"),
}


LAST = {"commentChar": -2}  # the line of the last row


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_is_read_as_plain_csv(name: str, cut: int) -> None:
    dialect, content = DIALECTS[name]
    assert items(content, rules_of(dialect), cut) == items(PLAIN, rules_of({}))


@pytest.mark.parametrize("cut", [1000, 70_000, 4 << 20])
@pytest.mark.parametrize("name", DIALECTS)
def test_long_file_is_read_as_plain_csv(name: str, cut: int) -> None:
    """Longer than what is read to find the header. The last row is repeated; it is the same in bytes of every dialect."""
    dialect, content = DIALECTS[name]
    count = 20_000
    if dialect.get("encoding", "").startswith("utf-16"):
        text = content.decode(dialect["encoding"])
        content = (text + "y,2.5\n" * count).encode(dialect["encoding"])
    else:
        content += (b"" if content.endswith(b"\n") else b"\n") + content.splitlines(keepends=True)[
            LAST.get(name, -1)
        ] * count
    if name == "no last line end":
        content = content.replace(b"2.5y", b"2.5\ny")
    assert items(content, rules_of(dialect), cut) == items(PLAIN + "y,2.5\n" * count, rules_of({}))


@pytest.mark.parametrize("cut", CUTS)
def test_rows_of_a_dialect_keep_their_numbers(cut: int) -> None:
    content = b"# Sensor 7\na b\nx 1\n# replaced\ny two\n\nz 3 4\n"
    found = results(
        content, rules_of({"delimiter": " ", "skipInitialSpace": True, "commentChar": "#"}), block_bytes=cut
    )
    assert reasons(found["1#b#type"]) == [(2, "two", "b 'two' is not a number (type)")]
    assert [row for row, _, _ in reasons(found["1#*#well_formed"])] == [3, 4]


@pytest.mark.slow
@examples(100)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["x", "y'", '"z"', "", "é", "a;b"]), st.sampled_from(["1", "", "2.5", "x"]))
    ),
    cut=st.sampled_from(CUTS),
)
def test_quotes_and_encodings_are_translated(rows: list[tuple[str, str]], cut: int) -> None:
    def written(quote: str) -> str:
        return "a;b\n" + "".join(f"{quote}{a.replace(quote, quote * 2)}{quote};{b}\n" for a, b in rows)

    expected = items(written('"'), rules_of({"delimiter": ";"}))
    dialect = {"delimiter": ";", "quoteChar": "'", "encoding": "latin-1"}
    assert items(written("'").encode("latin-1"), rules_of(dialect), cut) == expected


@pytest.mark.parametrize("cut", [1, 20, 1 << 20])
@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        ({"delimiter": " ", "skipInitialSpace": True}, 'a  b\n "New  York" 5\n"l1\n  l2" 6 \n'),
        ({"delimiter": ";", "skipInitialSpace": True}, 'a;  b\n  "New  York";   5\n"l1\n  l2";6\n'),
        ({"delimiter": ";", "commentChar": "#"}, 'a;b\n# "\n"New  York";5\n#"\n"l1\n  l2";6\n'),
    ],
)
def test_quoted_cells_keep_what_they_hold(dialect: Any, content: str, cut: int) -> None:
    plain = 'a,b\n"New  York",5\n"l1\n  l2",6\n'
    fields: list[dict[str, Any]] = [
        {"name": "a", "type": "string", "constraints": {"enum": ["New  York", "l1\n  l2"]}},
        FIELDS[1],
    ]
    assert items(content, rules_of(dialect, fields), cut) == items(plain, rules_of({}, fields))


@pytest.mark.parametrize("cut", [1, 20, 1 << 20])
def test_comment_character_in_a_quoted_cell_is_text(cut: int) -> None:
    fields: list[dict[str, Any]] = [
        {"name": "a", "type": "string", "constraints": {"enum": ["l1\n#l2\n", "x"]}},
        FIELDS[1],
    ]
    found = items('# "\na,b\n"l1\n#l2\n",6\n# "c"\nx,7\n', rules_of({"commentChar": "#"}, fields), cut)
    assert found == items('a,b\n"l1\n#l2\n",6\nx,7\n', rules_of({}, fields))


@pytest.mark.parametrize("cut", CUTS)
def test_null_sequence_is_missing(cut: int) -> None:
    found = results("a,b\nx,\\N\n", rules_of({"nullSequence": "\\N"}), block_bytes=cut)["1#b#type"]
    assert (found.missing, found.fail) == (1, 0)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"decimalChar": ","}, ["1,5", "-0,25", "7"], ["1.5", "1,5,0"]),
        ({"groupChar": "."}, ["7"], []),
        ({"decimalChar": ",", "groupChar": "."}, ["1.234,5", "-12"], ["x"]),
        ({"groupChar": " "}, ["1 234 567.5"], ["1_0"]),
        ({"bareNumber": False}, ["95 %", "€ 12.50", "-3°C"], ["none", "- 5"]),
    ],
)
def test_numbers_are_read_as_they_are_written(field: dict[str, Any], good: list[str], bad: list[str]) -> None:
    if field == {"groupChar": "."}:
        with pytest.raises(InvalidRules, match=r"groupChar: '\.' is the decimalChar too"):
            load(rules_of({}, [{"name": "b", "type": "number", **field}]))
        return
    content = "a\tb\n" + "".join(f"x\t{cell}\n" for cell in good + bad)
    for rules in (
        rules_of({}, [{"name": "b", "type": "number", **field}]),
        rules_of({}, [{"name": "b", "type": "number"}], **field),
    ):
        assert [row for row, _, _ in reasons(results(content, rules)["1#b#type"])] == [
            *range(len(good) + 1, len(good) + len(bad) + 1)
        ]


def test_decimal_char_gives_the_number() -> None:
    rules = rules_of({}, [{"name": "b", "type": "number", "decimalChar": ",", "constraints": {"maximum": 2}}])
    assert reasons(results("a;b\nx;1,5\nx;2,5\n", rules)["2#b#maximum"])[0][:2] == (2, "2,5")


@pytest.mark.parametrize("name", ["x.txt", "x.dat.gz"])
def test_vague_name_needs_a_dialect(name: str) -> None:
    found = results("a,b\nx,1\n", rules_of({}), name)["1#*#readable"]
    assert not found.passed
    assert found.message.startswith("the extension does not say how the file is written; add a dialect")


@pytest.mark.parametrize(
    ("content", "dialect", "message"),
    [
        (b"# only\n# comments\n", {"commentChar": "#"}, "the file has no header where the dialect expects one"),
        (b"a,b\n", {"headerRows": [3]}, "the file has no header where the dialect expects one"),
        (b"\xff\xfea\x00\x00", {"encoding": "utf-16"}, "the file is not utf-16: "),
        (b"\xff\xfea\x00\n\x00", {}, "add `dialect: {encoding: utf-16}` to the rules"),
    ],
)
def test_file_of_another_dialect_is_unreadable(content: bytes, dialect: Any, message: str) -> None:
    assert message in results(content, rules_of(dialect))["1#*#readable"].message


@pytest.mark.parametrize(
    ("dialect", "mistake"),
    [
        ("excel", "dialect: unknown preset excel; expected one of: erddap, ndbc, usgs-rdb, toa5, dwd"),
        ({"delimiter": "::"}, "dialect.delimiter: '::' must be one ASCII character"),
        ({"quoteChar": ","}, "dialect.quoteChar: ',' is the delimiter too"),
        ({"encoding": "ebcdic"}, "dialect.encoding: ebcdic is not supported; expected one of: utf-8, utf-16"),
        ({"headerRows": [0]}, "dialect.headerRows: [0] must be line numbers"),
        ({"commentChar": ""}, "dialect.commentChar: must not be blank"),
        ({"header": False, "headerRows": [1]}, "dialect.headerRows: the dialect says `header: false`"),
        ({"seperator": ","}, "dialect.seperator: unknown key; expected one of: delimiter, header, headerRows"),
    ],
)
def test_mistaken_dialect_is_refused(dialect: Any, mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        load(rules_of(dialect))
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes


@pytest.mark.parametrize("name", PRESETS)
def test_preset_has_a_sample(name: str) -> None:
    texts = [path.read_text() for path in (SAMPLES / "rules/observatories").iterdir()]
    assert any(f"dialect: {name}\n" in text for text in texts)


def test_point_before_the_first_digit_counts() -> None:
    field = {"name": "b", "type": "number", "bareNumber": False, "constraints": {"minimum": 1}}
    content = "a\tb\nx\t.5 %\nx\t-.5 %\nx\t$.75\nx\t$1.5\n"
    assert [row for row, _, _ in reasons(results(content, rules_of({}, [field]))["2#b#minimum"])] == [1, 2, 3]


def test_any_number_of_comments_may_stand_above_the_header() -> None:
    content = b"# comment\n" * 5000 + b"a,b\nx,1\ny,2.5\n"
    assert items(content, rules_of({"commentChar": "#"})) == items(PLAIN, rules_of({}))
