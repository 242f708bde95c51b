"""Rules from a data contract of ODCS, and contracts from rules."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stream_qc.contracts import contract_of, rules_of
from stream_qc.contracts.words import formatter_of, strptime_of, whole_pattern
from stream_qc.errors import InvalidRules
from stream_qc.rules import Rules, load
from stream_qc.rules.text import written
from tests.engine.running import stream_qc
from tests.samples import SAMPLES

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
version: 1.0.0
status: active
slaProperties: [{property: latency, value: 4, unit: d}]
schema:
  - name: readings
    physicalType: file
    dataGranularityDescription: one row an hour
    relationships: [{type: foreignKey, from: [station], to: [stations.station]}]
    quality:
      - {metric: rowCount, mustBeBetween: [24, 744]}
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [station, taken]}}
      - {type: sql, query: "SELECT COUNT(*) FROM {object}", mustBeGreaterThan: 0}
      - {type: text, description: Readings are from calibrated sensors.}
      - {type: custom, engine: soda, implementation: "freshness: 1d"}
    properties:
      - {name: station, logicalType: string, required: true, classification: public, logicalTypeOptions: {pattern: "^S[0-9]+$"}}
      - {name: taken, physicalName: time, logicalType: timestamp, logicalTypeOptions: {format: "dd.MM.yyyy HH:mm"}}
      - name: level
        businessName: water level
        logicalType: number
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100}
        quality:
          - {metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent}
          - {metric: missingValues, mustBe: 0, arguments: {missingValues: [null, "", "N/A"]}}
          - {metric: invalidValues, mustBeLessThan: 5, unit: rows, arguments: {validValues: [1, 2]}}
          - {type: custom, engine: ioos_qc, implementation: {qartod: {gross_range_test: {fail_span: [0, 50]}}}}
      - {name: count, logicalType: integer, unique: true, logicalTypeOptions: {exclusiveMinimum: 0, multipleOf: 5}}
      - name: kind
        logicalType: string
        quality:
          - {metric: invalidValues, mustBe: 0, arguments: {validValues: [a, b, c]}}
          - {metric: invalidValues, mustBe: 0, arguments: {validValues: [b, a, d]}}
          - {metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent}
      - {name: tags, logicalType: array, items: {logicalType: string}}
      - {name: seen, logicalType: date, logicalTypeOptions: {format: "QQQ yyyy"}}
  - name: stations
    properties: [{name: station}]
"""


def imported(text: str = CONTRACT, name: str | None = "readings") -> tuple[Rules, list[str]]:
    found = rules_of(text, name)
    return load(written(found.document)), found.left


def test_contract_gives_rules() -> None:
    rules, _ = imported()
    fields = rules.schema.fields
    assert {name: one.type for name, one in fields.items()} == {
        "station": "string", "time": "datetime", "level": "number", "count": "integer", "kind": "string", "tags": "any",
        "seen": "date",
    }  # fmt: skip
    assert (fields["time"].format, fields["level"].title) == ("%d.%m.%Y %H:%M", "water level")
    assert fields["station"].constraints.pattern == "S[0-9]+"
    assert (fields["level"].constraints.minimum, fields["level"].constraints.required) == (0, True)
    assert (fields["count"].constraints.minimum, fields["count"].constraints.unique) == (1, True)
    assert fields["kind"].constraints.enum == ["a", "b"]
    assert rules.schema.primary_key == ("station", "time")
    assert rules.schema.missing_values == ("", "N/A")
    assert (rules.rows.minimum, rules.rows.maximum) == (24, 744)
    assert (rules.limit("kind", "required"), rules.limit("level", "required")) == (0.05, 0)
    assert [asked.place for asked in rules.tests] == ["streams.level.qartod.gross_range_test"]


def test_what_is_not_carried_is_listed() -> None:
    assert imported()[1] == [
        "schema.readings.level.logicalTypeOptions.exclusiveMaximum: 100",
        "schema.readings.level.quality[1]: N/A count as missing in every field, not only in level",
        "schema.readings.level.quality[2]: invalidValues mustBeLessThan 5 rows",
        "schema.readings.count.logicalTypeOptions.multipleOf: 5",
        "schema.readings.tags: values of the type array are not checked",
        "schema.readings.tags.items: {'logicalType': 'string'}",
        "schema.readings.seen.logicalTypeOptions.format: QQQ yyyy",
        "schema.readings.quality[2]: a rule of the type sql",
        "schema.readings.quality[3]: a rule of the type text",
        "schema.readings.quality[4]: a rule of the type custom for soda",
        "schema.readings.relationships: [{'type': 'foreignKey', 'from': ['station'], 'to': ['stations.station",
        "slaProperties",
    ]


@pytest.mark.parametrize(
    ("text", "name", "mistake"),
    [
        ("schema: {fields: []}", None, "this is no data contract"),
        (CONTRACT, None, "schema: name one of its objects with --object: readings, stations"),
        (CONTRACT, "rivers", "schema: name one of its objects with --object: readings, stations"),
        ("kind: DataContract\nschema: [1]", None, "this is no data contract"),
    ],
)
def test_contract_that_cannot_be_used_is_refused(text: str, name: str | None, mistake: str) -> None:
    with pytest.raises(InvalidRules, match=re.escape(mistake)):
        rules_of(text, name)


def field_of(words: str) -> tuple[Rules, list[str]]:
    """Returns what a contract with one field of these words gives."""
    return imported(f"kind: DataContract\nschema: [{{name: t, properties: [{{name: v, {words}}}]}}]", None)


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ("minimum: 10, exclusiveMinimum: false", (10, None)), ("minimum: 10, exclusiveMinimum: true", (11, None)),
        ("maximum: 100, exclusiveMaximum: true", (None, 99)), ("minimum: 10, exclusiveMinimum: 0", (10, None)),
        ("exclusiveMinimum: 1.5", (2, None)), ("exclusiveMaximum: 1.5", (None, 1)),
    ],
)  # fmt: skip
def test_strictest_limit_counts(options: str, limits: tuple[int | None, int | None]) -> None:
    rules, left = field_of(f"logicalType: integer, logicalTypeOptions: {{{options}}}")
    found = rules.schema.fields["v"].constraints
    assert ((found.minimum, found.maximum), left) == (limits, [])


def test_share_does_not_loosen_a_strict_rule() -> None:
    rules, _ = field_of("required: true, quality: [{metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent}]")
    assert rules.limit("v", "required") == 0


def test_second_pattern_is_listed() -> None:
    rules, left = field_of(
        "logicalTypeOptions: {pattern: '^[a-z]+$'}, quality: [{metric: invalidValues, mustBe: 0, arguments: {pattern: '^.$'}}]"
    )
    assert (rules.schema.fields["v"].constraints.pattern, left) == (
        "[a-z]+",
        ["schema.t.v.quality[0]: a second pattern"],
    )


@pytest.mark.parametrize(
    ("quality", "tests", "left"),
    [
        ("{type: custom, engine: ioos_qc, implementation: {gross_range_test: {fail_span: [0, 1]}}}", 1, []),
        ("{type: custom, engine: ioos_qc, implementation: 'qartod: {spike_test: {fail_threshold: 1}}'}", 1, []),
        ("{type: custom, engine: ioos_qc, implementation: {gliders: {a: 1}}}", 0, ["schema.t.v.quality[0].implementation.gliders"]),
        ("{type: custom, engine: ioos_qc, implementation: {argo: {pressure_increasing_test: {}}}}", 1, []),
        ("{type: custom, engine: ioos_qc, implementation: {valid_range_test: {valid_span: [0, 1]}}}", 1, []),
        ("{type: sql, query: q, metric: nullValues, mustBe: 0}", 0, ["schema.t.v.quality[0]: a rule of the type sql"]),
        ("{metric: duplicateValues, mustBe: 0, arguments: {properties: [v, w]}}", 0, ["schema.t.v.quality[0]: duplicateValues mustBe 0 rows"]),
    ],
)  # fmt: skip
def test_rule_of_a_field_is_carried_or_listed(quality: str, tests: int, left: list[str]) -> None:
    rules, found = field_of(f"logicalType: number, quality: [{quality}]")
    assert (len(rules.tests), found) == (tests, left)
    assert not rules.schema.fields["v"].constraints.required


def test_rules_of_the_number_of_rows_are_joined() -> None:
    quality = (
        "{metric: rowCount, mustBeGreaterThan: 100}, {metric: rowCount, mustBeGreaterThan: 1}, "
        "{metric: rowCount, mustBe: 200, mustBeLessThan: 900}, {metric: rowCount, mustBeGreaterOrEqualTo: 5, unit: percent}"
    )
    rules, left = imported(f"kind: DataContract\nschema: [{{name: t, quality: [{quality}]}}]", None)
    assert (rules.rows.minimum, rules.rows.maximum) == (200, 200)
    assert left == ["schema.t.quality[3]: rowCount mustBeGreaterOrEqualTo 5 percent"]


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        ("logicalTypeOptions: [1]", "schema[0].properties[0].logicalTypeOptions: expected a mapping"),
        ("required: 'false'", "schema[0].properties[0].required: expected true or false"),
        ("primaryKeyPosition: first", "schema[0].properties[0].primaryKeyPosition: expected a whole number"),
        ("enum: [x]", "schema[0].properties[0].enum[0]: expected a mapping"),
        ("quality: rowCount", "schema[0].properties[0].quality: expected a list"),
        ("quality: [{metric: rowCount, mustBeBetween: [1]}]", "mustBeBetween: expected a list of length 2"),
        ("quality: [{type: custom, engine: ioos_qc, implementation: '{'}]", "schema.t.v.quality[0].implementation: line 1"),
        ("customProperties: [{property: streamQC}]", "schema.t.v.customProperties: the value of streamQC must be a mapping"),
    ],
)  # fmt: skip
def test_mistake_in_a_contract_is_named(words: str, mistake: str) -> None:
    with pytest.raises(InvalidRules, match=re.escape(mistake)):
        field_of(words)


@pytest.mark.slow
@pytest.mark.parametrize("odd", [None, True, 0, 1.5, "text", [], [1], [None], [[1]], {}, {"a": 1}])
def test_odd_value_anywhere_gives_rules_or_named_mistakes(odd: object) -> None:
    whole = YAML(typ="safe").load(CONTRACT)
    for place in places_of(whole):
        broken = copy.deepcopy(whole)
        inner = broken
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = odd
        with contextlib.suppress(InvalidRules):
            load(written(rules_of(json.dumps(broken), "readings").document))


def places_of(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*above, key)
        yield from places_of(one, (*above, key))


@pytest.mark.parametrize("path", sorted((SAMPLES / "rules").rglob("*.yaml")), ids=lambda path: path.stem)
def test_exported_rules_are_imported_again(path: Path) -> None:
    if path.stem == "bad-rules":
        with pytest.raises(InvalidRules):
            contract_of(path.read_bytes(), "x")
        return
    before = load(path.read_bytes())
    after, left = imported(written(contract_of(path.read_bytes(), "x")), None)
    assert not left
    assert repr(after.schema) == repr(before.schema)  # NaN may be a missing value
    assert (after.rows, after.limits) == (before.rows, before.limits)
    assert sorted(map(repr, after.tests)) == sorted(map(repr, before.tests))


def test_words_that_a_contract_lacks_are_imported_again() -> None:
    rules = """
    schema:
      fields:
        - {name: y, type: year}
        - {name: b, type: boolean, trueValues: ["1"], falseValues: ["0"]}
        - {name: n, type: number, decimalChar: ",", constraints: {maximum: 5}}
        - {name: s, constraints: {pattern: "a|b", minLength: 1}}
        - {name: t, type: datetime, format: "%Y week %U %w"}
        - {name: d, type: date, format: "%d/%m/%y", constraints: {minimum: 01/02/20}}
    dialect: {delimiter: ";"}
    limits: {max_fail_share: 0.1}
    """
    after, left = imported(written(contract_of(rules, "x")), None)
    assert (after, left) == (load(rules), [])


@pytest.mark.parametrize(
    ("kind", "pattern", "form"),
    [
        ("date", "yyyy-MM-dd", "default"), ("timestamp", "yyyy-MM-dd", "%Y-%m-%d"), ("time", "HH:mm:ss", "default"),
        ("timestamp", "dd/MM/yy hh:mm a", "%d/%m/%y %I:%M %p"), ("timestamp", "yyyy-MM-dd'T'HH'h'", "%Y-%m-%dT%Hh"),
        ("date", "d.M.yyyy", None), ("timestamp", "yyyy-MM-ddTHH:mm:ssZ", "default"), ("date", "100'%'yyyy", "100%%%Y"), ("date", "yyyy年MM月dd日", "%Y年%m月%d日"),
    ],
)  # fmt: skip
def test_format_of_java_is_that_of_strptime(kind: str, pattern: str, form: str | None) -> None:
    assert strptime_of(pattern, kind) == form


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%d %B %Y", "at %H", "it's %Y"])
def test_format_is_written_for_java_and_read_again(form: str) -> None:
    pattern = formatter_of(form)
    assert pattern is not None
    assert strptime_of(pattern, "timestamp") == form


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^S[0-9]+$", "S12", True), ("^S[0-9]+$", "xS12", False), ("S", "xSx", True), ("^a|b$", "ax", True), ("^a|b$", "xb", True),
        ("^a|b$", "xbx", False), ("a$", "xa", True), ("a$", "ax", False),
    ],
)  # fmt: skip
def test_pattern_matches_as_in_json_schema(pattern: str, text: str, fits: bool) -> None:
    assert bool(re.fullmatch(whole_pattern(pattern), text)) == fits


def test_commands(tmp_path: Path) -> None:
    contract, rules = tmp_path / "contract.yaml", tmp_path / "rules.yaml"
    contract.write_text(CONTRACT)
    done = stream_qc("import", str(contract), "--object", "readings")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# not carried: schema.readings.level.logicalTypeOptions.exclusiveMaximum: 100\n")
    rules.write_text(done.stdout)
    assert stream_qc("rules", str(rules)).returncode == 0
    assert "engine: ioos_qc" in stream_qc("export", str(rules)).stdout
    refused = stream_qc("import", str(contract))
    assert refused.returncode == 2
    assert f"{contract}: schema: name one of its objects with --object: readings, stations" in refused.stderr
    assert stream_qc("export", str(tmp_path / "none.yaml")).returncode == 2
