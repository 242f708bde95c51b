"""docs/operations.md lists the settings with their defaults, and the limits that the code has."""

from __future__ import annotations

import json
import re

from pipeline import keys
from stream_qc.rules import text
from tests.docs.pages import OPERATIONS, ROOT


def test_settings_are_described_with_their_defaults() -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    defaults = {name: value for name, value in context.items() if not name.startswith("@")}
    described = re.findall(r"^\| `(\w+)` \| `?(\w+)`? \|", OPERATIONS.section("Settings"), re.MULTILINE)
    assert dict(described) == {name: _written(value) for name, value in defaults.items()}


def _written(value: object) -> str:
    return "none" if value == [] else value if isinstance(value, str) else json.dumps(value)


def test_limits_are_those_of_the_code() -> None:
    section = OPERATIONS.section("Limits")
    assert f"| {keys.LONGEST_ID} printable" in section
    assert f"| {keys.LONGEST_KEY:,} bytes" in section
    assert f"{text.MAX_BYTES:,} bytes, {text.MAX_VALUES:,} values" in section
