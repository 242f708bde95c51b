"""Records become items and payloads, and come back unchanged."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Change, Failure, ProcessResult, Run, Status
from tests.samples import event

text = st.text(max_size=5)
passed = st.just(value=False)
failures = st.builds(Failure, text, text)
results = st.builds(
    ProcessResult, st.integers(1, 3), passed, st.none() | st.integers(0), st.none() | text, failure=failures
) | st.builds(
    ProcessResult,
    st.integers(1, 3),
    st.booleans(),
    st.none() | st.integers(0),
    st.none() | text,
    st.none() | text,
    st.none() | st.integers(0),
)
runs = st.builds(
    Run,
    qcpid=text,
    execution_arn=text,
    status=st.sampled_from(Status),
    group_id=st.none() | text,
    stream_id=st.none() | text,
    start_time=st.none() | text,
    bucket=st.none() | text,
    key=st.none() | text,
    version_id=st.none() | text,
    size=st.none() | st.integers(0),
    rules_key=st.none() | text,
    rules_version_id=st.none() | text,
    flags=st.dictionaries(st.integers(1, 3), st.booleans()),
    total_pass=st.none() | st.booleans(),
    rows=st.none() | st.integers(0),
    end_time=st.none() | text,
    upload_time=st.none() | text,
    previous_status=st.none() | text,
    previous_since=st.none() | text,
    change=st.none() | st.sampled_from(Change),
    failing_since=st.none() | text,
    failing_runs=st.none() | st.integers(0),
    notified=st.none() | st.booleans(),
    failure=st.none() | failures,
    results=st.lists(results, max_size=3).map(tuple),
    repeat_of=st.none() | text,
)


@given(runs)
def test_run_survives_a_payload(run: Run) -> None:
    assert Run.from_payload(json.loads(json.dumps(run.to_payload()))) == run


@given(runs)
def test_item_holds_neither_results_nor_none(run: Run) -> None:
    item = run.to_item()
    assert None not in item.values()
    assert not {"Results", "RepeatOf"} & set(item)
    assert Run.from_item(item).to_item() == item


def test_examples_of_payloads_are_what_the_records_write() -> None:
    for name in ("qc_process", "end_qc", "send_qc_summary"):
        assert Run.from_payload(event(name)).to_payload() == event(name)


def test_result_with_an_error_is_not_a_pass() -> None:
    assert ProcessResult.from_payload({"Process": 1, "Pass": 1, "Error": "E"}) == ProcessResult(
        1, failure=Failure("E", "")
    )
    assert ProcessResult.from_payload({"Process": "1", "Pass": 1}).process == 0
