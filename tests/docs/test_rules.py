"""The pages' rules are rules, and docs/rules.md describes every key, constraint, test and parameter."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stream_qc import arguments, cli
from stream_qc.checks import NOT_SUPPORTED, TESTS
from stream_qc.checks.seasons import PERIODS, Season
from stream_qc.rules import BUILT_IN, load
from stream_qc.rules.loading import CHECKS
from stream_qc.rules.model import Document, Limits, RowLimits, TableSchema
from stream_qc.schema import Constraints
from tests.docs.pages import PAGES, RULES, Block
from tests.samples import SAMPLES


@pytest.mark.parametrize("block", [block for page in PAGES for block in page.blocks("yaml") if not block.file])
def test_rules_in_pages_can_be_loaded(block: Block) -> None:
    assert load(block.text) != BUILT_IN


def test_stream_qc_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # main sets it
    (block,) = [block for block in RULES.blocks("sh") if "stream-qc infer" in block.text]
    ended = []
    for line in block.lines:
        _, *words = shlex.split(line.replace("sample_data/", f"{SAMPLES}/"), comments=True)
        words, target = (words[:-2], words[-1]) if ">" in words else (words, "output")
        monkeypatch.setattr(sys, "argv", ["stream-qc", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output, errors = capsys.readouterr()
        Path(target).write_text(output)
        ended.append((end.value.code, errors))
    assert ended == [(0, ""), (0, ""), (1, ""), (1, ""), (1, ""), (1, ""), (0, "")]
    assert "<title>FAIL: gap.csv</title>" in Path("page.html").read_text()
    assert Path("flags.csv").read_text().startswith("row,")


def test_only_tested_blocks_hold_stream_qc_commands() -> None:
    pages = [str(page) for page in PAGES if any("stream-qc" in block.text for block in page.blocks("sh"))]
    assert pages == ["CONTRIBUTING.md", "docs/rules.md"]


def test_options_of_check_are_described(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments.parser().parse_args(["check", "--help"])
    options = set(re.findall(r"^  (?:-\w, )?(--\w+)", capsys.readouterr().out, re.MULTILINE))
    assert options - {"--help"} == set(
        re.findall(r"^\| `(--\w+)", RULES.section("The stream-qc command"), re.MULTILINE)
    )


def test_keys_of_a_rules_file_are_described() -> None:
    section = RULES.section("The keys of a rules file")
    described = set(re.findall(r"`(\w+)`", section))
    assert {name for name in names_of(Document) if name not in described} == set()
    inner = {*names_of(TableSchema), *names_of(RowLimits), *names_of(Limits)}
    assert inner - described == set()


def test_constraints_and_checks_are_described() -> None:
    sections = RULES.section("Constraints") + RULES.section("Checks of the whole file")
    described = set(re.findall(r"`(\w+)`", sections))
    assert {*names_of(Constraints), *(set(CHECKS) - set(TESTS))} - described == set()


@pytest.mark.parametrize("name", TESTS)
def test_section_of_a_test_has_its_process_and_parameters(name: str) -> None:
    section, test = RULES.section(name), TESTS[name]
    assert f"Process {test.process}" in section
    for axis in test.needs_axes:
        assert f"`{axis}`" in section
    for parameter in msgspec.structs.fields(test):
        assert described_default(section, parameter.encode_name) == default_of(parameter)


def test_seasons_are_described() -> None:
    section = RULES.section("climatology_test")
    for parameter in msgspec.structs.fields(Season):
        assert described_default(section, parameter.encode_name) == default_of(parameter)
    assert set(PERIODS) <= set(re.findall(r"`(\w+)`", section))


def test_unsupported_tests_are_named() -> None:
    assert set(NOT_SUPPORTED) <= set(re.findall(r"`(\w+)`", RULES.section("Differences from ioos_qc")))


def names_of(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def described_default(section: str, parameter: str) -> str:
    """Returns the default in the brackets after a parameter, `required` if there is none."""
    other = r"(?:`\w+` \([^)]*\) or )?"
    found = re.search(rf"^ *- {other}`{parameter}`(?: \((.*?)\))?", section, re.MULTILINE)
    assert found, f"{parameter} is not described"
    default = re.search(r"default (`?)([\w.]+)\1", found[1] or "")
    return default[2] if default else "required"


def default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.name == "from_time":
        return "now"
    return "none" if parameter.default is None else str(parameter.default)
