"""Files that a second reading found to be read wrongly; each stays found."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stream_qc.errors import InvalidRules
from stream_qc.reading.block import Block
from stream_qc.rules import load
from tests.engine.checking import NUMBERS, failing, results
from tests.engine.test_cli import stream_qc


def schema(*fields: dict[str, object], **more: object) -> str:
    return json.dumps({"schema": {"fields": list(fields), **more}})


@pytest.mark.parametrize(
    ("rules", "lines", "fails"),
    [
        (schema({"name": "n", "type": "number", "constraints": {"maximum": 5}}), ['{"n" : 1, "n":99}'], {"2#n#maximum"}),
        (schema({"name": "m", "type": "number"}, {"name": "n", "type": "number"}), ['{"m":1}', '{"m":1,"n":null}'], set()),
        (schema({"name": "a"}, {"name": "n", "type": "number"}), ['{"n":1}', '{"n":2,"a":1}'], set()),
        (
            schema({"name": "t", "type": "datetime"}, missingValues=["", "-999"]),
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


def test_share_equal_to_limit_passes() -> None:
    rules = json.dumps({"schema": {"fields": [{"name": "a", "type": "number"}]}, "limits": {"max_fail_share": 0.29}})
    assert not failing("a\n" + "x\n" * 29 + "1\n" * 71, rules)
    assert failing("a\n" + "x\n" * 30 + "1\n" * 70, rules) == {"1#a#type"}


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("v", [dt.timedelta(1), dt.timedelta(2)]),
        pl.Series("v", [2**62, 5]).cast(pl.Datetime("ms")),
        pl.Series("v", [[1], [2]]),
        pl.Series("v", ["a", "b"], dtype=pl.Categorical),
        pl.Series("v", [b"a", None]),
        pl.Series("v", [99999, 5]),
    ],
    ids=["duration", "time out of range", "list", "categorical", "binary", "integer"],
)
@pytest.mark.parametrize("kind", ["number", "any", "datetime", "string", "year"])
def test_parquet_column_of_any_type_gives_result(column: pl.Series, kind: str, tmp_path: Path) -> None:
    path, rules = tmp_path / "x.parquet", tmp_path / "r.yaml"
    column.to_frame().write_parquet(path)
    rules.write_text(schema({"name": "v", "type": kind, "constraints": {"required": True}}))
    assert stream_qc("check", str(path), "--rules", str(rules)).returncode in (0, 1)
    assert stream_qc("infer", str(path)).returncode in (0, 2)


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


def test_truncated_file_drops_provisional_flags() -> None:
    rules = (
        NUMBERS + "streams: {v: {qartod: {flat_line_test: {suspect_threshold: 3, fail_threshold: 7, tolerance: 99}}}}"
    )
    late = [f"2020-01-01T00:00:{second:02},1" for second in (0, 30, 10, 50, 20, 40)]
    content = "time,v\n" + "\n".join(late) + "\n"
    whole = results(content, rules)
    assert whole["3#time#time_order"].fail

    broken = gzip.compress(content.encode())[:-8]
    found = results(broken, rules, "x.csv.gz")
    assert not [one for one in found.values() if "no row has a time" in one.message]
    assert "3#time#duplicate_time" not in found


def test_stray_quote_in_header_is_reported_for_any_file_size() -> None:
    for rows in (1, 400_000):
        readable = results('a,b"c\n' + "1,2\n" * rows, schema())["1#*#readable"]
        assert readable.message.startswith("a stray quote in the header; quote the whole name")


def test_malformed_rows_are_joined_into_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:

    made = 0
    type_all = Block.type_all

    def counted(self: Block) -> None:
        nonlocal made
        made += 1
        type_all(self)

    monkeypatch.setattr(Block, "type_all", counted)
    found = results("a,b\n" + 'x"y,1\nx,1\n' * 4000, schema({"name": "a"}, {"name": "b", "type": "number"}))
    assert (found["1#*#well_formed"].fail, found["1#*#rows"].rows) == (4000, 8000)
    assert made < 10


def test_pipe_is_read_twice_for_second_pass(tmp_path: Path) -> None:
    text = "time,v\n2020-01-01T00:00:05,1\n2020-01-01T00:00:00,2\n2020-01-01T00:00:05,3\n"  # a late row: a second pass
    rules = tmp_path / "r.yaml"
    rules.write_text(NUMBERS)
    command = [str(Path(sys.executable).with_name("stream-qc")), "check", "/dev/stdin", "--format", "csv", "--json"]
    done = subprocess.run([*command, "--rules", str(rules)], input=text.encode(), capture_output=True, check=False)
    checks = {one["Check"]: one for one in json.loads(done.stdout)["Checks"]}
    assert checks["3#time#duplicate_time"]["Fail"] == 1


def test_flags_columns_with_equal_names_stay_separate(tmp_path: Path) -> None:
    file, rules, flags = tmp_path / "f.csv", tmp_path / "r.yaml", tmp_path / "flags.csv"
    file.write_text("=a,'=a\n1,2\n")
    rules.write_text(schema({"name": "=a", "type": "number"}, {"name": "'=a", "type": "number"}))
    assert stream_qc("check", str(file), "--rules", str(rules), "--flags", str(flags)).returncode == 0
    assert flags.read_text().splitlines()[0].count("=a.type") == 2


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


@pytest.mark.parametrize("header", ["a,a", "a,", "x" * 300 + ",b"])
def test_infer_refuses_header_that_rules_cannot_name(header: str, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(f"{header}\n1,x\n2,y\n")
    done = stream_qc("infer", str(file))
    assert done.returncode == 2
    assert "rules can only be inferred from a good file" in done.stderr


def test_negative_zero_is_shown_as_written() -> None:
    file = io.BytesIO(b'{"n":-0}\n{"n":0}\n')
    found = results(file.getvalue(), schema({"name": "n", "type": "number", "constraints": {"enum": [1]}}), "x.ndjson")
    assert [one.value for one in found["2#n#enum"].examples] == ["-0", "0"]
