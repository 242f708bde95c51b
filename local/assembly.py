"""Synthesises the CDK app for this machine, once for every state of what it is made from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from local.aws import ROOT, STACK, STATE

ASSEMBLIES = STATE / "assemblies"
SOURCES = ("app.py", "cdk.json", "requirements/functions.txt", "stacks", "functions")
UNUSED_SECONDS = 3600


def synthesize(
    assemblies: Path = ASSEMBLIES, root: Path = ROOT, name: str = STACK, settings: Mapping[str, str] | None = None
) -> Path:
    """Returns the folder of the cloud assembly of a stack. Synthesises it only if none was made from the same sources.

    settings: those of the stack that differ from the defaults. Several processes may do this at once: an assembly appears
    complete, and never changes. Exits with the CDK's message if the app cannot be synthesised.
    """
    assembly = assemblies / fingerprint(root, name, settings)
    try:
        os.utime(assembly)  # for _remove_unused
    except FileNotFoundError:
        _make(assembly, root, _context(name, settings))
    _remove_unused(assemblies)
    return assembly


def _make(assembly: Path, root: Path, context: dict[str, str]) -> None:
    assembly.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=assembly.parent) as folder:
        made = Path(folder, "assembly")
        _run_app(root, made, context)
        try:
            made.rename(assembly)
        except OSError:
            if not assembly.exists():
                raise  # otherwise another process has made the same assembly meanwhile


def _context(name: str, settings: Mapping[str, str] | None) -> dict[str, str]:
    at_once = {"partsAtOnce": "2", "rerunsAtOnce": "2"}  # as many as there are cores
    return {"target": "local", "name": name, "reportLinkHours": "12", **at_once, **(settings or {})}


def fingerprint(root: Path, name: str = STACK, settings: Mapping[str, str] | None = None) -> str:
    """Returns a hash of everything that an assembly is made from."""
    made_with = {"aws-cdk-lib": version("aws-cdk-lib"), "python": sys.version, "context": _context(name, settings)}
    files = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in _sources(root)}
    return hashlib.sha256(json.dumps([made_with, files]).encode()).hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    """Yields the files that the app reads, in order."""
    for source in SOURCES:
        for path in [root / source, *sorted((root / source).rglob("*"))]:
            if path.is_file() and not any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts):
                yield path


def _run_app(root: Path, folder: Path, context: dict[str, str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # where node is
    environment = {**os.environ, "PATH": path, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"local AWS: the CDK could not synthesise the template:\n{done.stderr.strip()}")


def _remove_unused(assemblies: Path) -> None:
    """Removes what nothing has used for an hour: older assemblies, and the leftovers of killed processes."""
    for path in assemblies.iterdir():
        try:
            unused = time.time() - path.stat().st_mtime > UNUSED_SECONDS
        except FileNotFoundError:  # another process has just renamed or removed it
            continue
        if unused and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
