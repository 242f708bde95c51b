"""The `stream-qc` command: in this process, and as a program where its exit status and its pipes matter."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.checking import NUMBERS, schema_of
from tests.engine.running import stream_qc
from tests.samples import SAMPLES

DEFAULT = str(SAMPLES / "rules" / "default.yaml")
RANGE = str(SAMPLES / "streams" / "sandbox" / "out-of-range.csv")


PROGRAM = str(Path(sys.executable).with_name("stream-qc"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status"), [(("--help",), 0), (("check", RANGE, "--rules", DEFAULT), 1), (("check", "none.csv"), 2)]
)
def test_program_ends_with_exit_status_of_command(words: tuple[str, ...], status: int) -> None:
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert (done.stderr == "") == (status != 2)


def test_exit_status_of_check(tmp_path: Path) -> None:
    assert stream_qc("check", str(SAMPLES / "streams" / "sandbox" / "quarter.csv"), "--rules", DEFAULT).returncode == 0
    assert stream_qc("check", RANGE, "--rules", DEFAULT).returncode == 1
    for words, said in [
        (("check", str(tmp_path / "none.csv")), "none.csv: No such file or directory"),
        (("check", str(SAMPLES / "streams" / "sandbox" / "notes.md")), "unknown extension; expected one of: .csv"),
        (
            ("check", RANGE, "--rules", str(SAMPLES / "rules" / "sandbox" / "bad-rules.yaml")),
            "gross_range_test.fail_spam: unknown key; expected one of: fail_span",
        ),
        (("check", RANGE, "--process", "4"), "invalid choice"),
        (("check", "-"), "standard input has no file name; give its format, for example --format csv.gz"),
        (("check", "-", "--format", "xls"), "--format xls: unknown format; expected one of: .csv"),
        ((), "usage: stream-qc"),
    ]:
        done = stream_qc(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_check_prints_verdict_and_offending_rows() -> None:
    done = stream_qc("check", RANGE, "--rules", DEFAULT)
    assert done.stdout.startswith("FAIL  ")
    assert "row 15 (line 16), 2015-01-15: temp_max 71.3 is above 50" in " ".join(done.stdout.split())


def test_json_has_fields_of_contract() -> None:
    record = json.loads(stream_qc("check", RANGE, "--rules", DEFAULT, "--json").stdout)
    assert {name: record[name] for name in ("TotalPass", "Process1Pass", "Process2Pass", "Process3Pass", "Rows")} == {
        "TotalPass": 0, "Process1Pass": 1, "Process2Pass": 0, "Process3Pass": 1, "Rows": 90,
    }  # fmt: skip
    failing = {check["Check"] for check in record["Checks"] if not check["Pass"]}
    assert "2#temp_max#gross_range_test" in failing
    assert set(json.loads(stream_qc("check", RANGE, "--rules", DEFAULT, "--json", "--process", "3").stdout)) == {
        "Process3Pass", "Rows", "Checks",
    }  # fmt: skip


def test_flags_has_line_per_row(tmp_path: Path) -> None:
    path = tmp_path / "flags.csv"
    duplicates = str(SAMPLES / "streams" / "sandbox" / "duplicate-times.csv")
    assert stream_qc("check", duplicates, "--rules", DEFAULT, "--flags", str(path)).returncode == 1
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 93)]
    assert [row["row"] for row in rows if row["date.duplicate_time"] == "4"] == ["21", "47"]
    assert [row["row"] for row in rows if row["*.primaryKey"] == "4"] == ["21", "47"]
    assert {row["temp_max.gross_range_test"] for row in rows} == {"1"}
    with Path(duplicates).open(newline="") as file:
        written = [*csv.DictReader(file)]
    assert [(row["date"], row["temp_max"]) for row in rows] == [(row["date"], row["temp_max"]) for row in written]


def test_aggregate_is_the_worst_flag_of_the_tests(tmp_path: Path) -> None:
    file, rules, flags = tmp_path / "f.csv", tmp_path / "r.yaml", tmp_path / "flags.csv"
    file.write_text('v\n1\n2\n9\n50\n""\n')
    gross = {"fail_span": [0, 40], "suspect_span": [0, 8]}
    tests = {"gross_range_test": gross, "spike_test": {"fail_threshold": 100}, "aggregate": None}
    fields = [{"name": "v", "type": "number"}]
    rules.write_text(json.dumps({"schema": {"fields": fields}, "streams": {"v": {"qartod": tests}}}))
    assert stream_qc("check", str(file), "--rules", str(rules), "--flags", str(flags)).returncode == 1
    rows = [*csv.DictReader(flags.open(newline=""))]
    assert [row["v.spike_test"] for row in rows] == ["2", "1", "1", "2", "9"]
    assert [row["v.aggregate"] for row in rows] == ["1", "1", "3", "4", "9"]
    assert "v: aggregate" in stream_qc("rules", str(rules)).stdout


def test_flags_show_cells_as_they_are_written(tmp_path: Path) -> None:
    file, rules, flags = tmp_path / "f.csv", tmp_path / "r.yaml", tmp_path / "flags.csv"
    file.write_text('v,s\nNA,"a,b"\n-1.50,=1+1\nx,-\n1,2,3\n')
    fields = [{"name": "v", "type": "number"}, {"name": "s", "constraints": {"minLength": 1}}]
    rules.write_text(json.dumps({"schema": {"fields": fields, "missingValues": ["NA"]}}))
    assert stream_qc("check", str(file), "--rules", str(rules), "--flags", str(flags)).returncode == 1
    assert [*csv.reader(flags.open(newline=""))] == [
        ["row", "v", "s", "v.type", "s.minLength"],
        ["1", "NA", "a,b", "9", "1"],
        ["2", "-1.50", "'=1+1", "1", "1"],
        ["3", "x", "'-", "4", "1"],
        ["4", "", "", "9", "9"],
    ]


def test_verdict_is_told_whatever_becomes_of_report_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("a\n1\n")
    for option in ("--report", "--flags"):
        done = stream_qc("check", str(file), option, str(tmp_path / "no such folder" / "x"))
        assert "PASS" in done.stdout
        assert (done.returncode, "No such file" in done.stderr) == (2, True)
        assert (
            f"{option} {file} would overwrite the stream file"
            in stream_qc("check", str(file), option, str(file)).stderr
        )
    both = stream_qc("check", str(file), "--report", str(tmp_path / "x"), "--flags", str(tmp_path / "x"))
    assert "would overwrite the flags" in both.stderr


def test_flags_does_not_overwrite_inputs(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    assert "would overwrite the stream file" in stream_qc("check", str(path), "--flags", str(path)).stderr
    rules = tmp_path / "rules.yaml"
    rules.write_text("rows: {}")
    assert (
        "would overwrite the rules file"
        in stream_qc("check", str(path), "--rules", str(rules), "--flags", str(rules)).stderr
    )
    assert rules.read_text() == "rows: {}"
    assert path.read_text() == "a,b\n1,2\n"


def test_check_reads_standard_input() -> None:
    body = (SAMPLES / "streams" / "seattle" / "airport-2012.csv.gz").read_bytes()
    done = stream_qc("check", "-", "--format", "csv.gz", "--rules", DEFAULT, given=body)
    assert (done.returncode, done.stdout.split()[:3]) == (0, ["PASS", "-", "366"])


def test_rules_describes_rules_in_words() -> None:
    done = stream_qc("rules", DEFAULT)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "A file must have at least 1 row."
    assert "  weather: string; must have a value, one of drizzle, fog, rain, snow, sun" in lines
    assert "  date: time_gap_test (fail_span 24.0 h), in process 3" in lines
    assert stream_qc("rules", str(SAMPLES / "rules" / "sandbox" / "bad-rules.yaml")).returncode == 2


def test_rules_describes_dialect_and_time() -> None:
    lines = stream_qc("rules", str(SAMPLES / "rules/observatories/ndbc-46042.yaml")).stdout.splitlines()
    assert "It must have 9 fields:" in lines
    assert "  time: datetime, from YY, MM, DD, hh, mm" in lines
    assert "Cells are separated by blanks." in lines
    assert "Skipped lines: those starting with #." in lines


def test_pipe_is_read_twice_for_second_pass(tmp_path: Path) -> None:
    text = "time,v\n2020-01-01T00:00:05,1\n2020-01-01T00:00:00,2\n2020-01-01T00:00:05,3\n"  # a late row: a second pass
    rules = tmp_path / "r.yaml"
    rules.write_text(NUMBERS)
    command = [PROGRAM, "check", "/dev/stdin", "--format", "csv", "--json"]
    done = subprocess.run([*command, "--rules", str(rules)], input=text.encode(), capture_output=True, check=False)
    checks = {one["Check"]: one for one in json.loads(done.stdout)["Checks"]}
    assert checks["3#time#duplicate_time"]["Fail"] == 1


def test_flags_columns_with_equal_names_stay_separate(tmp_path: Path) -> None:
    file, rules, flags = tmp_path / "f.csv", tmp_path / "r.yaml", tmp_path / "flags.csv"
    file.write_text("=a,'=a\n1,2\n")
    rules.write_text(schema_of({"name": "=a", "type": "number"}, {"name": "'=a", "type": "number"}))
    assert stream_qc("check", str(file), "--rules", str(rules), "--flags", str(flags)).returncode == 0
    assert flags.read_text().splitlines()[0].count("=a.type") == 2


def test_missing_file_does_not_stop_the_others(tmp_path: Path) -> None:
    quarter = str(SAMPLES / "streams" / "sandbox" / "quarter.csv")
    done = stream_qc("check", "-q", quarter, str(tmp_path / "none.csv"), RANGE, "--rules", DEFAULT)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["PASS", "FAIL"]
    assert "none.csv: No such file or directory" in done.stderr
