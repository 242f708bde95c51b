"""CONTRIBUTING.md's example of a new check, followed to the letter in a copy of the code."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import CONTRIBUTING, ROOT
from tests.samples import SAMPLES

TEST = "tests/engine/test_resolution.py"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the engine and what its tests import, with the files and the lines of the page."""
    folder = tmp_path_factory.mktemp("contributing")
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions" / "stream_qc", folder / "functions" / "stream_qc", ignore=caches)
    for name in ("pyproject.toml", "tests/__init__.py", "tests/engine/__init__.py", "tests/engine/checking.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for kind in ("python", "yaml"):
        for block in CONTRIBUTING.blocks(kind):
            (folder / block.file).write_text(block.text)
    (changed,) = CONTRIBUTING.blocks("diff")
    path = folder / changed.file
    path.write_text(with_added_lines(path.read_text(), changed.text))
    return folder


def with_added_lines(text: str, diff: str) -> str:
    """Returns the text with each line marked `+` after the line above it in the diff, which must be there once."""
    lines, above = text.splitlines(), ""
    for line in diff.splitlines():
        if line.startswith("+"):
            assert lines.count(above) == 1, above
            lines.insert(lines.index(above) + 1, line[1:])
        above = line[1:]
    return "\n".join(lines) + "\n"


@pytest.mark.slow
def test_tests_of_the_example_pass(copy: Path) -> None:
    assert f".venv/bin/python -m pytest {TEST}" in CONTRIBUTING.code
    done = in_copy(copy, "-m", "pytest", "-p", "no:cacheprovider", "-q", TEST)
    assert done.returncode == 0, done.stdout


def test_lint_accepts_the_example(copy: Path) -> None:
    for command in (["check", "--no-cache", "."], ["format", "--no-cache", "--check", "."]):
        done = in_copy(copy, "-m", "ruff", *command)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_commands_of_the_example_run(copy: Path) -> None:
    (block,) = [block for block in CONTRIBUTING.blocks("sh") if "stream-qc" in block.text]
    ended = []
    for line in block.lines:
        _, *words = shlex.split(line.replace("sample_data/", f"{SAMPLES}/"))
        done = in_copy(copy, "-c", "from stream_qc.cli import main; main()", *words)
        ended.append((done.returncode, done.stderr))
    assert ended == [(0, ""), (1, "")]


def in_copy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'functions'}{os.pathsep}{folder}"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
