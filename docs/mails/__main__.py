"""Draws the mails."""

from __future__ import annotations

from docs.mails import MAILS, TEXTS, drawn

for name in MAILS:
    (TEXTS / f"{name}.svg").write_text(drawn((TEXTS / f"{name}.txt").read_text()))
