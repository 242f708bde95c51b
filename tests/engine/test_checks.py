"""Each check on a few rows: flags, counts, reasons and messages."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc import fieldtypes
from stream_qc.checks import hashes, repeats
from stream_qc.results import Result
from stream_qc.schema import Field
from tests.amount import examples
from tests.engine.checking import NUMBERS, failing, reasons, reports, results


def one_field(kind: str, **constraints: Any) -> str:
    return f"schema: {{fields: [{{name: v, type: {kind}, constraints: {constraints}}}]}}".replace("True", "true")


def counts(result: Result) -> tuple[int, int, int, int, int]:
    return result.good, result.not_evaluated, result.suspect, result.fail, result.missing


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("number", ["1", "-2.5", "1e3", "INF", "NaN", "+7", " 1 "], ["", "x", "1,5", "1 000", "0x10"]),
        ("integer", ["1", "-2", "+7"], ["1.5", "x", "99999999999999999999"]),
        ("boolean", ["true", "False", "1", "0"], ["yes", "2", "TrUe"]),
        ("date", ["2020-02-29"], ["2021-02-29", "01.02.2020", "2020-01-01T00:00:00"]),
        ("time", ["23:59:59", "00:00:00.5"], ["24:00:00", "1"]),
        (
            "datetime",
            ["2020-01-01T00:00:00", "2020-01-01T00:00:00.123Z", "2020-01-01 00:00:00+02:00"],
            ["2020-01-01", "soon", "--020-01-31T23:59:59", "2020-02-30T00:00:00Z"],
        ),
        ("year", ["2020", "0044"], ["20", "20201", "-0044"]),
    ],
)
def test_type_fails_cells_of_another_type(kind: str, good: list[str], bad: list[str]) -> None:
    bad = [cell for cell in bad if cell]
    found = results("v,other\n" + "".join(f'"{cell}",x\n' for cell in [*good, *bad, ""]), one_field(kind))["1#v#type"]
    assert counts(found) == (len(good), 0, 0, len(bad), 1)
    assert [example.value for example in found.examples] == bad
    assert reasons(found)[0][2] == f"v {bad[0]!r} is not {'an integer' if kind == 'integer' else f'a {kind}'} (type)"


@pytest.mark.parametrize(
    ("rules", "cells", "flags", "reason"),
    [
        (one_field("string", required=True), ["a", ""], (1, 0, 0, 1, 0), "v has no value (required)"),
        (one_field("number", minimum=5), ["5", "4.5", ""], (1, 0, 0, 1, 1), "v 4.5 is below 5 (minimum)"),
        (one_field("number", maximum=5), ["5", "71.3", "INF"], (1, 0, 0, 2, 0), "v 71.3 is above 5 (maximum)"),
        (one_field("date", minimum="2020-01-02"), ["2020-01-02", "2020-01-01"], (1, 0, 0, 1, 0), "v 2020-01-01 is below 2020-01-02 (minimum)"),
        (one_field("string", minLength=2), ["ab", "ü"], (1, 0, 0, 1, 0), "v has a length of 1, below 2 (minLength)"),
        (one_field("string", maxLength=2), ["üü", "abc"], (1, 0, 0, 1, 0), "v has a length of 3, above 2 (maxLength)"),
        (one_field("string", enum=["a", "b"]), ["a", "c"], (1, 0, 0, 1, 0), "v c is not one of a, b (enum)"),
        (one_field("integer", enum=[1, 2]), ["2", "3"], (1, 0, 0, 1, 0), "v 3 is not one of 1, 2 (enum)"),
        (one_field("string", pattern="[A-Z]{3}"), ["ABC", "ABCD"], (1, 0, 0, 1, 0), "v ABCD does not match [A-Z]{3} (pattern)"),
        (one_field("string", pattern="a|bc"), ["bc", "ac"], (1, 0, 0, 1, 0), "v ac does not match a|bc (pattern)"),
    ],
)  # fmt: skip
def test_constraint_fails_rows_that_break_it(rules: str, cells: list[str], flags: tuple[int, ...], reason: str) -> None:
    found = results("v,other\n" + "".join(f"{cell},x\n" for cell in cells), rules)
    test = reason.rsplit("(", 1)[1].rstrip(")")
    result = next(result for result in found.values() if result.test == test)
    assert counts(result) == flags
    assert reasons(result)[0][2] == reason
    assert not result.passed


def test_missing_values_replace_the_default() -> None:
    rules = "schema: {fields: [{name: v, type: number, constraints: {required: true}}], missingValues: ['NA', '-999']}"
    found = results("v,w\nNA,\n-999,\n,\n1,\n", rules)
    assert counts(found["1#v#required"]) == (2, 0, 0, 2, 0)
    assert counts(found["1#v#type"]) == (1, 0, 0, 1, 2)  # here an empty cell is not a missing value, and not a number


def test_malformed_row_does_not_fail_its_fields() -> None:
    rules = "schema: {fields: [{name: v, constraints: {required: true}}, {name: w, constraints: {required: true}}]}"
    found = results("v,w\n1,2\n3\n", rules)
    assert counts(found["1#v#required"]) == (1, 1, 0, 0, 0)
    assert failing("v,w\n1,2\n3\n", rules) == {"1#*#well_formed"}


GROSS = one_field("number") + "\nstreams: {v: {qartod: {gross_range_test: {suspect_span: [2, 8], fail_span: [0, 10]}}}}"


def test_gross_range_bounds_are_inclusive() -> None:
    cells = ["0", "10", "2", "8", "-0.1", "10.1", "INF", "NaN", ""]
    found = results("v,w\n" + "".join(f"{cell},\n" for cell in cells), GROSS)["2#v#gross_range_test"]
    assert counts(found) == (2, 0, 2, 3, 2)
    assert reasons(found) == [
        (1, "0", "v 0 is below 2 (gross_range_test suspect_span)"),
        (2, "10", "v 10 is above 8 (gross_range_test suspect_span)"),
        (5, "-0.1", "v -0.1 is below 0 (gross_range_test fail_span)"),
        (6, "10.1", "v 10.1 is above 10 (gross_range_test fail_span)"),
        (7, "INF", "v inf is above 10 (gross_range_test fail_span)"),
    ]


def test_suspect_rows_do_not_fail_check() -> None:
    found = results("v,w\n1,\n9,\n", GROSS)["2#v#gross_range_test"]
    assert found.passed
    assert found.message == "2 of 2 rows suspect"


@pytest.mark.parametrize(("share", "passed"), [(0.0, False), (0.24, False), (0.25, True), (1.0, True)])
def test_check_fails_above_its_limit(share: float, passed: bool) -> None:
    rules = GROSS + f"\nlimits: {{streams: {{v: {{gross_range_test: {share}}}}}}}"
    found = results("v,w\n1,\n11,\n5,\n5,\n", rules)["2#v#gross_range_test"]
    assert found.passed is passed
    assert found.fail == 1


def test_examples_prefer_failing_rows_and_are_truncated() -> None:
    data = "v,w\n" + "9,\n" * 30 + "11,\n" * 15
    found = results(data, GROSS)["2#v#gross_range_test"]
    assert (found.suspect, found.fail, len(found.examples), found.truncated) == (30, 15, 20, True)
    assert [example.row for example in found.examples] == [*range(1, 6), *range(31, 46)]


def gap_flags(times: list[str], hours: float = 2, block_bytes: int = 1 << 20) -> Result:
    rules = NUMBERS + f"streams: {{time: {{qartod: {{time_gap_test: {{fail_span: {hours}}}}}}}}}"
    return results("time,v\n" + "".join(f"{time},1\n" for time in times), rules, block_bytes=block_bytes)[
        "3#time#time_gap_test"
    ]


@pytest.mark.parametrize("block_bytes", [1, 20, 1 << 20])
def test_time_gap_fails_row_after_gap(block_bytes: int) -> None:
    found = gap_flags(
        ["2026-01-12T23:05:14", "2026-01-13T02:05:15", "2026-01-13T02:05:16", "2026-02-12T23:05:17"], 2.5, block_bytes
    )
    assert counts(found) == (1, 0, 0, 3, 0)
    assert [(row, reason) for row, _, reason in reasons(found)] == [
        (1, "no row for 3 h 1 s, from 2026-01-12T23:05:14 to 2026-01-13T02:05:15; the limit is 2 h 30 min (time_gap_test fail_span)"),
        (2, "no row for 3 h 1 s, from 2026-01-12T23:05:14 to 2026-01-13T02:05:15; the limit is 2 h 30 min (time_gap_test fail_span)"),
        (4, "no row for 30 d 21 h 1 s, from 2026-01-13T02:05:16 to 2026-02-12T23:05:17; the limit is 2 h 30 min (time_gap_test fail_span)"),
    ]  # fmt: skip


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
@pytest.mark.parametrize(
    ("times", "flags"),
    [
        ([], (0, 0, 0, 0, 0)),
        (["2026-01-12T00:00:00"], (0, 1, 0, 0, 0)),
        ([""], (0, 1, 0, 0, 0)),
        (["2026-01-12T00:00:00", "", "2026-01-12T01:00:00", "2026-01-12T02:00:00"], (1, 2, 0, 0, 1)),
        (["", "", ""], (0, 3, 0, 0, 0)),
        (["2026-01-12T00:00:00", "2026-01-12T02:00:00"], (2, 0, 0, 0, 0)),
        (["2026-01-12T00:00:00Z", "2026-01-12T03:00:00+01:00"], (2, 0, 0, 0, 0)),
    ],
)
def test_time_gap_without_previous_time_is_not_evaluated(
    times: list[str], flags: tuple[int, ...], block_bytes: int
) -> None:
    assert counts(gap_flags(times, block_bytes=block_bytes)) == flags


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_time_order_fails_earlier_time(block_bytes: int) -> None:
    times = [
        "2020-01-02T00:00:00",
        "2020-01-04T00:00:00",
        "",
        "2020-01-03T00:00:00",
        "2020-01-04T00:00:00",
        "2020-01-05T01:00:00",
    ]
    data = "time,v\n" + "".join(f"{time},1\n" for time in times)
    found = results(data, block_bytes=block_bytes)
    assert counts(found["3#time#time_order"]) == (4, 0, 0, 1, 1)
    assert reasons(found["3#time#time_order"]) == [
        (4, "2020-01-03T00:00:00", "time 2020-01-03 is before 2020-01-04 in a row above (time_order)")
    ]
    assert reasons(found["3#time#duplicate_time"]) == [
        (5, "2020-01-04T00:00:00", "time 2020-01-04T00:00:00 is already in row 2 (duplicate_time)")
    ]


def test_duplicate_time_is_allowed_by_wider_primary_key() -> None:
    data = "time,v\n2020-01-01T00:00:00,1\n2020-01-01T00:00:00,2\n"
    with_key = NUMBERS.replace("time: time", "  primaryKey: [time, v]\ntime: time")
    assert failing(data) == {"3#time#duplicate_time"}
    assert failing(data, with_key) == set()


def test_unique_compares_values_not_text() -> None:
    found = results("v,w\n1,\n1.0,\n,\n,\n2,\nx,\n", one_field("number", unique=True))["1#v#unique"]
    assert counts(found) == (2, 1, 0, 1, 2)
    assert reasons(found) == [(2, "1.0", "v 1.0 is already in row 1 (unique)")]


def test_primary_key_must_have_unique_value() -> None:
    rules = "schema: {fields: [{name: a}, {name: b}], primaryKey: [a, b]}"
    found = results("a,b\n1,2\n1,3\n1,2\n,\n1,\n,\n", rules)["1#*#primaryKey"]
    assert counts(found) == (3, 0, 0, 3, 0)
    assert [(row, reason) for row, _, reason in reasons(found)] == [
        (3, "a, b 1, 2 is already in row 1 (primaryKey)"),
        (4, "a, b has no value (primaryKey)"),
        (6, "a, b has no value (primaryKey)"),
    ]


@examples(500)
@given(values=st.lists(st.integers(0, 30), max_size=60), spill=st.integers(1, 20), block_bytes=st.integers(1, 60))
def test_unique_is_exact_when_keys_are_spilled_to_files(values: list[int], spill: int, block_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "RUN", spill)
        patch.setattr(repeats, "SPILL_ROWS", spill)
        data = "v,w\n" + "".join(f"{value},\n" for value in values)
        found = results(data, one_field("integer", unique=True), block_bytes=block_bytes)["1#v#unique"]
    repeated = [row for row, value in enumerate(values, start=1) if value in values[: row - 1]]
    assert found.fail == len(repeated)
    assert [example.row for example in found.examples] == repeated[:20]
    assert [f"is already in row {values.index(values[row - 1]) + 1} (" in found.examples[index].reason for index, row in enumerate(repeated[:20])] == [True] * len(repeated[:20])  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "passed", "message"),
    [(1, False, "1 data row; the minimum is 2"), (2, True, "2 data rows"), (4, False, "4 data rows; the maximum is 3")],
)
def test_rows_outside_limits_fail(rows: int, passed: bool, message: str) -> None:
    found = results("v,w\n" + "1,\n" * rows, "rows: {minimum: 2, maximum: 3}")["1#*#rows"]
    assert (found.passed, found.message) == (passed, message)


def test_process_without_checks_passes_with_message() -> None:
    found = reports("v,w\n1,2\n", "rows: {}")
    assert [(report.passed, report.message) for report in found.values()] == [
        (True, ""),
        (True, "the rules have no values checks"),
        (True, "the rules have no continuity checks"),
    ]


def test_check_without_valid_values_fails_with_message() -> None:
    rules = NUMBERS + "streams: {v: {qartod: {gross_range_test: {fail_span: [0, 10]}}}}"
    found = results("time,v\nsoon,high\nlater,low\n", rules)
    assert not found["2#v#gross_range_test"].passed
    assert found["2#v#gross_range_test"].message == "not evaluated: no row has a valid value in v"
    assert found["3#time#time_order"].message == "not evaluated: no row has a valid value in time"
    some = results("time,v\nsoon,high\n2020-01-01T00:00:00,5\n", rules)
    assert some["2#v#gross_range_test"].passed
    assert some["2#v#gross_range_test"].message == "no row fails, 1 missing"


def test_missing_values_pass_unless_required() -> None:
    rules = NUMBERS + "streams: {v: {qartod: {gross_range_test: {fail_span: [0, 10]}}}}"
    assert failing("time,v\n2020-01-01T00:00:00,\n2020-01-01T00:00:01,5\n", rules) == set()


def test_test_without_any_value_is_not_evaluated() -> None:
    rules = NUMBERS + "streams: {v: {qartod: {gross_range_test: {fail_span: [0, 10]}}}}"
    found = results("time,v\n2020-01-01T00:00:00,\n", rules)
    assert found["2#v#gross_range_test"].message == "not evaluated: no row has a value (v)"
    assert not found["2#v#gross_range_test"].passed
    assert found["1#v#type"].passed


def test_checks_that_need_time_fail_without_any_time() -> None:
    rules = NUMBERS + "streams: {v: {qartod: {rate_of_change_test: {threshold: 1}}}, time: {qartod: {time_gap_test: }}}"
    found = results("time,v\n,1\n,2\n", rules)
    for check in ("3#time#time_order", "3#time#duplicate_time", "3#time#time_gap_test", "3#v#rate_of_change_test"):
        assert (found[check].passed, found[check].message.split(" (")[0]) == (False, "not evaluated: no row has a time")


def test_required_fails_nan() -> None:
    assert results("v,w\nNaN,\n1,\n", one_field("number", required=True))["1#v#required"].fail == 1


def test_limits_treat_nan_as_missing() -> None:
    found = results("v,w\nNaN,\n1,\n", one_field("number", minimum=0, maximum=60))
    assert (found["2#v#maximum"].missing, found["2#v#minimum"].missing) == (1, 1)


@pytest.mark.parametrize("year", ["0000", "-0001", "+12026"])
def test_datetime_outside_calendar_fails_type(year: str) -> None:
    assert "1#time#type" in failing(f"time,v\n{year}-01-01T00:00:00Z,1\n2020-01-01T00:00Z,1\n")


def test_failures_do_not_hide_each_other() -> None:
    data = "time,v\n2020-01-01T00:00:00,1\nsoon,200\n2020-01-01T00:00:00\n2019-01-01T00:00:00,high\n"
    rules = NUMBERS + "streams: {v: {qartod: {gross_range_test: {fail_span: [0, 10]}}}}\nrows: {minimum: 9}"
    assert failing(data, rules) == {
        "1#*#well_formed", "1#*#rows", "1#time#type", "1#v#type", "2#v#gross_range_test", "3#time#time_order",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["", ", type: any"])
@pytest.mark.parametrize(
    "test",
    ["gross_range_test: {fail_span: [0, 1]}", "spike_test: {fail_threshold: 1}", "location_test: {}",
     "climatology_test: {config: [{tspan: [1, 12], period: month, vspan: [0, 1]}]}", "rate_of_change_test: {threshold: 1}"],
)  # fmt: skip
def test_untyped_field_of_numeric_test_must_hold_numbers(kind: str, test: str) -> None:
    rules = f"""
    schema: {{fields: [{{name: t, type: datetime}}, {{name: v{kind}}}]}}
    time: t
    lat: v
    lon: v
    streams: {{v: {{qartod: {{{test}}}}}}}
    """
    rows = "t,v\n2020-01-01T00:00,0.5\n2020-01-01T00:01,{}\n2020-01-01T00:02,0.5\n"
    assert failing(rows.format("0.5"), rules) == set()
    assert "1#v#type" in failing(rows.format("99 kg"), rules)


def test_fraction_of_second_has_any_number_of_digits() -> None:
    limits = 'constraints: {minimum: "2020-01-01 00:00:00.1"}'
    rules = f'schema: {{fields: [{{name: t, type: datetime, format: "%Y-%m-%d %H:%M:%S.%f", {limits}}}]}}\ntime: t'
    assert failing("t\n2020-01-01 00:00:00.05\n2020-01-01 00:00:00.2\n", rules) == {"2#t#minimum"}
    assert failing("t\n2020-01-01 00:00:00.100\n2020-01-01 00:00:00.20\n", rules) == set()
    assert failing("t\n2020-01-01 00:00:00.5000\n2020-01-01 00:00:00.10000\n", rules) == {"3#t#time_order"}


def test_keys_treat_nan_as_missing() -> None:
    fields = "fields: [{name: id, type: number, constraints: {unique: true}}]"
    found = results("id\nNaN\nNaN\n1\n", f"schema: {{{fields}, primaryKey: id}}")
    assert (found["1#id#unique"].missing, found["1#id#unique"].fail) == (2, 0)
    assert [row for row, *_ in reasons(found["1#*#primaryKey"])] == [1, 2]


def test_share_equal_to_limit_passes() -> None:
    rules = json.dumps({"schema": {"fields": [{"name": "a", "type": "number"}]}, "limits": {"max_fail_share": 0.29}})
    assert not failing("a\n" + "x\n" * 29 + "1\n" * 71, rules)
    assert failing("a\n" + "x\n" * 30 + "1\n" * 70, rules) == {"1#a#type"}


@pytest.mark.parametrize(("kind", "pattern"), [("date", "%d.%m.%y"), ("datetime", "%d.%m.%y %H:%M")])
def test_two_digit_years_are_those_of_python(kind: str, pattern: str) -> None:
    cells = [dt.datetime(year, 3, 1).strftime(pattern) for year in (1968, 1969, 1970, 2000, 2068, 2069)]
    parsed = fieldtypes.parse(pl.Series(cells), Field("t", kind, pattern))  # type: ignore[arg-type]
    assert parsed.dt.year().to_list() == [1968 + 100, 1969, 1970, 2000, 2068, 1969]


@pytest.mark.parametrize(
    ("kind", "pattern", "good", "bad"),
    [
        ("date", "default", ["2020-06-02"], ["20-06-02", "99-1-1", " 2020-06-02", "2020-6-2", "+2020-06-02"]),
        ("time", "default", ["12:34:59", "12:34:59.25"], ["1:5:6", "12:34:60", " 12:34:56", "12:34"]),
        (
            "datetime",
            "default",
            ["2020-01-01T12:34:59", "2020-01-01 12:34", "2020-01-01T12:34:59.5Z", "2020-01-01T12:34:59+01:00"],
            [
                "20-01-01T00:00:00",
                "2020-01-01T12:34:60",
                " 2020-1-1T1:5:6",
                "2020-01-01T1:05:06",
                "2020-01-01T12:34:60Z",
            ],
        ),
        ("time", "%H%M%S", ["120059", "600000"[2:] + "00"], ["120060"]),
        ("datetime", "%Y-%m-%d %H%M%S", ["2060-01-01 120000"], ["2020-01-01 120060"]),
        (
            "datetime",
            "%d/%m/%Y %H:%M",
            ["03/12/1999 23:00", "3/1/1999 1:05", " 3/01/1999 1:05"],
            ["03/12/199 23:00", "03/12/199923:00", "03/ 1/1999 1:05"],
        ),
        ("date", "%Y-%m-%d", ["2020-05-24"], ["202-05-24", " 2020-05-24", "+2020-05-24"]),
        ("datetime", "%Y%m%d%H%M%S", ["20001012120019"], ["200010121200 9"]),
        ("datetime", "%d %b %Y %I:%M %p", ["24 May 2020 01:05 PM"], ["24 May 202 01:05 PM"]),
    ],
)
def test_only_the_documented_form_is_read(kind: str, pattern: str, good: list[str], bad: list[str]) -> None:
    field = Field("t", kind, pattern)  # type: ignore[arg-type]
    assert fieldtypes.parse(pl.Series(good), field).null_count() == 0
    assert fieldtypes.parse(pl.Series(bad), field).null_count() == len(bad)
    mixed = fieldtypes.parse(pl.Series([*good, *bad, None]), field)
    assert mixed.is_null().to_list() == [False] * len(good) + [True] * (len(bad) + 1)


def test_cells_that_are_no_times_fail_their_type() -> None:
    found = results("time,v\nnoon,1\nnight,2\n")
    assert found["1#time#type"].message == "2 of 2 rows fail (100%)"
    assert found["3#time#time_order"].message == "not evaluated: no row has a valid value in time"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["-9999", "-9999.0", "2"], "(67%, from 2020-01-01 to 2020-01-02, all -9999)"),
        (["-9999", "2", "-9999.5"], "(67%, from 2020-01-01 to 2020-01-03)"),
        (["60", "70", "70"], "(100%, from 2020-01-01 to 2020-01-03)"),
        (["1e20", "1e20", ""], "(67%, from 2020-01-01 to 2020-01-02, all 1e+20)"),
    ],
)
def test_failing_rows_are_summed_up(cells: list[str], words: str) -> None:
    rows = [f"2020-01-0{day}T00:00:00,{cell}" for day, cell in enumerate(cells, 1)]
    asked = "qartod: {gross_range_test: {fail_span: [0, 50]}}"
    for streams in (f"{{{asked}}}", f"[{{where: {{v: 3}}, {asked}}}, {{{asked}}}]"):
        rules = NUMBERS + f"\nstreams: {{v: {streams}}}"
        assert words in results("\n".join(["time,v", *rows, ""]), rules)["2#v#gross_range_test"].message


def test_rows_that_fail_beside_others_have_no_number_in_common() -> None:
    found = results("time,v\n2020-01-01T00:00:00,1\n2020-01-01T00:00:00,1\n2020-01-01T00:00:00,1\n")
    assert found["3#time#duplicate_time"].message == "2 of 3 rows fail (67%, from 2020-01-01 to 2020-01-01)"
