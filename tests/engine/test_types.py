"""The types and constraints of Table Schema that have no other test: which cells are of a type."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import polars as pl
import pytest

from stream_qc.engine import check_stream
from stream_qc.errors import InvalidRules
from stream_qc.formats import Format
from stream_qc.rules import load

POINT = '{"type": "Point", "coordinates": [1, 2]}'


def failing(field: dict[str, Any], cells: list[str]) -> dict[str, list[int]]:
    """Returns the rows, from 0, that fail each check of a field."""
    rules = load(json.dumps({"schema": {"fields": [{"name": "v", **field}]}}))
    content = "".join(json.dumps({"v": cell}) + "\n" for cell in cells).encode()
    reports = check_stream(lambda: io.BytesIO(content), Format("ndjson", ""), rules)
    return {
        result.test: [example.row - 1 for example in result.examples]
        for report in reports.values()
        for result in report.results
        if result.fail
    }


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"type": "yearmonth"}, ["2020-01", "0001-12"], ["2020-13", "2020-1", "2020", "20-01", "2020-01-01"]),
        ({"type": "duration"}, ["P1Y", "PT36H", "P1DT12H30.5S", "-P3M", "P2W"], ["P", "PT", "P1DT", "1D", "P1S", "P1H"]),
        ({"type": "geopoint"}, ["7.5, 50", "-180,90"], ["7.5", "181,0", "0,91", "a,b", "1,2,3", "nan,1"]),
        ({"type": "geopoint", "format": "array"}, ["[7.5, 50]"], ["7.5, 50", "[1]", "[true, 1]", '["1", "2"]', "[1, 2"]),
        ({"type": "geopoint", "format": "object"}, ['{"lon": 1, "lat": 2}'], ['{"lat": 2}', "[1, 2]", '{"lon": 181, "lat": 2}']),
        ({"type": "geojson"}, [POINT], ["{}", "[1]", '{"type": [1]}', '{"type": "Dot"}', "Point", '{"type": "Topology"}']),
        ({"type": "geojson", "format": "topojson"}, ['{"type": "Topology"}'], [POINT]),
        ({"type": "object"}, ["{}", '{"a": [1]}'], ["[]", "{", "1", "a"]),
        ({"type": "array"}, ["[]", '[1, "a"]'], ["{}", "[1", "1"]),
        ({"type": "list"}, ["a", "a,b", "a,,b"], []),
        ({"type": "list", "itemType": "integer", "delimiter": ";"}, ["1", "1; 2;3"], ["1;a", "1,2", "1.5"]),
        ({"type": "list", "itemType": "date"}, ["2020-01-01,2020-01-02"], ["2020-01-01,soon"]),
        ({"format": "email", "type": "string"}, ["a@b.example"], ["a@b", "@b.example", "a b@c.example"]),
        ({"format": "uri", "type": "string"}, ["https://a.example/b", "urn:x:y"], ["a.example", "1a:b", "a: b"]),
        ({"format": "uuid", "type": "string"}, ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", "x23e4567-e89b-12d3-a456-426614174000"]),
        ({"format": "binary", "type": "string"}, ["aGk=", "aGkh"], ["aGk", "a*k="]),
    ],
)  # fmt: skip
def test_cells_are_of_their_type(field: dict[str, Any], good: list[str], bad: list[str]) -> None:
    rows = [*range(len(good), len(good) + len(bad))]
    assert failing(field, [*good, *bad]) == ({"type": rows} if bad else {})


@pytest.mark.parametrize(
    ("field", "cells", "expected"),
    [
        ({"type": "number", "constraints": {"exclusiveMinimum": 0, "exclusiveMaximum": 1}}, ["0", "0.5", "1", "-1", "2"],
         {"exclusiveMinimum": [0, 3], "exclusiveMaximum": [2, 4]}),
        ({"type": "integer", "constraints": {"exclusiveMinimum": 0}}, ["1", "2"], {}),
        ({"type": "yearmonth", "constraints": {"minimum": "2020-02", "exclusiveMaximum": "2020-04"}},
         ["2020-01", "2020-02", "2020-04"], {"minimum": [0], "exclusiveMaximum": [2]}),
        ({"type": "list", "constraints": {"minLength": 2, "maxLength": 3}}, ["a", "a,b", ",,,", "a,b,c"], {"minLength": [0], "maxLength": [2]}),
        ({"type": "list", "constraints": {"maxLength": 1}}, [",", "a"], {"maxLength": [0]}),
        ({"type": "array", "constraints": {"minLength": 1, "maxLength": 2}}, ["[]", "[1]", "[1, 2, 3]"], {"minLength": [0], "maxLength": [2]}),
        ({"type": "object", "constraints": {"minLength": 1}}, ["{}", '{"a": 1}'], {"minLength": [0]}),
        ({"type": "duration", "constraints": {"enum": ["P1D"]}}, ["P1D", "P2D"], {"enum": [1]}),
    ],
)  # fmt: skip
def test_constraints_of_these_types(field: dict[str, Any], cells: list[str], expected: dict[str, list[int]]) -> None:
    assert failing(field, cells) == expected


@pytest.mark.parametrize(
    ("field", "mistake"),
    [
        ({"type": "money"}, "schema.fields[0].type: 'money' is unknown; expected one of: any, array, boolean, date"),
        ({"type": "list", "itemType": "list"}, "schema.fields[0].itemType: 'list' is unknown; expected one of: string"),
        ({"type": "string", "format": "phone"}, "schema.fields[0].format: phone is not a format of a string; expected one of"),
        ({"type": "duration", "constraints": {"minimum": "P1D"}}, "schema.fields[0].constraints.minimum: does not apply to"),
        ({"type": "geopoint", "constraints": {"minLength": 1}}, "minLength: applies to fields of type string, list, array, object"),
        ({"type": "number", "constraints": {"exclusiveMinimum": 2, "maximum": 1}}, "the exclusiveMinimum 2 is above the maximum 1"),
    ],
)  # fmt: skip
def test_mistake_says_what_is_allowed(field: dict[str, Any], mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        load(json.dumps({"schema": {"fields": [{"name": "v", **field}]}}))
    assert any(mistake in one for one in raised.value.mistakes), raised.value.mistakes


def test_nested_columns_of_parquet_are_lists_and_objects() -> None:
    frame = pl.DataFrame({"a": [[1, 2], [3]], "o": [{"x": 1}, {"x": None}], "n": [1, 2]})
    content = io.BytesIO()
    frame.write_parquet(content)
    fields = [
        {"name": "a", "type": "array", "constraints": {"minLength": 2}}, {"name": "o", "type": "object"},
        {"name": "n", "type": "array"},
    ]  # fmt: skip
    reports = check_stream(
        lambda: io.BytesIO(content.getvalue()), Format("parquet", ""), load(json.dumps({"schema": {"fields": fields}}))
    )
    fails = {result.name: result.fail for report in reports.values() for result in report.results if result.fail}
    assert fails == {"2#a#minLength": 1, "1#n#type": 2}


@pytest.mark.parametrize(("kind", "times"), [("year", ["2019", "2020", "2023"]), ("yearmonth", ["2019-11", "2019-12", "2020-03"])])  # fmt: skip
def test_year_or_month_is_a_time_axis(kind: str, times: list[str]) -> None:
    rules = {
        "schema": {"fields": [{"name": "t", "type": kind}, {"name": "v", "type": "number"}]},
        "time": "t",
        "streams": {"v": {"qartod": {"time_gap_test": {"fail_span": 24 * 40 if kind == "yearmonth" else 24 * 400}}}},
    }
    content = ("t,v\n" + "".join(f"{time},1\n" for time in [*times, times[0]])).encode()
    reports = check_stream(lambda: io.BytesIO(content), Format("csv", ""), load(json.dumps(rules)))
    fails = {result.test: [one.row for one in result.examples] for result in reports[3].results if result.fail}
    assert fails == {"time_order": [4], "duplicate_time": [4], "time_gap_test": [3]}


def test_positions_and_months_of_parquet() -> None:
    frame = pl.DataFrame({
        "p": [[7.5, 50.0], [7.5, 91.0]], "o": [{"lon": 1.0, "lat": 2.0}, {"lon": 181.0, "lat": 2.0}],
        "m": [dt.date(2020, 1, 1), dt.date(2020, 2, 1)],
    })  # fmt: skip
    content = io.BytesIO()
    frame.write_parquet(content)
    fields = [
        {"name": "p", "type": "geopoint", "format": "array"}, {"name": "o", "type": "geopoint", "format": "object"},
        {"name": "m", "type": "yearmonth"},
    ]  # fmt: skip
    rules = load(json.dumps({"schema": {"fields": fields}, "time": "m"}))
    reports = check_stream(lambda: io.BytesIO(content.getvalue()), Format("parquet", ""), rules)
    fails = {result.name: result.fail for report in reports.values() for result in report.results if not result.passed}
    assert fails == {"1#p#type": 1, "1#o#type": 1}


def test_reasons_name_the_format_and_the_type_of_items() -> None:
    assert "is not a string in the format email" in reason({"type": "string", "format": "email"}, "a@b")
    assert "is not a list of the itemType integer" in reason({"type": "list", "itemType": "integer"}, "1,x")
    assert "has 1 item, below 2" in reason({"type": "list", "constraints": {"minLength": 2}}, "a")


def reason(field: dict[str, Any], cell: str) -> str:
    """Returns the reason why a cell fails."""
    rules = load(json.dumps({"schema": {"fields": [{"name": "v", **field}]}}))
    content = (json.dumps({"v": cell}) + "\n").encode()
    reports = check_stream(lambda: io.BytesIO(content), Format("ndjson", ""), rules)
    (found,) = (result for report in reports.values() for result in report.results if result.fail)
    return found.examples[0].reason


@pytest.mark.parametrize("name", ["^v$", "^.*$", "*", "a.b", "v v"])
def test_name_that_looks_like_a_pattern_is_a_name(name: str) -> None:
    fields = [
        {"name": name, "type": "number", "constraints": {"minimum": 0}},
        {"name": "other", "constraints": {"pattern": "x"}},
    ]
    tests = {"gross_range_test": {"fail_span": [0, 5]}, "spike_test": {"fail_threshold": 100}}
    rules = load(json.dumps({"schema": {"fields": fields}, "streams": {name: {"qartod": tests}}}))
    content = f"{name},other\n-1,x\n7,x\n,x\nz,x\n".encode()
    reports = check_stream(lambda: io.BytesIO(content), Format("csv", ""), rules)
    fails = {result.test: result.fail for report in reports.values() for result in report.results if result.fail}
    assert fails == {"type": 1, "minimum": 1, "gross_range_test": 2}
