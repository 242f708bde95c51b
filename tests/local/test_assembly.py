"""The cloud assembly is synthesised once for every state of its sources."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import assembly
from local.assembly import UNUSED_SECONDS, fingerprint, synthesize


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a folder with an app that writes a template and counts how often it has run."""
    root = tmp_path / "app"
    for folder in ("stacks", "functions/__pycache__", "requirements"):
        (root / folder).mkdir(parents=True)
    (root / "app.py").write_text(
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['CDK_OUTDIR'])\n"
        "folder.mkdir()\n"
        "(folder / 'template').write_text(pathlib.Path('stacks/stack.py').read_text())\n"
        "with open('../runs', 'a') as runs: runs.write('x')\n"
    )
    for file in ("cdk.json", "stacks/stack.py", "functions/handler.py", "requirements/functions.txt"):
        (root / file).write_text("first")
    return root


def runs(root: Path) -> int:
    return len((root.parent / "runs").read_text())


def test_assembly_is_reused_while_its_sources_stay(root: Path, tmp_path: Path) -> None:
    first, second = synthesize(tmp_path / "out", root), synthesize(tmp_path / "out", root)
    assert (first, runs(root)) == (second, 1)
    assert (first / "template").read_text() == "first"


def test_changed_source_gives_a_new_assembly_beside_the_old_one(root: Path, tmp_path: Path) -> None:
    first = synthesize(tmp_path / "out", root)
    (root / "stacks/stack.py").write_text("second")
    second = synthesize(tmp_path / "out", root)
    assert [(one / "template").read_text() for one in (first, second)] == ["first", "second"]


@pytest.mark.parametrize(
    "file", ["app.py", "cdk.json", "stacks/new.py", "functions/handler.py", "requirements/functions.txt"]
)
def test_fingerprint_covers_every_source(root: Path, file: str) -> None:
    before = fingerprint(root)
    (root / file).write_text("changed")
    assert fingerprint(root) != before


def test_fingerprint_covers_the_name_and_the_version_of_the_cdk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {fingerprint(root), fingerprint(root, "Second")}
    monkeypatch.setattr(assembly, "version", lambda _: "0")
    found.add(fingerprint(root))
    assert len(found) == 3


def test_fingerprint_ignores_caches(root: Path) -> None:
    before = fingerprint(root)
    (root / "functions/__pycache__/handler.pyc").write_text("compiled")
    (root / "functions/stream_qc.egg-info").mkdir()
    (root / "functions/stream_qc.egg-info/PKG-INFO").write_text("")
    assert fingerprint(root) == before


def test_concurrent_syntheses_give_one_assembly(root: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: synthesize(tmp_path / "out", root), range(4)))
    assert list((tmp_path / "out").iterdir()) == list(found)


def test_failed_synthesis_leaves_no_assembly(root: Path, tmp_path: Path) -> None:
    (root / "app.py").write_text("import os\nos.mkdir(os.environ['CDK_OUTDIR'])\nraise SystemExit('no such setting')\n")
    with pytest.raises(SystemExit, match="could not synthesise the template:\nno such setting"):
        synthesize(tmp_path / "out", root)
    assert list((tmp_path / "out").iterdir()) == []


def test_assembly_unused_for_an_hour_is_removed(root: Path, tmp_path: Path) -> None:
    old = synthesize(tmp_path / "out", root)
    before = old.stat().st_mtime - UNUSED_SECONDS - 1
    os.utime(old, (before, before))
    (root / "stacks/stack.py").write_text("second")
    new = synthesize(tmp_path / "out", root)
    assert list((tmp_path / "out").iterdir()) == [new]
