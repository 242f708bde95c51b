"""The built wheel, installed as a stranger installs it: an editable install hides what a wheel lacks."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.samples import SAMPLES

ROOT = SAMPLES.parent
SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left in the source tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "pyproject.toml", "README.md", "LICENSE", "functions/stream_qc"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    for name in tracked:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_wheel_holds_every_module(wheel: Path) -> None:
    source = ROOT / "functions"
    modules = {str(path.relative_to(source)) for path in source.glob("stream_qc/**/*.py")}
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")} == modules


def test_installed_wheel_checks_a_sample(wheel: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "venv"
    venv.create(fresh, with_pip=False)
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(fresh / "bin" / "python"),
        "install",
        "-q",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    # What the wheel depends on is locked and installed already: lend it, without the editable install.
    ours = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    lent = [path for path in ours.iterdir() if "stream_qc" not in path.name]
    for path in lent:
        target = fresh / SITE_PACKAGES / path.name
        if not target.exists():
            target.symlink_to(path)
    sample = SAMPLES / "streams/sandbox/out-of-range.csv"
    command = [str(fresh / "bin/stream-qc"), "check", str(sample), "--rules", str(SAMPLES / "rules/default.yaml")]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("FAIL")
