"""The payload examples in sample_data/events are what the state machine hands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.pipeline import SAMPLES, Pipeline
from tests.samples import event

Invoke = Callable[[str, dict[str, Any]], Any]


def test_each_example_is_what_its_function_takes_and_what_the_one_before_it_gives(
    pipeline: Pipeline, invoke: Invoke
) -> None:
    key = event("start_qc_rerun")["StreamID"]
    pipeline.checked(f"streams/sandbox/{key}.csv", (SAMPLES / f"streams/sandbox/{key}.csv").read_bytes())

    run = invoke("StartQC", event("start_qc_rerun"))
    assert same_but_for(run, event("qc_process"), "Bucket", "VersionId", "RulesVersionId")

    results = [invoke(f"QCProcess{number}", run) for number in (1, 2, 3)]
    assert results == event("end_qc")["Results"]

    ended = invoke("EndQC", {**run, "Results": results})
    assert same_but_for(ended, event("send_qc_summary"), "Bucket", "VersionId", "RulesVersionId", "EndTime")

    assert set(invoke("SendQCSummary", {**ended, "ExecutionArn": ended["ExecutionArn"] + "-example"})) == {"MessageId"}


def test_the_upload_example_is_taken_as_an_upload(invoke: Invoke) -> None:
    example = event("start_qc_upload")
    run = invoke("StartQC", {**example, "Key": "streams/sandbox/no-such.csv", "StreamID": "no-such"})
    assert (run["Status"], run["Error"]) == ("ERROR", "StreamNotFound")
    assert run["VersionId"] == example["VersionId"]


def test_the_execution_examples_start_executions(pipeline: Pipeline) -> None:
    rerun = pipeline.finished(pipeline.start(event("execution_rerun")))
    assert (rerun.status, rerun.output["Status"]) == ("SUCCEEDED", "FAIL")
    version = {**event("execution_rerun_of_a_version"), "VersionId": rerun.output["VersionId"]}
    assert pipeline.finished(pipeline.start(version)).output["VersionId"] == rerun.output["VersionId"]


def same_but_for(found: dict[str, Any], example: dict[str, Any], *names: str) -> bool:
    """Whether both have the same fields, and the same values apart from these fields."""
    assert set(found) == set(example)
    return {name: found[name] for name in found if name not in names} == {
        name: example[name] for name in example if name not in names
    }
