"""Tells fields of measurements from others by their names."""

from __future__ import annotations

import re

# Numbers that are no measurements: they get no range.
NO_MEASUREMENT = re.compile(
    r"^((.*[_ .-])?(id|uuid|no|nr|number|code|cd)|record|qn_\d+|year|month|day|hour|minute|min|second|sec|yy+|mm|dd|hh|ss"
    r"|lat|lon|long|latitude|longitude|epoch|.*timestamp)$",
    re.IGNORECASE,
)
