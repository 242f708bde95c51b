import os

import pytest
from hypothesis import HealthCheck, settings

from tests.amount import FUZZ, ONE_THREAD, QUICK, part

# Powertools reads these when the functions are imported.
os.environ |= {"POWERTOOLS_SERVICE_NAME": "Test", "POWERTOOLS_METRICS_NAMESPACE": "StreamQC"}

# For the small tables of most tests, threads cost more than they give. polars reads this when it is imported.
os.environ.setdefault(ONE_THREAD, "1")

# The machine is shared: how long an example takes says nothing of the code.
settings.register_profile(
    "stream-qc", deadline=None, max_examples=part(500), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stream-qc")


@pytest.fixture(scope="session")
def fuzz_inputs() -> int:
    """How many inputs a fuzzer tries: few in the suite, FUZZ=5000 for more (`make fuzz`)."""
    return FUZZ or (6 if QUICK else 15)
