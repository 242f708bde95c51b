"""The checks. A test of the rules' `streams` is one module here and one line in TESTS."""

from __future__ import annotations

from stream_qc.checks.base import Check, Test
from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.time_gap import TimeGapTest

__all__ = ["NOT_SUPPORTED", "TESTS", "Check", "Test"]

# By the names that ioos_qc's stream configuration gives them.
TESTS: dict[str, type[Test]] = {
    "gross_range_test": GrossRangeTest,
    "time_gap_test": TimeGapTest,
}

# What ioos_qc has and this engine has not. A rules file that asks for one is refused: a test that is ignored would pass.
NOT_SUPPORTED: dict[str, str] = {
    name: f"{name} is a test of ioos_qc that is not supported yet"
    for name in (
        "aggregate",
        "attenuated_signal_test",
        "climatology_test",
        "data_reception_test",
        "density_inversion_test",
        "flat_line_test",
        "impossible_date_test",
        "location_test",
        "rate_of_change_test",
        "spike_test",
        "syntax_test",
    )
}
