"""The checks. Each test that the rules' `streams` may ask for is a module here and a line in TESTS."""

from __future__ import annotations

from stream_qc.checks.attenuated_signal import AttenuatedSignalTest
from stream_qc.checks.base import Check, Test
from stream_qc.checks.climatology import ClimatologyTest
from stream_qc.checks.flat_line import FlatLineTest
from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.location import LocationTest
from stream_qc.checks.rate_of_change import RateOfChangeTest
from stream_qc.checks.spike import SpikeTest
from stream_qc.checks.syntax import SyntaxTest
from stream_qc.checks.time_gap import TimeGapTest
from stream_qc.checks.times import DataReceptionTest, ImpossibleDateTest

__all__ = ["NOT_SUPPORTED", "TESTS", "Check", "Test"]

# The names are those of ioos_qc's stream configuration.
TESTS: dict[str, type[Test]] = {
    "attenuated_signal_test": AttenuatedSignalTest,
    "climatology_test": ClimatologyTest,
    "data_reception_test": DataReceptionTest,
    "flat_line_test": FlatLineTest,
    "gross_range_test": GrossRangeTest,
    "impossible_date_test": ImpossibleDateTest,
    "location_test": LocationTest,
    "rate_of_change_test": RateOfChangeTest,
    "spike_test": SpikeTest,
    "syntax_test": SyntaxTest,
    "time_gap_test": TimeGapTest,
}

# Tests of ioos_qc that this engine lacks. Rules that ask for one are refused: an ignored test would count as passed.
NOT_SUPPORTED: dict[str, str] = {
    name: f"the test {name} of ioos_qc is not supported"
    for name in (
        "aggregate",
        "density_inversion_test",
        "location_bounds_test",
        "location_on_land_test",
        "percentile_range_test",
    )
}
