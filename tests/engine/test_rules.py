"""Loading rules: what is accepted, and the mistakes that are reported."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.errors import InvalidRules
from stream_qc.rules import BUILT_IN, load
from stream_qc.rules.text import MAX_BYTES
from tests.engine.checking import failing

FIELDS = "schema: {fields: [{name: time, type: datetime}, {name: v, type: number}, {name: s, type: string}]}\n"


def loads_or_names_mistakes(text: str) -> bool:
    try:
        load(text)
    except InvalidRules as error:
        return bool(error.mistakes)
    return True


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        load(text)
    return caught.value.mistakes


def test_rules_example_of_contract_is_loaded() -> None:
    rules = load("""
schema:                       # Frictionless Table Schema
  fields:
    - {name: time, type: datetime, constraints: {required: true, unique: true}}
    - {name: air_temp, type: number, constraints: {minimum: -90, maximum: 60}}
    - {name: station, type: string, constraints: {required: true, pattern: "[A-Z]{3}"}}
  primaryKey: [time, station]
  missingValues: ["", "NA"]
time: time
streams:
  air_temp:
    qartod:
      gross_range_test: {suspect_span: [-40, 45], fail_span: [-60, 60]}
  time:
    qartod:
      time_gap_test: {fail_span: 2}
rows: {minimum: 1}
limits:
  max_fail_share: 0.0
  streams: {air_temp: {gross_range_test: 0.01}}
""")
    assert list(rules.schema.fields) == ["time", "air_temp", "station"]
    assert rules.schema.primary_key == ("time", "station")
    assert rules.schema.missing_values == ("", "NA")
    assert rules.schema.fields["air_temp"].constraints.minimum == -90.0
    assert [(one.field, one.name) for one in rules.tests] == [
        ("air_temp", "gross_range_test"),
        ("time", "time_gap_test"),
    ]
    assert rules.limit("air_temp", "gross_range_test") == 0.01
    assert rules.limit("air_temp", "maximum") == 0.0


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_empty_rules_file_is_refused(text: str) -> None:
    assert mistakes(text) == ["the rules file is empty; delete it to accept any readable file with a header and a row"]


def test_rules_without_checks_equal_built_in_default() -> None:
    assert load("rows: {}") == BUILT_IN
    assert BUILT_IN.rows.minimum == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a\n- b", "the rules must be a mapping"),
        ("just text", "the rules must be a mapping"),
        ("schema: {fields: [", "line 1, column"),
        ("schema: [1]", "schema: expected a mapping, got a list"),
        ("time: [1]", "time: expected text or a mapping, got a list"),
        ("schemas: {}", "schemas: unknown key; expected one of: schema, dialect, time"),
        ("schema: {fields: [{type: number}]}", "schema.fields[0]: name is missing"),
        (
            "schema: {fields: [{name: v, type: float}]}",
            "schema.fields[0].type: 'float' is unknown; expected one of: any, array",
        ),
        ("schema: {fields: [{name: v, typ: number}]}", "schema.fields[0].typ: unknown key"),
        ("schema: {fields: [{name: v, constraints: {min: 3}}]}", "schema.fields[0].constraints.min: unknown key"),
        ("schema: {fields: [{name: v}, {name: v}]}", "schema.fields[1].name: another field is named v"),
        (
            "schema: {fields: [{name: v, type: number, constraints: {minimum: low}}]}",
            "schema.fields[0].constraints.minimum: 'low' is not a valid number",
        ),
        (
            "schema: {fields: [{name: v, type: number, constraints: {minimum: 5, maximum: 3}}]}",
            "schema.fields[0].constraints: the minimum 5 is above the maximum 3",
        ),
        (
            "schema: {fields: [{name: v, type: number, constraints: {pattern: '[0-9]'}}]}",
            "schema.fields[0].constraints.pattern: applies to fields of type string",
        ),
        (
            "schema: {fields: [{name: v, type: string, constraints: {pattern: '(unclosed'}}]}",
            "schema.fields[0].constraints.pattern: (unclosed cannot be used",
        ),
        (
            "schema: {fields: [{name: v, type: string, constraints: {pattern: '(?=a)b'}}]}",
            "schema.fields[0].constraints.pattern: (?=a)b cannot be used",  # look-around: no linear-time engine has it
        ),
        (
            "schema: {fields: [{name: v, type: string, constraints: {minimum: 3}}]}",
            "minimum: does not apply to a field of type string",
        ),
        (
            "schema: {fields: [{name: v, type: number, format: currency}]}",
            "schema.fields[0].format: currency is not supported",
        ),
        ("schema: {fields: [{name: v, type: date, format: any}]}", "schema.fields[0].format: any is not supported"),
        ("schema: {primaryKey: id}", "schema.primaryKey: the schema has no field id; its fields are: none"),
        ("schema: {foreignKeys: []}", "schema.foreignKeys: unknown key"),
        ("time: when", "time: the schema has no field when"),
        ("schema: {fields: [{name: v, type: number}]}\ntime: v", "time: the field v has type number"),
        ("rows: {minimum: many}", "rows.minimum: expected a whole number, got text"),
        ("limits: {max_fail_share: 2}", "limits.max_fail_share: a share must be from 0 to 1, not 2.0"),
        ("limits: {streams: {v: {spike_test: 0.1}}}", "limits.streams.v: the schema has no field v"),
    ],
)
def test_mistake_has_its_place(text: str, place: str) -> None:
    assert any(place in mistake for mistake in mistakes(text)), mistakes(text)


@pytest.mark.parametrize(
    ("streams", "place"),
    [
        ("{w: {qartod: {gross_range_test: {fail_span: [0, 1]}}}}", "streams.w: the schema has no field w"),
        ("{v: {qartod: {range_test: {}}}}", "streams.v.qartod.range_test: unknown test; expected one of: "),
        (
            "{v: {qartod: {location_on_land_test: {}}}}",
            "streams.v.qartod.location_on_land_test: not supported, because it needs a map of all coasts",
        ),
        ("{v: {gliders: {}}}", "streams.v.gliders: unknown module; expected one of: qartod, argo, axds"),
        (
            "{v: {qartod: {pressure_increasing_test: {}}}}",
            "streams.v.qartod.pressure_increasing_test: it is a test of the module argo; move it there",
        ),
        ("{v: {axds: {spike: {}}}}", "streams.v.axds.spike: unknown test; expected one of: valid_range_test"),
        ("{v: {axds: {valid_range_test: {valid_span: [1, 0]}}}}", "valid_span: [1, 0] must be [lowest, highest]"),
        (
            "{v: {axds: {valid_range_test: {valid_span: [null, null]}}}}",
            "valid_span: both ends are open",
        ),
        ("{v: {qartod: {percentile_range_test: {low_percentile: 60, hi_percentile: 40}}}}", "low_percentile and hi_"),
        ("{v: 3}", "streams.v: expected a mapping of modules"),
        ("{v: {qartod: [a]}}", "streams.v.qartod: expected a mapping of tests"),
        ("{v: {qartod: {gross_range_test: }}}", "streams.v.qartod.gross_range_test: fail_span is missing"),
        (
            "{v: {qartod: {gross_range_test: {fail_span: 10}}}}",
            "streams.v.qartod.gross_range_test.fail_span: expected a list, got a whole number",
        ),
        (
            "{v: {qartod: {gross_range_test: {fail_span: [0, x]}}}}",
            "gross_range_test.fail_span[1]: expected a number, got text",
        ),
        (
            "{v: {qartod: {gross_range_test: {fail_span: [3, 1]}}}}",
            "gross_range_test: fail_span: [3, 1] must be [lowest, highest]",
        ),
        (
            "{v: {qartod: {gross_range_test: {fail_span: [0, 5], suspect_span: [0, 6]}}}}",
            "gross_range_test: suspect_span: [0, 6] is not within the fail_span [0, 5]",
        ),
        (
            "{s: {qartod: {gross_range_test: {fail_span: [0, 1]}}}}",
            "gross_range_test: needs numbers, but the field s has type string",
        ),
        ("{v: {qartod: {time_gap_test: {fail_span: 2}}}}", "streams.v.qartod.time_gap_test: needs the time axis"),
    ],
)
def test_mistake_in_stream_has_its_place(streams: str, place: str) -> None:
    found = mistakes(FIELDS + "streams: " + streams)
    assert any(place in mistake for mistake in found), found


def test_all_mistakes_are_reported() -> None:
    found = mistakes("""
schema:
  fields:
    - {name: v, type: nuber}
    - {name: w, type: number, constraints: {minimum: low}}
streams:
  w: {qartod: {gross_range_test: {fail_spam: [0, 1]}, nonsense: {}}}
""")
    assert [mistake.split(":")[0] for mistake in found] == [
        "schema.fields[0].type",
        "schema.fields[1].constraints.minimum",
        "streams.w.qartod.gross_range_test.fail_spam",
        "streams.w.qartod.nonsense",
    ]


def test_yaml_is_read_as_version_1_2() -> None:
    rules = load("""
schema:
  fields:
    - {name: country, type: string, constraints: {enum: [NO, SE, on, 12:30, "010"]}}
    - {name: code, type: integer, constraints: {minimum: 010}}
""")
    assert rules.schema.fields["country"].constraints.enum == ["NO", "SE", "on", "12:30", "010"]
    assert rules.schema.fields["code"].constraints.minimum == 10


def test_time_limit_may_be_iso_8601_or_in_field_format() -> None:
    rules = load("""
schema:
  fields:
    - {name: d, type: date, format: "%d.%m.%Y", constraints: {minimum: 2020-01-02, maximum: "03.01.2020"}}
    - {name: t, type: datetime, constraints: {minimum: 2020-01-02, maximum: "2020-01-02T12:00:00Z"}}
""")
    assert rules.schema.fields["d"].constraints.minimum == dt.date(2020, 1, 2)
    assert rules.schema.fields["d"].constraints.maximum == dt.date(2020, 1, 3)
    assert rules.schema.fields["t"].constraints.minimum == dt.datetime(2020, 1, 2)  # UTC without a zone
    assert rules.schema.fields["t"].constraints.maximum == dt.datetime(2020, 1, 2, 12)


@pytest.mark.parametrize(("kind", "pattern"), [("date", "%Q"), ("time", "%H"), ("datetime", "%%"), ("date", "%")])
def test_incomplete_time_format_is_refused(kind: str, pattern: str) -> None:
    (mistake,) = mistakes(f'schema: {{fields: [{{name: t, type: {kind}, format: "{pattern}"}}]}}')
    assert mistake.startswith(f"schema.fields[0].format: {pattern} does not describe a whole {kind}; ")


@pytest.mark.parametrize(
    "pattern", ["%d/%m/%Y", "%Y-%m-%dT%H:%M:%S%z", "%FT%T%#z", "%m/%d/%Y %I:%M %p", "%s", "%b %d %Y %H:%M"]
)
def test_strftime_format_is_accepted(pattern: str) -> None:
    rules = load(f'schema: {{fields: [{{name: t, type: datetime, format: "{pattern}"}}]}}')
    assert rules.schema.fields["t"].format == pattern


def test_half_of_surrogate_pair_is_refused() -> None:
    assert mistakes(r'schema: {fields: [{name: "a\ud800"}]}') == [
        r"the text 'a\ud800' is not valid Unicode: it holds half of a surrogate pair"
    ]
    assert mistakes(r'streams: {"\ud800": {}}') == [
        r"the text '\ud800' is not valid Unicode: it holds half of a surrogate pair"
    ]


def test_yaml_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last}]\n"
    assert "more than 300,000 values" in mistakes(bomb)[0]
    assert "more than 300,000 values" in mistakes("schema: &s {fields: *s}")[0]
    assert "the limit is 1,000,000" in mistakes(b"#" * (MAX_BYTES + 1))[0]


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("spike_test: {suspect_threshold: .nan}", ".nan cannot be used"),
        ("rate_of_change_test: {threshold: .nan, fail_threshold: 1}", ".nan cannot be used"),
        ("climatology_test: {config: [{tspan: [1, .nan], period: month, vspan: [0, 1]}]}", ".nan cannot be used"),
        ("climatology_test: {config: []}", "config: the list is empty"),
        (
            "flat_line_test: {suspect_threshold: 60, fail_threshold: .inf}",
            "fail_threshold: inf seconds is out of range",
        ),
        (
            "attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 1, test_period: .inf}",
            "test_period: inf seconds is",
        ),
        (
            "attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 1, test_period: 1.0e+15}",
            "test_period: 1000000000000000.0 seconds is",
        ),
        (
            "attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 1, test_period: 1.0e-9}",
            "below the resolution of times",
        ),
        (
            "attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 1, min_period: .inf}",
            "min_period: inf seconds is",
        ),
        (
            "attenuated_signal_test: {suspect_threshold: 1, fail_threshold: 1, min_obs: 99999999999}",
            "min_obs: 99999999999",
        ),
    ],
)
def test_unusable_parameter_is_refused(test: str, why: str) -> None:
    (mistake,) = mistakes(f"{FIELDS}time: time\nstreams: {{v: {{qartod: {{{test}}}}}}}")
    assert mistake.startswith(f"streams.v.qartod.{test.partition(':')[0]}: ")
    assert why in mistake


@pytest.mark.parametrize(
    ("form", "why"), [("%H:%M:%S%f", "%f is not supported; write"), ("%H:%M %Z", "%Z is not supported")]
)
def test_unsupported_format_code_is_refused(form: str, why: str) -> None:
    (mistake,) = mistakes(f'schema: {{fields: [{{name: t, type: datetime, format: "%Y-%m-%d {form}"}}]}}')
    assert mistake.startswith(f"schema.fields[0].format: {why}")


def test_pattern_cannot_escape_its_anchors() -> None:
    (mistake,) = mistakes('schema: {fields: [{name: s, type: string, constraints: {pattern: "A)|(?:B"}}]}')
    assert "pattern: A)|(?:B cannot be used: " in mistake


def test_true_values_may_repeat() -> None:
    rules = 'schema: {fields: [{name: b, type: boolean, trueValues: ["yes", "yes"], falseValues: ["no"]}]}'
    assert failing("b\nyes\nno\n", rules) == set()


@pytest.mark.parametrize("text", ["rows: {minimum: !!bool abc}", "rows: {minimum: !!int ''}", "rows: !!float ''"])
def test_value_that_does_not_match_yaml_tag_is_refused(text: str) -> None:
    assert mistakes(text)[0].startswith("not YAML: a value does not match its tag: ")


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "1" * 400, "1" * 5000])
def test_huge_whole_number_is_refused(number: str) -> None:
    field = f"{{name: v, type: number, constraints: {{minimum: {number}}}}}"
    (mistake,) = mistakes(f"schema: {{fields: [{field}]}}")
    assert re.search("a whole number is too large|4300 digits", mistake)


def test_unknown_field_message_lists_first_fields() -> None:
    fields = ", ".join(f"{{name: f{number}}}" for number in range(60))
    (mistake,) = mistakes(f"schema: {{fields: [{fields}], primaryKey: x}}")
    assert mistake.endswith("its fields are: " + ", ".join(f"f{number}" for number in range(50)) + ", …")


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['true']", "a: !!python/name:os.system", "\x00", b"\xff\xfe\x00"]
)
def test_yaml_that_is_not_plain_data_is_refused(text: str | bytes) -> None:
    assert "not YAML" in mistakes(text)[0]


@given(st.text(max_size=200))
def test_any_text_gives_rules_or_invalid_rules(text: str) -> None:
    assert loads_or_names_mistakes(text)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["v", "time", "number", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["schema", "fields", "name", "type", "constraints", "minimum", "enum", "pattern", "time", "streams", "v", "qartod",
                 "gross_range_test", "fail_span", "time_gap_test", "rows", "limits", "max_fail_share", "primaryKey"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["schema", "time", "streams", "rows", "limits"]), json_like))
def test_any_structure_gives_rules_or_invalid_rules(document: dict[str, object]) -> None:
    assert loads_or_names_mistakes(json.dumps(document))


@pytest.mark.parametrize(
    ("test", "parameters"),
    [
        ("data_reception_test", {"from_time": "0001-01-01", "fail_span": 9}),
        ("impossible_date_test", {"fail_span": ["0001-01-01T00:00:00+14:00", "2020-01-01"]}),
    ],
)
def test_times_outside_calendar_are_refused(test: str, parameters: dict[str, object]) -> None:
    streams = {"t": {"qartod": {test: parameters}}}
    text = json.dumps({"schema": {"fields": [{"name": "t", "type": "datetime"}]}, "time": "t", "streams": streams})
    with pytest.raises(InvalidRules, match=test):
        load(text)
