"""`stream-qc infer`: rules inferred from a file, which the file passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("header", ["a,a", "a,", "x" * 300 + ",b"])
def test_infer_refuses_header_that_rules_cannot_name(header: str, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(f"{header}\n1,x\n2,y\n")
    done = stream_qc("infer", str(file))
    assert done.returncode == 2
    assert "rules can only be inferred from a good file" in done.stderr
