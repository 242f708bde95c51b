"""`make audit`: what is known against the locked packages. `make licences`: under which licences those are that run in AWS.

Runs the tools of .local/audit (requirements/audit.txt). Where the service that knows the vulnerabilities cannot be reached it
says so and passes, because a build without a network is no fault of the packages; it never says "none known" for that.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".local" / "audit" / "bin"
LOCKS = ("functions", "dev", "local")
LICENCES = ROOT / "docs" / "licences.md"


def main(what: str) -> int:
    """Exit status 1 where something is known against a package."""
    if what == "licences":
        LICENCES.write_text(licences())
        print(f"written: {LICENCES.relative_to(ROOT)}")
        return 0
    known = 0
    for lock in LOCKS:
        said, count = vulnerabilities(f"requirements/{lock}.txt")
        print(said)
        known += count
    return 1 if known else 0


def vulnerabilities(lock: str) -> tuple[str, int]:
    """What to say of a lock, and how many vulnerabilities are known in it."""
    command = ["--format", "json", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "-r", lock]
    done = subprocess.run([TOOLS / "pip-audit", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return f"{lock}: NOT AUDITED, pip-audit could not ask for vulnerabilities: {why[:200]}", 0
    skipped = [one for one in packages if "skip_reason" in one]
    found = [f"  {one['name']} {one['version']}: {bad['id']}" for one in packages for bad in one.get("vulns", ())]
    if found:
        return "\n".join([f"{lock}: {len(found)} known vulnerabilities", *found]), len(found)
    if skipped:
        return f"{lock}: NOT AUDITED, nothing is known here of {len(skipped)} of its {len(packages)} packages", 0
    return f"{lock}: no known vulnerabilities in {len(packages)} packages", 0


def locked(lock: str) -> dict[str, str]:
    """Name and version of every package of a lock."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M))


def licences() -> str:
    """The page of the packages that run in AWS, from what .venv has of them."""
    packages = locked("functions")
    command = [f"{TOOLS}/pip-licenses", "--python", f"{ROOT}/.venv/bin/python", "--format", "json", "--with-urls"]
    done = subprocess.run([*command, "--packages", *packages], capture_output=True, text=True, check=True)
    rows = [
        f"| {one['Name']} | {one['Version']} | {one['License']} | {one['URL']} |" for one in json.loads(done.stdout)
    ]
    head = [
        "# Licences of the packages that run in AWS",
        "",
        "Written by `make licences` from requirements/functions.txt. boto3 and botocore come with AWS's own Python.",
        "",
        "| package | version | licence | home |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *sorted(rows, key=str.lower)]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "vulnerabilities"))
