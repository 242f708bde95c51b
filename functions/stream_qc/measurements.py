"""Tells fields of measurements from others by their names."""

from __future__ import annotations

import re

# Numbers that are no measurements: they get no range.
NO_MEASUREMENT = re.compile(
    r"^((.*[_ .-])?(id|uuid|no|nr|num|number|code|cd|lat|lon|lng|long|latitude|longitude)|record|qn_\d+|year|month|day|hour"
    r"|minute|min|second|sec|yy+|mm|dd|hh|ss|epoch|.*timestamp)$",
    re.IGNORECASE,
)
