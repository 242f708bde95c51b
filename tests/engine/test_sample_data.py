"""The engine on the sample files. tests/pipeline runs them through the whole pipeline."""

from __future__ import annotations

import pytest

from stream_qc.formats import format_of
from stream_qc.rules import load
from tests.engine.checking import reports
from tests.samples import SAMPLES, Outcome, outcomes

CHECKED = [one for one in outcomes() if one.status in ("PASS", "FAIL")]


def rules_for(key: str) -> bytes:
    _, group, name = key.split("/")
    stream = name.split(".")[0]
    paths = [SAMPLES / "rules" / group / f"{stream}.yaml", SAMPLES / "rules" / f"{group}.yaml"]
    return next((path for path in paths if path.exists()), SAMPLES / "rules" / "default.yaml").read_bytes()


@pytest.mark.parametrize("outcome", CHECKED, ids=str)
@pytest.mark.parametrize("block_bytes", [4 << 20, pytest.param(700, marks=pytest.mark.slow)])
def test_sample_file_has_expected_outcome(outcome: Outcome, block_bytes: int) -> None:
    assert format_of(outcome.key) is not None
    found = reports(outcome.body, load(rules_for(outcome.key)), outcome.key, block_bytes)
    assert tuple(int(found[number].passed) for number in (1, 2, 3)) == outcome.flags
    failed = {result.name for report in found.values() for result in report.results if not result.passed}
    assert failed == outcome.failing_checks
