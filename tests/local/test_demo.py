"""`make demo` shows sample files that exist."""

from __future__ import annotations

import pytest

from local.demo import SHOWN
from tests.samples import outcomes


@pytest.mark.parametrize("name", SHOWN)
def test_demo_shows_a_sample_file(name: str) -> None:
    assert f"streams/{name}" in {outcome.key for outcome in outcomes()}
