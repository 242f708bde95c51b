"""Rules as others publish them are taken as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stream_qc.errors import InvalidRules
from stream_qc.rules import Rules, load
from stream_qc.schema import Constraints
from tests.engine.checking import failing

SCHEMA = {
    "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
    "fields": [
        {"name": "time", "type": "datetime", "constraints": {"required": True}},
        {"name": "v", "type": "number", "constraints": {"maximum": 5}},
    ],
    "primaryKey": ["time"],
    "missingValues": ["", "NA"],
}


def loaded(content: Any) -> Rules:
    return load(json.dumps(content))


def test_table_schema_is_a_rules_file() -> None:
    rules = loaded(SCHEMA)
    assert rules.schema.primary_key == ("time",)
    assert rules.schema.fields["v"].constraints == Constraints(maximum=5.0)
    assert failing("time,v\n2020-01-01T00:00:00Z,6\n", rules) == {"2#v#maximum"}


def test_resource_is_a_rules_file() -> None:
    resource = {
        "name": "weather",
        "path": "weather.csv",
        "type": "table",
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "windows-1252",
        "dialect": {"csv": {"delimiter": ";"}, "commentChar": "#"},
        "schema": SCHEMA,
    }
    rules = loaded(resource)
    assert (rules.schema.dialect.delimiter, rules.schema.dialect.comment_char) == (";", "#")
    assert rules.schema.dialect.codec == "cp1252"
    assert loaded({"name": "package", "resources": [resource]}) == rules


def test_ioos_configuration_is_a_rules_file() -> None:
    tests = {"gross_range_test": {"fail_span": [0, 10]}, "rate_of_change_test": {"threshold": 1}}
    rules = loaded({"streams": {"v": {"qartod": tests}}})
    assert [one.name for one in rules.tests] == ["gross_range_test", "rate_of_change_test"]
    assert rules.schema.fields["time"].type == "datetime"
    assert rules.schema.axes.time == "time"
    assert loaded({"v": {"qartod": tests}}) == rules
    split = [{"streams": {"v": {"qartod": {name: parameters}}}} for name, parameters in tests.items()]
    assert loaded({"contexts": split}) == rules
    assert (
        loaded({"contexts": [{"window": {"starting": None, "ending": None}, "region": None, **split[0]}, split[1]]})
        == rules
    )
    assert failing("time,v\n2020-01-01T00:00:00Z,6\n2020-01-01T00:00:00Z,60\n", rules) == {
        "2#v#gross_range_test",
        "3#time#duplicate_time",
    }


def test_location_test_of_ioos_has_its_axes() -> None:
    rules = loaded({"v": {"qartod": {"location_test": {}}}})
    assert (rules.schema.axes.lat, rules.schema.axes.lon, rules.schema.axes.time) == ("lat", "lon", None)


def test_rules_beside_a_published_form_are_kept() -> None:
    spike = {"v": {"qartod": {"spike_test": {"fail_threshold": 1}}}}
    gross = {"v": {"qartod": {"gross_range_test": {"fail_span": [0, 1]}}}}
    rules = loaded({"contexts": [{"streams": spike}], "streams": gross, "rows": {"minimum": 900}})
    assert {one.name for one in rules.tests} == {"spike_test", "gross_range_test"}
    assert rules.rows.minimum == 900
    rules = loaded({"resources": [{"name": "x", "schema": SCHEMA}], "rows": {"minimum": 500}, "time": "time"})
    assert (rules.rows.minimum, rules.schema.axes.time) == (500, "time")


def test_ioos_configuration_has_a_z_axis_if_it_needs_one() -> None:
    season = {"tspan": [1, 2], "period": "month", "vspan": [0, 1], "zspan": [0, 10]}
    rules = loaded({"v": {"qartod": {"climatology_test": {"config": [season]}}}})
    assert rules.schema.axes.z == "z"


def test_keys_without_effect_are_accepted() -> None:
    dialect = {"csvddfVersion": 1.2, "lineTerminator": "\r\n", "caseSensitiveHeader": False, "delimiter": ";"}
    rules = loaded({"name": "x", "dialect": dialect, "schema": {**SCHEMA, "fieldsMatch": ["superset"]}})
    assert rules.schema.dialect.delimiter == ";"


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ({"contexts": {"streams": {}}}, "contexts: expected a list with at least one context"),
        ({"contexts": []}, "contexts: expected a list with at least one context"),
        (
            {"contexts": [{"streams": {}, "config": {}}]},
            "contexts[0].config: unknown key; expected one of: streams, window",
        ),
        ({"resources": [{"schema": SCHEMA}], "nonsense": 1}, "nonsense: unknown key; expected one of: schema"),
        ({**SCHEMA, "fieldsMatch": ["subset"]}, "schema.fieldsMatch: ['subset'] is not supported"),
        ({**SCHEMA, "foreignKeys": []}, "schema.foreignKeys: unknown key; expected one of: fields, primaryKey"),
        (
            {"resources": [{"schema": SCHEMA}, {"schema": SCHEMA}]},
            "resources: a rules file must describe exactly one resource",
        ),
        ({"path": "x.csv", "schema": SCHEMA, "wrong": 1}, "wrong: unknown key; expected one of: schema, dialect"),
        (
            {"contexts": [{"window": {"starting": "2020-01-01T00:00:00Z"}, "streams": {}}]},
            "contexts[0].window: not supported; a context must apply to the whole file",
        ),
        ({"contexts": [{"region": 1}]}, "contexts[0].streams: expected a mapping of fields"),
        (
            {"contexts": [{"streams": {"v": {"qartod": {"spike_test": {}}}}}] * 2},
            "contexts[1].streams.v.qartod.spike_test: already requested in another context",
        ),
        ({"v": {"argo": {"speed_test": {}}}}, "streams.v.argo.speed_test: suspect_threshold is missing"),
        (
            {"v": {"qartod": {"aggregate": None}}},
            "streams.v.qartod.aggregate: it is the worst flag of other tests, and v has none",
        ),
        (
            {"v": {"qartod": {"spike_test": {}, "aggregate": {"x": 1}}}},
            "streams.v.qartod.aggregate: it has no parameters",
        ),
    ],
)
def test_what_is_not_supported_is_refused_in_its_place(content: Any, mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        loaded(content)
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes
