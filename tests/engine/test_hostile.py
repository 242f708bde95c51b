"""Malicious files and rules: what they could do to terminals, spreadsheets and memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from stream_qc.reading import bytestream
from tests.engine.checking import NUMBERS, reports
from tests.engine.running import stream_qc

TERMINAL = "\x1b]0;owned\x07\x1b[2J"
MARKUP = "[red]PASS[/] [link=http://example.org]x[/link]"
TURNED = "\u202egnp.exe"


@pytest.mark.parametrize("evil", [TERMINAL, MARKUP, TURNED], ids=["terminal codes", "markup", "bidirectional mark"])
def test_terminal_output_escapes_values_and_names(evil: str, tmp_path: Path) -> None:
    file, rules = tmp_path / "x.csv", tmp_path / "r.yaml"
    file.write_text(f'time,"{evil}"\n2020-01-01T00:00:00,"{evil}"\n')
    field = {"name": evil, "type": "string", "constraints": {"enum": ["ok"]}}
    rules.write_text(json.dumps({"schema": {"fields": [field, {"name": "absent"}]}}))
    shown = stream_qc("check", str(file), "--rules", str(rules))
    assert shown.returncode == 1
    words = [shown.stdout, stream_qc("rules", str(rules)).stdout]
    field["type"] = evil
    rules.write_text(json.dumps({"schema": {"fields": [field]}}))
    words.append(stream_qc("rules", str(rules)).stderr)
    for text in words:
        assert text
        assert all(line.isprintable() for line in text.splitlines())
    if evil == MARKUP:
        assert "[red]PASS[/]" in shown.stdout


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_flags_header_escapes_spreadsheet_formulas(start: str, tmp_path: Path) -> None:
    name = f'{start}cmd|"/c calc"!A1'
    file, rules, flags = tmp_path / "x.ndjson", tmp_path / "r.yaml", tmp_path / "flags.csv"
    file.write_text(json.dumps({name: 1}) + "\n")
    rules.write_text(json.dumps({"schema": {"fields": [{"name": name, "type": "integer"}]}}))
    assert stream_qc("check", str(file), "--rules", str(rules), "--flags", str(flags)).returncode == 0
    assert list(csv.reader(flags.open(newline=""))) == [["row", f"'{name}", f"'{name}.type"], ["1", "1", "1"]]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("zst", zstd.compress)])
def test_decompression_bomb_is_stopped_at_limit(
    ending: str, compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bytestream, "HARMLESS_BYTES", 10_000_000)
    rows = b"time,v\n" + b"2020-01-01T00:00:00,1\n" * 4_000_000
    bomb = compress(rows)
    assert len(bomb) * bytestream.MOST_EXPANSION < len(rows)
    found = reports(bomb, NUMBERS, f"x.csv.{ending}")
    readable = found[1].results[0]
    kind = {"gz": "gzip", "zst": "zstd"}[ending]
    assert readable.message.startswith(
        f"the {kind} data unpacks to more than 300 times its size; reading was stopped (after row "
    )
    assert [report.passed for report in found.values()] == [False] * 3


def test_small_file_may_compress_well() -> None:
    rows = b"time,v\n" + b"2020-01-01T00:00:00,1\n" * 100_000
    assert reports(zstd.compress(rows), NUMBERS, "x.csv.zst")[1].rows == 100_000


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "([a-z]+)*=", "(a?){60}a{60}"], ids=str)
def test_pattern_runs_in_linear_time(pattern: str) -> None:
    """These patterns take a backtracking engine practically for ever (OWASP, ReDoS)."""
    rules = json.dumps({"schema": {"fields": [{"name": "v", "constraints": {"pattern": pattern}, "type": "string"}]}})
    text = io.StringIO()
    csv.writer(text).writerows([["v"], *[["a" * 100_000 + "!"]] * 5])
    result = {one.name: one for one in reports(text.getvalue(), rules)[2].results}["2#v#pattern"]
    assert result.fail == 5


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "((a{100}){100}){100}"])
def test_pattern_too_large_for_memory_is_refused(pattern: str, tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    field = {"name": "v", "type": "string", "constraints": {"pattern": pattern}}
    rules.write_text(json.dumps({"schema": {"fields": [field]}}))
    done = stream_qc("rules", str(rules))
    assert done.returncode == 2
    assert "schema.fields[0].constraints.pattern: " in done.stderr
    assert "cannot be used" in done.stderr


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!binary 'AAAA'", "!include /etc/passwd"],
)
def test_yaml_tag_runs_no_code(tag: str, tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text(f"time: {tag}\n")
    done = stream_qc("rules", str(rules))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
