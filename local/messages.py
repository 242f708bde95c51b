"""Shows messages in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "magenta", "REJECTED": "yellow"}

console = Console(highlight=False)


def show_message(message: dict[str, Any]) -> None:
    """Prints a message as an email subscriber receives it."""
    summary = message["Summary"]
    colour = COLOURS.get(summary["Status"], "yellow")
    console.print()
    console.rule(Text(f"Subject: {message['Subject']}", f"bold {colour}"), align="left", style=colour)
    console.print(Text(summary["Text"]), soft_wrap=True)
    console.rule(style=colour)
