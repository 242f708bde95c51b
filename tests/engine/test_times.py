"""Times that are written in several fields, in local time, or as a number since 1970."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import polars as pl
import pytest

from stream_qc.errors import InvalidRules
from stream_qc.rules import load
from tests.engine.checking import reasons, reports, results, without_lines

PARTS = ("YY", "MM", "DD", "hh", "mm")


def rules_of(time: Any, *fields: dict[str, Any], gap: float = 1) -> str:
    name = (
        "time"
        if isinstance(time, str) or all(field["name"] != "time" for field in fields)
        else " ".join(time["fields"])
    )
    streams = {name: {"qartod": {"time_gap_test": {"fail_span": gap}}}}
    return json.dumps({"schema": {"fields": fields}, "time": time, "streams": streams})


def kinds(*names: str, type: str = "integer") -> list[dict[str, Any]]:  # noqa: A002
    return [{"name": name, "type": type} for name in names]


@pytest.mark.parametrize("cut", [1, 1 << 20])
@pytest.mark.parametrize("year", ["13", "2013"])
def test_time_of_five_fields(year: str, cut: int) -> None:
    rows = ["1,1,0,50", "01,01,01,50", "1,1,4,00", "1,32,0,0", "1,1,,0"]
    content = "YY,MM,DD,hh,mm\n" + "".join(f"{year},{row}\n" for row in rows)
    found = results(content, rules_of({"fields": PARTS}, *kinds(*PARTS)), block_bytes=cut)
    assert reasons(found["1#time#type"]) == [
        (4, f"{year} 1 32 0 0", f"time '{year} 1 32 0 0' is not a datetime (type)")
    ]
    assert reasons(found["3#time#time_gap_test"]) == [
        (
            3,
            f"{year} 1 1 4 00",
            "no row for 2 h 10 min, from 2013-01-01T01:50:00 to 2013-01-01T04:00:00; the limit is 1 h (time_gap_test fail_span)",
        )
    ]
    assert found["3#time#time_gap_test"].missing == 2


def test_parts_are_read_from_every_format() -> None:
    table = pl.DataFrame({"YY": [2013, 2013], "MM": [1, 1], "DD": [1, 1], "hh": [0, 5], "mm": [0, 0]})
    rules, file = rules_of({"fields": PARTS}, *kinds(*PARTS)), io.BytesIO()
    table.write_parquet(file)
    contents = {
        "x.csv": table.write_csv().encode(),
        "x.ndjson": table.write_ndjson().encode(),
        "x.parquet": file.getvalue(),
    }
    found = {
        name: [without_lines(one) for one in results(data, rules, name).values()] for name, data in contents.items()
    }
    assert found["x.csv"] == found["x.ndjson"] == found["x.parquet"]
    assert [one["Check"] for one in found["x.csv"] if not one["Pass"]] == ["3#time#time_gap_test"]


def test_missing_part_is_named_in_the_header() -> None:
    found = results("YY,MM,DD,hh\n2013,1,1,0\n", rules_of({"fields": PARTS}, *kinds(*PARTS)))
    assert found["1#*#header"].message.startswith("the field mm is missing")
    assert not found["3#time#time_gap_test"].passed


def test_year_and_month_may_be_all() -> None:
    rules = rules_of({"fields": ["YY", "MM"]}, *kinds("YY", "MM"), gap=24 * 31)
    found = results("YY,MM\n2013,1\n2013,2\n2013,4\n", rules)
    assert [row for row, _, _ in reasons(found["3#time#time_gap_test"])] == [3]


def test_time_of_a_date_and_a_time() -> None:
    fields = [{"name": "date", "type": "date", "format": "%d.%m.%Y"}, {"name": "time", "type": "time"}]
    content = "date,time\n01.02.2020,00:00:00\n01.02.2020,00:30:00\n02.02.2020,00:00:00\n"
    found = results(content, rules_of({"fields": ["date", "time"]}, *fields))
    assert [row for row, _, _ in reasons(found["3#date time#time_gap_test"])] == [3]


def test_local_time_is_converted() -> None:
    """In Berlin, 2:30 did not exist on 2020-03-29. From 1:30 to 3:30 it took an hour."""
    rules = rules_of({"fields": ["t"], "zone": "Europe/Berlin"}, {"name": "t", "type": "datetime"})
    content = "t\n2020-03-29T00:30\n2020-03-29T01:30\n2020-03-29T03:30\n2020-03-29T02:30\n"
    found = results(content, rules)
    assert [row for row, _, _ in reasons(found["1#time#type"])] == [4]
    assert found["3#time#time_gap_test"].fail == 0


def test_local_time_in_a_field_called_time() -> None:
    rules = json.dumps(
        {
            "schema": {"fields": [{"name": "time", "type": "datetime"}]},
            "time": {"fields": ["time"], "zone": "Europe/Berlin"},
        }
    )
    found = results("time\n2020-07-01T00:00\n2020-07-01T00:00\n", rules)
    assert reasons(found["3#time (UTC)#duplicate_time"]) == [
        (2, "2020-07-01T00:00", "time (UTC) 2020-07-01T00:00 is already in row 1 (duplicate_time)")
    ]


def test_parts_of_the_time_may_be_in_the_key() -> None:
    fields = [{"name": "station"}, {"name": "day", "type": "date"}, {"name": "clock", "type": "time"}]
    content = "station,day,clock\nA,2020-01-01,00:00:00\nB,2020-01-01,00:00:00\n"
    rules = {
        "schema": {"fields": fields, "primaryKey": ["station", "day", "clock"]},
        "time": {"fields": ["day", "clock"]},
    }
    report = reports(content, json.dumps(rules))[3]
    assert report.passed
    assert report.message.startswith(
        "warning: the primary key is station and day and clock, so the file may hold several series"
    )
    rules["schema"]["primaryKey"] = ["day", "clock"]  # type: ignore[index]
    assert not reports(content, json.dumps(rules))[3].passed


@pytest.mark.parametrize(("form", "scale"), [("epoch-seconds", 1), ("epoch-milliseconds", 1000)])
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_epoch(form: str, scale: int, kind: str) -> None:
    start = int(dt.datetime(2020, 1, 1, tzinfo=dt.UTC).timestamp())
    table = pl.DataFrame({"time": [start * scale, (start + 60) * scale, (start + 9000) * scale]})
    file = io.BytesIO()
    table.write_parquet(file)
    contents: dict[str, str | bytes] = {
        "csv": table.write_csv() + "now\n",
        "ndjson": table.write_ndjson() + '{"time": "now"}\n',
        "parquet": file.getvalue(),
    }
    found = results(contents[kind], rules_of("time", {"name": "time", "type": "datetime", "format": form}), f"x.{kind}")
    assert found["1#time#type"].fail == (0 if kind == "parquet" else 1)
    assert reasons(found["3#time#time_gap_test"])[0][2].startswith(
        "no row for 2 h 29 min, from 2020-01-01T00:01:00 to 2020-01-01T02:30:00;"
    )


@pytest.mark.parametrize(
    ("time", "mistake"),
    [
        ({"fields": []}, "time.fields: name the fields of year, month, day"),
        ({"fields": ["YY", "no"]}, "time.fields: the schema has no field no; its fields are: YY, MM, DD, hh, mm"),
        (
            {"fields": ["YY"], "zone": "Berlin"},
            "time.zone: Berlin is not a known time zone; use a name such as Europe/Berlin",
        ),
        ({"field": ["YY"]}, "time"),
        ({"fields": ["YY"], "zones": "x"}, "time.zones: unknown key; expected one of: fields, zone"),
        ({"fields": ["YY"], "zone": ""}, "time.zone:  is not a known time zone"),
        ({"fields": ["YY", "YY"]}, "time.fields: YY, YY names a field twice"),
    ],
)
def test_mistaken_time_is_refused(time: Any, mistake: str) -> None:
    with pytest.raises(InvalidRules) as raised:
        load(json.dumps({"schema": {"fields": kinds(*PARTS)}, "time": time}))
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes


@pytest.mark.parametrize(
    ("form", "zone", "mistake"),
    [
        ("epoch-seconds", None, "time.fields: t is already a complete UTC time (epoch-seconds)"),
        (
            "%Y-%m-%d %H:%M %z",
            "Europe/Berlin",
            "time.zone: the times of t have an offset from UTC (%z); leave the zone out",
        ),
    ],
)
def test_time_that_is_in_utc_has_no_zone(form: str, zone: str | None, mistake: str) -> None:
    field = {"name": "t", "type": "datetime", "format": form}
    with pytest.raises(InvalidRules) as raised:
        load(json.dumps({"schema": {"fields": [field]}, "time": {"fields": ["t"], "zone": zone}}))
    assert any(one.startswith(mistake) for one in raised.value.mistakes), raised.value.mistakes
