"""The reports hold a copy of uPlot, because the wheel and the functions have no npm packages."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("packed", "copy"), [("uPlot.iife.min.js", "uplot.min.js"), ("uPlot.min.css", "uplot.min.css")]
)
def test_copy_of_uplot_is_the_locked_package(packed: str, copy: str) -> None:
    locked = ROOT / "node_modules/uplot/dist" / packed
    assert (ROOT / "functions/stream_qc/reporting" / copy).read_bytes() == locked.read_bytes()
