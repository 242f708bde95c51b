"""`stream-qc infer`: rules inferred from a file, which the file passes."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stream_qc.checks import TESTS
from stream_qc.inferring.limits import AMOUNT
from stream_qc.inferring.spread import Spread
from stream_qc.rules import load
from tests.engine.running import stream_qc
from tests.samples import SAMPLES


@pytest.mark.parametrize(
    "content", ["n,count\n1,2\n3,4\n", "value,v\ninf,1\n2,2\n", "row,raw\n1,NaN\n2,3\n", "a,b\n,\n,\n"]
)
def test_infer_handles_unusual_names_and_numbers(tmp_path: Path, content: str) -> None:
    path, rules = tmp_path / "x.csv", tmp_path / "rules.yaml"
    path.write_text(content)
    inferred = stream_qc("infer", str(path))
    assert (inferred.returncode, inferred.stderr) == (0, "")
    rules.write_text(inferred.stdout)
    assert stream_qc("check", str(path), "--rules", str(rules)).returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "seattle/airport.csv",
        "seattle/airport-2012.csv.gz",
        "seattle/airport-2013.ndjson",
        "seattle/airport-2014.parquet",
    ],
)
def test_sample_file_passes_inferred_rules(tmp_path: Path, name: str) -> None:
    path = SAMPLES / "streams" / name
    inferred = stream_qc("infer", str(path))
    assert inferred.returncode == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text(inferred.stdout)
    done = stream_qc("check", str(path), "--rules", str(rules), "--json")
    assert json.loads(done.stdout)["TotalPass"] == 1
    assert "primaryKey: date" in inferred.stdout
    assert "time_gap_test: {fail_span: 36.01} # hours" in inferred.stdout


def test_infer_refuses_malformed_file() -> None:
    done = stream_qc("infer", str(SAMPLES / "streams" / "sandbox" / "malformed.csv"))
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "row 12 is malformed (4 cells, but the header has 6); rules can only be inferred from a good file"
        in done.stderr
    )


@pytest.mark.parametrize(
    "content",
    [
        "n\n+1\n 2 \n",
        "n\n1e308\n-1e308\n",
        '\ufeff"ti me"\tv\r\n2012-01-01T00:00:00Z\t1,5\r\n2012-01-01T01:00:00+01:00\t2,5\r\n',
        "t,v\n0001-01-01T00:00:00,1\n9999-12-31T23:59:59,2\n",
        "s\n" + "a\x85b\n" * 20,
        "\x7f,v\n1,2\n",
        "s\n" + "\ufffe\n" * 20,
    ],
    ids=["signs and blanks", "huge", "repeated times", "millennia", "a line end of YAML's", "DEL", "no character"],
)
def test_unusual_file_passes_inferred_rules(content: str, tmp_path: Path) -> None:
    file, rules = tmp_path / "f.csv", tmp_path / "r.yaml"
    file.write_bytes(content.encode())
    inferred = stream_qc("infer", str(file))
    assert inferred.returncode == 0, inferred.stderr
    rules.write_bytes(inferred.stdout.encode())
    done = stream_qc("check", str(file), "--rules", str(rules))
    assert done.returncode == 0, inferred.stdout + done.stdout + done.stderr


@pytest.mark.parametrize("header", ["a,a", ",", "x" * 300 + ",b"])
def test_infer_refuses_header_that_rules_cannot_name(header: str, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(f"{header}\n1,x\n2,y\n")
    done = stream_qc("infer", str(file))
    assert done.returncode == 2
    assert "rules can only be inferred from a good file" in done.stderr


def inferred(tmp_path: Path, content: str | bytes, name: str = "x.csv") -> str:
    """Returns the rules inferred from a file, which passes them."""
    file, rules = tmp_path / name, tmp_path / "rules.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    done = stream_qc("infer", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    rules.write_text(done.stdout)
    checked = stream_qc("check", str(file), "--rules", str(rules))
    assert checked.returncode == 0, done.stdout + checked.stdout
    return done.stdout


@pytest.mark.parametrize("path", sorted((SAMPLES / "streams/observatories").iterdir()), ids=lambda path: path.stem)
def test_dialect_is_found(path: Path, tmp_path: Path) -> None:
    expected = (SAMPLES / "rules/observatories" / f"{path.stem}.yaml").read_text()
    (dialect,) = [line.removeprefix("dialect: ") for line in expected.splitlines() if line.startswith("dialect: ")]
    text = inferred(tmp_path, path.read_bytes(), path.name)
    assert f"dialect: {dialect}\n" in text.replace('"', "")


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    rows = "".join(f"{row},{row % 7}.5,x\n" for row in range(40))
    text = inferred(tmp_path, f',v,""\n{rows}')  # as R writes the names of rows
    assert "# check: 2 columns without a name are left out; give it a name in the file if it should be checked" in text
    assert "{name: v, type: number" in text
    assert text.count("- {name:") == 1
    rules = tmp_path / "rules.yaml"
    rules.write_text(text)
    assert stream_qc("rules", str(rules), "--try", str(tmp_path / "x.csv")).returncode in (0, 1)


def test_year_is_the_time_axis_of_each_series(tmp_path: Path) -> None:
    rows = "".join(f"{name},{year},{year % 9}.5\n" for name in ("Chad", "Peru", "Cuba") for year in range(1990, 2010))
    text = inferred(tmp_path, f"country,year,v\n{rows}")
    assert "{name: year, type: year, constraints: {required: true}}" in text
    assert "\ntime: year\nseries: country\n" in text
    assert "time: year\n" in inferred(tmp_path, "year,v\n" + "".join(f"{year},1.5\n" for year in range(1990, 2030)))


def test_series_are_found(tmp_path: Path) -> None:
    text = inferred(tmp_path, (SAMPLES / "streams/newyork/weather.csv").read_bytes())
    assert "time: time_hour\nseries: origin\n" in text
    assert "primaryKey: [origin, time_hour]" in text
    assert 'missingValues: ["", NA]' in text
    assert "{name: wind_dir, type: integer}" in text
    assert "  humid:\n" in text
    assert "  year:\n" not in text


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        ("# a\n# b\nt,v\n" + "2020-01-01,1\n", '{commentChar: "#"}'),
        ("t  v\n2020-01-01  1\n2020-01-02 2\n", '{delimiter: " ", skipInitialSpace: true}'),
        ("Straße;v\n1;2\n".encode("cp1252"), '{encoding: "windows-1252"}'),
        ("t,v\n2020-01-01,1\n".encode("utf-16"), '{encoding: "utf-16"}'),
    ],
)
def test_words_of_the_dialect_are_found(content: str | bytes, dialect: str, tmp_path: Path) -> None:
    assert f"dialect: {dialect}\n" in inferred(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        ("d\n" + "".join(f"0{day}/02/2020\n" for day in range(1, 9)), "the dates of d may be month/day or day/month"),
        ("a-b\n1-2\n3-4\n", "the file seems to have one column"),
        ("1,2\n3,4\n5,6\n", "the first line looks like data"),
        ("t,v\ns,degC\n1,2\n3,4\n", "line 2 may hold units"),
        ("Größe,v\n1,2\n".encode("cp1252"), "the file is not UTF-8; it is read as windows-1252"),
        ("v\n1\n2\n", "2 rows are too few to infer ranges"),
        ("v\n1\n2\n", "no field is in time order"),
        (
            "v\n" + "".join(f"{row}\n" for row in range(50)) + "-999\n",
            "-999 is treated as missing, because it is far",
        ),
        ("v\n1\nN/A\n", "N/A is treated as missing, because it is text in a column of numbers or times"),
    ],
)
def test_doubts_are_written_as_comments(content: str | bytes, doubt: str, tmp_path: Path) -> None:
    assert any(line.startswith(f"# check: {doubt}") for line in inferred(tmp_path, content).splitlines())


@pytest.mark.parametrize(
    ("cell", "spelled"), [("-999", "-999"), ("-999.0", "-999.0"), ("9999", "9999"), ("1e35", "1e35")]
)
def test_sentinel_is_excluded_from_the_range(cell: str, spelled: str, tmp_path: Path) -> None:
    rows = [f"2020-01-01T{row // 60:02}:{row % 60:02},{20 + row / 100}" for row in range(60)]
    text = inferred(tmp_path, "\n".join(["t,v", *rows, f"2020-01-01T01:00,{cell}", ""]))
    assert f'missingValues: ["", "{spelled}"]' in text
    assert "fail_span: [19.5, 21.7]" in text


def test_value_like_a_sentinel_is_a_value(tmp_path: Path) -> None:
    text = inferred(tmp_path, "v\n" + "".join(f"{row}\n" for row in range(120)))
    assert "missingValues" not in text


def test_identifiers_and_places_get_no_range(tmp_path: Path) -> None:
    names = ["id", "station_id", "lat", "longitude", "zip_code", "year", "v"]
    rows = "".join(",".join([str(row)] * len(names)) + "\n" for row in range(40))
    text = inferred(tmp_path, ",".join(names) + "\n" + rows)
    assert text.count("gross_range_test") == 1


def test_whole_numbers_that_are_times_are_times(tmp_path: Path) -> None:
    text = inferred(tmp_path, "when,v\n2020010100,1\n2020010101,2\n")
    assert '{name: when, type: datetime, format: "%Y%m%d%H", constraints: {required: true}}' in text


@pytest.mark.parametrize(
    ("content", "rules", "doubt"),
    [
        ("#time,v\n" + "".join(f"2024-01-01T0{hour}:00:00Z,{hour}\n" for hour in range(9)),
         'dialect: {commentChar: "#", headerRows: [1]}', "line 1 is used as the header, although it begins with #"),
        ("# station 5\n# time,v\n2024-01-01T00:00:00Z,1\n2024-01-01T01:00:00Z,2\n",
         'dialect: {commentChar: "#", headerRows: [2]}', "line 2 is used as the header, although it begins with #"),
        ('Station 7,"Hill, north"\n\nt,v,w\n' + "".join(f"2024-01-01T{hour:02}:00:00Z,{hour},1\n" for hour in range(24)),
         "dialect: {headerRows: [3]}", "line 3 is used as the header, because the lines above have a different number of cells"),
        ("2024-07-01T00:00:00,15.5\n2024-07-01T01:00:00,15.0\n2024-07-01T02:00:00,15.2\n", "fields:", "the first line looks like data"),
        ("v\n" + "1\n2\n3\n" * 20 + "<0.5\n", "{name: v, type: string", "v is mostly numbers, with some text such as <0.5"),
        ("rain\n" + "0\n" * 40 + "-999\n", 'missingValues: ["", "-999"]', "-999 is treated as missing"),
        ("wdir,pres\n" + "".join(f"{row},{990 + row / 2}\n" for row in range(40)) + "999,999\n", "{name: wdir, type: integer",
         "999 in wdir may mean missing, but it is an ordinary value in another field"),
    ],
)  # fmt: skip
def test_odd_file_has_rules_and_a_doubt(content: str, rules: str, doubt: str, tmp_path: Path) -> None:
    text = inferred(tmp_path, content)
    assert rules in text
    assert f"# check: {doubt}" in text


@pytest.mark.parametrize(("scale", "form"), [(1, "epoch-seconds"), (1000, "epoch-milliseconds")])
def test_epochs_are_times(scale: int, form: str, tmp_path: Path) -> None:
    text = inferred(tmp_path, "ts,v\n" + "".join(f"{(1_710_000_000 + 60 * row) * scale},{row}\n" for row in range(40)))
    assert f'{{name: ts, type: datetime, format: "{form}"' in text
    assert "time: ts\n" in text


def test_identifier_with_leading_zeros_is_text(tmp_path: Path) -> None:
    assert "{name: site, type: string" in inferred(tmp_path, "site,v\n01646500,1\n01646501,2\n")


def test_warm_month_does_not_end_at_zero(tmp_path: Path) -> None:
    text = inferred(tmp_path, "temp\n" + "".join(f"{12 + row % 12}\n" for row in range(60)))
    assert "fail_span: [3.75, 31.3]" in text


def hours(values: list[float], name: str = "temp", start: str = "2020-01-01") -> str:
    """Returns a CSV of these values, one an hour."""
    first = dt.datetime.fromisoformat(start)
    rows = [f"{(first + dt.timedelta(hours=hour)).isoformat()}Z,{value}" for hour, value in enumerate(values)]
    return "\n".join([f"time,{name}", *rows]) + "\n"


def wave(count: int, level: float = 10) -> list[float]:
    """Returns values that go up and down with the hour, and a little noise that never repeats."""
    return [round(level + 5 * math.sin(hour / 4) + hour * 7919 % 101 / 100, 2) for hour in range(count)]


def limits_of(path: Path, *more: Path) -> dict[str, Any]:
    """Returns the inferred tests of the second field."""
    done = stream_qc("infer", *map(str, (path, *more)))
    assert (done.returncode, done.stderr) == (0, "")
    names = {kind: name for name, kind in TESTS.items()}
    return {names[type(asked.test)]: asked.test for asked in load(done.stdout).tests if asked.field != "time"}


def test_limits_of_changes_come_from_the_noise(tmp_path: Path) -> None:
    path, rules, bad = tmp_path / "x.csv", tmp_path / "rules.yaml", tmp_path / "bad.csv"
    path.write_text(hours(wave(500)))
    rules.write_text(stream_qc("infer", str(path)).stdout)
    assert json.loads(stream_qc("check", str(path), "--rules", str(rules), "--json").stdout)["TotalPass"] == 1
    values = wave(500)
    values[250] += 40  # a spike
    values[300:480] = [values[300]] * 180  # a stuck sensor
    bad.write_text(hours(values))
    found = json.loads(stream_qc("check", str(bad), "--rules", str(rules), "--json").stdout)["Checks"]
    failing = {check["Check"].split("#")[2] for check in found if not check["Pass"]}
    assert failing == {"gross_range_test", "spike_test", "rate_of_change_test", "flat_line_test"}


def test_one_odd_value_does_not_make_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    values = wave(2_000)
    values[1_000] = 1_048.0
    path.write_text(hours(values))
    text = stream_qc("infer", str(path)).stdout
    assert "# check: 1048 in temp is far from the other values; if it is wrong, lower the fail limits of temp" in text
    tests = limits_of(path)
    assert tests["gross_range_test"].suspect_span[1] < 25
    assert tests["spike_test"].suspect_threshold < 25


def test_limits_follow_a_trend(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(hours([value + hour / 20 for hour, value in enumerate(wave(1_000))]))  # rises by 50
    low, high = limits_of(path)["gross_range_test"].fail_span
    assert high > 66 + 50
    assert low > -60


def test_several_files_give_wider_limits_than_one(tmp_path: Path) -> None:
    winter, summer = tmp_path / "winter.csv", tmp_path / "summer.csv"
    winter.write_text(hours(wave(500)))
    summer.write_text(hours(wave(500, level=30), start="2020-07-01"))
    for files in ([winter, summer], [summer, winter]):
        low, high = limits_of(*files)["gross_range_test"].suspect_span
        assert low <= 5
        assert high >= 35
    text = stream_qc("infer", str(winter), str(summer)).stdout
    assert text.startswith("# Inferred from 2 files of 1,000 rows.")
    assert "time_gap_test: {fail_span: 1.51} # hours" in text  # the months between the files are no gap


def test_files_of_different_streams_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(hours(wave(50)))
    other.write_text(hours(wave(50), name="wind"))
    done = stream_qc("infer", str(one), str(other))
    assert done.returncode == 2
    assert f"{other} and {one} are not of one stream: only one of them has temp, wind" in done.stderr


@pytest.mark.parametrize(
    ("name", "values", "span"),
    [
        ("humidity", [float(20 + hour * 37 % 75) for hour in range(200)], (0, 100)),
        ("humidity", [hour * 37 % 75 / 100 for hour in range(200)], (0, 1.3)),
        ("wind_direction", [float(hour * 47 % 360) for hour in range(200)], (0, 360)),
        ("rain", [0.0] * 150 + [float(hour % 7) for hour in range(50)], (0, 13.9)),
    ],
)
def test_limits_that_a_field_has_by_nature(
    name: str, values: list[float], span: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(hours(values, name))
    tests = limits_of(path)
    assert tuple(tests["gross_range_test"].fail_span) == span
    if name != "humidity":
        assert [*tests] == ["gross_range_test"]  # an angle jumps from 359 to 0, and it rains seldom


def passes(tmp_path: Path, *files: Path) -> str:
    """Infers rules from the files, and returns their text after each file has passed them."""
    rules = tmp_path / "inferred.yaml"
    done = stream_qc("infer", *map(str, files))
    assert (done.returncode, done.stderr) == (0, "")
    rules.write_text(done.stdout)
    for file in files:
        checked = stream_qc("check", str(file), "--rules", str(rules))
        assert checked.returncode == 0, checked.stdout
    return done.stdout


@pytest.mark.parametrize(
    "content",
    [
        "count\n1\n-999\n2\n",  # the name of a column that polars adds
        "v\n" + "".join(f"{1e-10 + row * 1e-12:.3e}\n" for row in range(30)),  # very small numbers
        "v\n" + "".join(f"{-5e-320 * row}\n" for row in range(40)),
        "time,v\n"
        + "".join(f"2024-01-01T00:{row // 2:02}:00Z,{row * 7919 % 101}\n" for row in range(118)),  # times repeat
    ],
)
def test_odd_numbers_pass_their_own_rules(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    passes(tmp_path, path)


def test_changes_between_blocks_are_seen() -> None:
    spread, whole = Spread(), Spread()
    values = pl.Series(wave(60))
    rows = pl.DataFrame({"v": values, "s": ["a", "b"] * 30}).with_columns(
        t=pl.datetime(2020, 1, 1) + pl.duration(hours=pl.int_range(60))
    )
    rows = rows.with_columns(v=pl.when(pl.int_range(60).is_between(20, 45)).then(3.0).otherwise("v")).select(
        "v", "t", "s"
    )
    whole.add(rows)
    for start in range(0, 60, 7):
        spread.add(rows.slice(start, 7))
    for one in ("steps", "still", "smallest", "longest_still"):
        assert getattr(spread, one) == getattr(whole, one)
    for one in ("spikes", "rates", "seconds", "values"):
        assert (getattr(spread, one).count, getattr(spread, one).most) == (
            getattr(whole, one).count,
            getattr(whole, one).most,
        )
    assert whole.longest_still == 24 * 3600  # every second row is of the other series


def test_test_that_a_file_cannot_answer_is_left_out(tmp_path: Path) -> None:
    long, short = tmp_path / "long.csv", tmp_path / "short.csv"
    long.write_text(hours(wave(200)))
    short.write_text("time,temp\n2020-03-01T00:00:00Z,\n")
    text = passes(tmp_path, long, short)
    assert "# check: gross_range_test of temp is left out, because not every file passes it" in text
    assert "streams:" not in text


@pytest.mark.parametrize("values", [[dt.timedelta(1), dt.timedelta(2)], [[1], [2]], [b"a", b"b"]], ids=["durations", "lists", "bytes"])  # fmt: skip
def test_parquet_column_of_another_type_is_any(values: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"t": values}).write_parquet(path)
    assert "{name: t, type: any" in passes(tmp_path, path)


def test_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(hours([row + row * 7 % 5 / 3 for row in range(100)]))
    other.write_text(hours([row + row * 7 % 5 / 3 for row in range(100, 200)], start="2020-01-05T04:00"))
    assert passes(tmp_path, one, other) == passes(tmp_path, other, one)


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("wind", True), ("wind_speed", True), ("precipitation_mm", True), ("pm2_5", True), ("price", True), ("water depth", True),
        ("wind_chill", False), ("country", False), ("account_balance", False), ("train", False), ("net_flow", False),
    ],
)  # fmt: skip
def test_amounts_are_known_by_whole_words(name: str, amount: bool) -> None:
    assert bool(AMOUNT.fullmatch(name)) == amount


@pytest.mark.parametrize(
    ("minutes", "rows", "files", "arrival"),
    [
        (60, 24, 1, "the file covers 1 d; if one comes every 1 d, add: arrival: {every: 1 d, grace: 4 h}"),
        (10, 6, 2, "each file covers 1 h; if one comes every 1 h, add: arrival: {every: 1 h, grace: 10 min}"),
        (60, 168, 1, "the file covers 7 d; if one comes every 7 d, add: arrival: {every: 7 d, grace: 1 d}"),
        (60, 30, 1, ""),
        (60, 1, 1, ""),
    ],
)
def test_arrival_is_proposed_where_files_cover_a_usual_time(
    minutes: int, rows: int, files: int, arrival: str, tmp_path: Path
) -> None:
    start = dt.datetime(2026, 1, 1)
    paths = [tmp_path / f"{file}.csv" for file in range(files)]
    for file, path in enumerate(paths):
        first = start + dt.timedelta(days=file)
        times = [first + dt.timedelta(minutes=minutes * row) for row in range(rows)]
        path.write_text("time,v\n" + "".join(f"{time.isoformat()},{row}\n" for row, time in enumerate(times)))
    text = stream_qc("infer", *map(str, paths)).stdout
    assert (f"# check: {arrival}" in text) if arrival else ("arrival" not in text)
    if arrival:
        load(text + arrival.partition("add: ")[2])
