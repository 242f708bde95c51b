"""`make audit` lists known vulnerabilities in the locked packages. `make licences` writes docs/licences.md.

Runs the tools in .local/audit (requirements/audit.txt). If the vulnerability service cannot be reached, the audit prints
NOT AUDITED and passes: a build without a network says nothing about the packages.
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
    """Returns the exit status: 1 if a package has a known vulnerability."""
    if what == "licences":
        LICENCES.write_text(licences())
        print(f"wrote {LICENCES.relative_to(ROOT)}")
        return 0
    known = 0
    for lock in LOCKS:
        report, count = vulnerabilities(f"requirements/{lock}.txt")
        print(report)
        known += count
    return 1 if known else 0


def vulnerabilities(lock: str) -> tuple[str, int]:
    """Returns a report on a lock file, and the number of known vulnerabilities in it."""
    command = ["--format", "json", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "-r", lock]
    done = subprocess.run([TOOLS / "pip-audit", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return f"{lock}: NOT AUDITED, pip-audit failed: {reason[:200]}", 0
    skipped = [one for one in packages if "skip_reason" in one]
    found = [f"  {one['name']} {one['version']}: {bad['id']}" for one in packages for bad in one.get("vulns", ())]
    if found:
        return "\n".join([f"{lock}: {len(found)} known vulnerabilities", *found]), len(found)
    if skipped:
        return f"{lock}: NOT AUDITED, pip-audit skipped {len(skipped)} of {len(packages)} packages", 0
    return f"{lock}: no known vulnerabilities in {len(packages)} packages", 0


def locked(lock: str) -> dict[str, str]:
    """Returns the version of every package in a lock file, by name."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M))


def licences() -> str:
    """Returns the page on the packages that run in AWS, from what is installed in .venv."""
    packages = locked("functions")
    command = [f"{TOOLS}/pip-licenses", "--python", f"{ROOT}/.venv/bin/python", "--format", "json", "--with-urls"]
    done = subprocess.run([*command, "--packages", *packages], capture_output=True, text=True, check=True)
    packages_found = json.loads(done.stdout)
    rows = [f"| {one['Name']} | {one['Version']} | {one['License']} | {one['URL']} |" for one in packages_found]
    head = [
        "# Licences of the packages that run in AWS",
        "",
        "Written by `make licences` from requirements/functions.txt.",
        "",
        "| package | version | licence | home |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *sorted(rows, key=str.lower)]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "vulnerabilities"))
