"""Builds the layer with the functions' packages from the locked requirements, without Docker.

It has no .pyc files, which only a Python of the functions' own version could write: so every machine builds the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "functions.txt"
CACHE = ROOT / ".local" / "packages"
LAMBDA_PYTHON = "3.13"
# All three, newest first: with only one of them pip picks old versions, or none. Amazon Linux 2023 runs manylinux_2_28.
ARM64 = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
NEVER_IMPORTED = ("*.dist-info/RECORD", "**/__pycache__", "bin", "**/*.pyi", "**/tests")


def packages_layer_code(target: str) -> lambda_.Code:
    """Returns the layer for `aws` (arm64, Python 3.13) or `local` (this machine and its Python).

    It is built once for each state of the lock and kept in .local/packages. Raises RuntimeError, with what to do, if the
    packages cannot be fetched.
    """
    return lambda_.Code.from_asset(str(packages_zip(target)))


def packages_zip(target: str) -> Path:
    """Returns the path of the zip file with the packages under python/, built if it is not there."""
    version = LAMBDA_PYTHON if target == "aws" else f"{sys.version_info.major}.{sys.version_info.minor}"
    made_from = LOCK.read_bytes() + Path(__file__).read_bytes() + f"{target} {version}".encode()
    path = CACHE / f"{target}-{hashlib.sha256(made_from).hexdigest()[:16]}.zip"
    if not path.exists():
        print(f"packaging the functions' requirements for {target} (once for each lock)", file=sys.stderr)
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            python = Path(folder, "python")
            _install(target, version, python)
            # Renamed only when complete, so that an interrupted build leaves no partial file.
            _zip(Path(folder), Path(folder, "layer.zip"), python).rename(path)
    return path


def _install(target: str, version: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    command += ["--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--target", str(folder), "--requirement", str(LOCK)]
    if target == "aws":
        command += ["--implementation", "cp", "--python-version", version]
        command += [word for tag in ARM64 for word in ("--platform", tag)]
    done = _run(command)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise RuntimeError(
            f"The functions' packages could not be installed for {target}, Python {version}. pip said:\n{last}\n"
            "Is the package index reachable from here (pip config list shows which one is used)? Then run the command again."
        )
    for pattern in NEVER_IMPORTED:
        for found in list(folder.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink(missing_ok=True)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _zip(root: Path, path: Path, content: Path) -> Path:
    """Writes a zip file that has the same bytes for the same content, so that the asset's hash does not change."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(content.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(str(file.relative_to(root)), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = (0o755 if file.stat().st_mode & 0o100 else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
    return path
