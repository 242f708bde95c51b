"""The README's examples are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stream_qc import checks
from stream_qc.checks.base import RowCheck, Test, fail_where
from stream_qc.rules import load
from stream_qc.schema import Axes
from tests.engine.checking import results
from tests.samples import SAMPLES

README = (SAMPLES.parent / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_rules_are_rules() -> None:
    (rules,) = code_blocks("yaml")
    assert load(rules).schema.axes.time == "time"


def test_the_stream_qc_commands_run_one_after_the_other(tmp_path: Path) -> None:
    (block,) = [block for block in code_blocks("sh") if "stream-qc infer" in block]
    script = block.replace("sample_data/", f"{SAMPLES}/").replace(
        ".venv/bin/stream-qc", str(Path(sys.executable).with_name("stream-qc"))
    )
    statuses = []
    for line in script.strip().splitlines():
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        statuses.append((done.returncode, done.stderr))
    assert statuses == [(0, ""), (0, ""), (1, ""), (1, "")]
    assert (tmp_path / "flags.csv").read_text().startswith("row,")


@pytest.mark.parametrize(
    "path",
    sorted(set(re.findall(r"(?<![\w./-])((?:functions|stacks|docs|sample_data|local|tests)/[\w./-]+\.\w+)", README))),
)
def test_every_path_that_is_named_is_there(path: str) -> None:
    assert (SAMPLES.parent / path).exists()


def test_every_make_command_that_is_named_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (SAMPLES.parent / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_the_example_of_a_test_works(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = code_blocks("python")
    names: dict[str, Any] = {
        "Test": Test, "ClassVar": ClassVar, "Axes": Axes,
        "RowCheck": RowCheck, "fail_where": fail_where, "__name__": __name__,
    }  # fmt: skip
    exec(example, names)  # noqa: S102  # our own README
    monkeypatch.setitem(checks.TESTS, "even_test", names["EvenTest"])
    rules = "schema: {fields: [{name: v, type: integer}]}\nstreams: {v: {qartod: {even_test: }}}"
    found = results("v,w\n2,\n3,\n", rules)["2#v#even_test"]
    assert [(one.row, one.reason) for one in found.examples] == [(2, "v 3 is odd (even_test)")]
