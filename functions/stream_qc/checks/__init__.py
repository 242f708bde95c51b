"""The checks. Each test that the rules' `streams` may ask for is a module here and a line in TESTS."""

from __future__ import annotations

from stream_qc.checks.attenuated_signal import AttenuatedSignalTest
from stream_qc.checks.base import Check, Test
from stream_qc.checks.climatology import ClimatologyTest
from stream_qc.checks.density_inversion import DensityInversionTest
from stream_qc.checks.duplicate_timestamp import DuplicateTimestampTest
from stream_qc.checks.flat_line import FlatLineTest
from stream_qc.checks.gross_range import GrossRangeTest
from stream_qc.checks.location import LocationTest
from stream_qc.checks.location_bounds import LocationBoundsTest
from stream_qc.checks.percentile_range import PercentileRangeTest
from stream_qc.checks.pressure_increasing import PressureIncreasingTest
from stream_qc.checks.rate_of_change import RateOfChangeTest
from stream_qc.checks.speed import SpeedTest
from stream_qc.checks.spike import SpikeTest
from stream_qc.checks.syntax import SyntaxTest
from stream_qc.checks.time_gap import TimeGapTest
from stream_qc.checks.times import DataReceptionTest, ImpossibleDateTest
from stream_qc.checks.valid_range import ValidRangeTest

__all__ = ["AGGREGATE", "MODULES", "NOT_SUPPORTED", "TESTS", "Check", "Test"]

# The names are those of ioos_qc's stream configuration.
TESTS: dict[str, type[Test]] = {
    "attenuated_signal_test": AttenuatedSignalTest,
    "climatology_test": ClimatologyTest,
    "data_reception_test": DataReceptionTest,
    "density_inversion_test": DensityInversionTest,
    "duplicate_timestamp_test": DuplicateTimestampTest,
    "flat_line_test": FlatLineTest,
    "gross_range_test": GrossRangeTest,
    "impossible_date_test": ImpossibleDateTest,
    "location_bounds_test": LocationBoundsTest,
    "location_test": LocationTest,
    "percentile_range_test": PercentileRangeTest,
    "pressure_increasing_test": PressureIncreasingTest,
    "rate_of_change_test": RateOfChangeTest,
    "speed_test": SpeedTest,
    "spike_test": SpikeTest,
    "syntax_test": SyntaxTest,
    "time_gap_test": TimeGapTest,
    "valid_range_test": ValidRangeTest,
}
AGGREGATE = "aggregate"  # no test of its own: it asks for the worst flag of the others
MODULES = ("qartod", "argo", "axds")  # of ioos_qc

# Tests of ioos_qc that this engine lacks. Rules that ask for one are refused: an ignored test would count as passed.
NOT_SUPPORTED: dict[str, str] = {
    "location_on_land_test": "not supported, because it needs a map of all coasts; location_bounds_test takes a shape of yours",
}
