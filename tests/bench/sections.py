"""Sections of docs/BENCHMARKS.md that other commands than `make bench` write, each between two comments."""

from __future__ import annotations

from local.aws import ROOT

PAGE = ROOT / "docs/BENCHMARKS.md"
FIRST = "<!-- python -m "


def put(command: str, text: str) -> None:
    """Puts what a command has measured into the page, in place of what it measured before, or at the end."""
    begin, end = f"<!-- {command} -->\n", f"<!-- end of {command} -->\n"
    head, _, rest = PAGE.read_text().partition(begin)
    PAGE.write_text(f"{head.rstrip()}\n\n{begin}\n{text}\n{end}{rest.partition(end)[2]}")


def kept() -> str:
    """Returns the sections, which `make bench` must keep when it writes the page again."""
    _, mark, sections = PAGE.read_text().partition(FIRST)
    return f"\n{mark}{sections}" if mark else ""
