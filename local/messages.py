"""Shows messages in the terminal."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "magenta", "REJECTED": "yellow"}

console = Console(highlight=False)


def show_message(message: dict[str, Any], *, signed: bool = True) -> None:
    """Prints a message as an email subscriber receives it. signed: with the signatures of links, which are long."""
    summary = message["Summary"]
    text = summary["Text"] if signed else re.sub(r"^(Report .*)\?.*", r"\1?…", summary["Text"], flags=re.MULTILINE)
    colour = COLOURS.get(summary["Status"], "yellow")
    console.print()
    console.rule(Text(f"Subject: {message['Subject']}", f"bold {colour}"), align="left", style=colour)
    console.print(Text(text), soft_wrap=True)
    console.rule(style=colour)
