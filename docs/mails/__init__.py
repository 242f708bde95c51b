"""The pictures of the mails: `python -m docs.mails` draws docs/mails/*.svg from the texts beside them.

The texts are what the functions write: a test compares them.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

TEXTS = Path(__file__).parent
MAILS = ("pass", "fail", "digest", "overdue", "invalid_rules")
COLUMNS = 110  # where a mail program would wrap a line
SIZE, STEP, MARGIN = 13, 18, 20
ADVANCE = 0.602  # of a monospaced font's size


def drawn(text: str) -> str:
    """Returns the picture of a mail: its subject as a bar, and its lines as a mail program shows them."""
    subject, _, *body = text.rstrip("\n").split("\n")
    lines = [part for line in body for part in _wrapped(line)]
    width = COLUMNS * SIZE * ADVANCE + 2 * MARGIN
    height = (len(lines) + 3) * STEP + 2 * MARGIN
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + (index + 3) * STEP}">{escape(line)}</text>'
        for index, line in enumerate(lines)
        if line
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'font-family="monospace" font-size="{SIZE}" xml:space="preserve">',
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#ffffff" stroke="#d0d4dc"/>',
        f'<rect width="{width:.0f}" height="{MARGIN + STEP + 6}" rx="8" fill="#eef1f6"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 10}" font-weight="bold">{escape(subject)}</text>',
        *texts,
        "</svg>",
        "",
    ])  # fmt: skip


def _wrapped(line: str) -> list[str]:
    """Returns the line in parts that are no longer than a row, broken at blanks where there are some."""
    parts = []
    while len(line) > COLUMNS:
        at = line.rfind(" ", 1, COLUMNS) if line.rfind(" ", 1, COLUMNS) > 0 else COLUMNS
        parts.append(line[:at])
        line = line[at:].lstrip()
    return [*parts, line]
