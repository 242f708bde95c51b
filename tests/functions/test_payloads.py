"""The examples in sample_data/events are what the state machine passes on."""

from __future__ import annotations

from typing import Any

import step_1_start_qc
import step_2_qc_process
import step_3_end_qc
import step_4_send_qc_summary
from tests.functions.cloud import Cloud, invoke
from tests.samples import SAMPLES, event

CHANGING = ("Bucket", "UploadTime", "VersionId", "RulesVersionId", "EndTime")


def test_each_example_is_the_output_of_the_one_before_it(cloud: Cloud) -> None:
    cloud.upload("rules/default.yaml", (SAMPLES / "rules/default.yaml").read_bytes())
    cloud.upload("streams/sandbox/gap.csv", (SAMPLES / "streams/sandbox/gap.csv").read_bytes())
    run = invoke(step_1_start_qc.handler, event("start_qc_rerun"))
    assert alike(run, event("qc_process"))
    processes = (step_2_qc_process.structure, step_2_qc_process.values, step_2_qc_process.continuity)
    results = [invoke(process, run) for process in processes]
    assert results == event("end_qc")["Results"]
    ended = invoke(step_3_end_qc.handler, {**run, "Results": results})
    assert alike(ended, event("send_qc_summary"))
    assert set(invoke(step_4_send_qc_summary.handler, ended)) == {"MessageId"}


def test_inputs_of_start_qc_are_the_inputs_of_executions(cloud: Cloud) -> None:
    assert event("start_qc_upload")["Input"] == event("execution_upload")
    assert event("start_qc_rerun")["Input"] == event("execution_rerun")
    cloud.upload("streams/sandbox/gap.csv")
    asked = {**event("start_qc_rerun"), "Input": event("execution_rerun_of_a_version")}
    assert invoke(step_1_start_qc.handler, asked)["VersionId"] == event("execution_rerun_of_a_version")["VersionId"]
    run = invoke(step_1_start_qc.handler, event("start_qc_upload"))
    assert (run["Status"], run["Error"], run["GroupID"], run["StreamID"]) == (
        "ERROR",
        "StreamNotFound",
        "sandbox",
        "gap",
    )


def alike(found: dict[str, Any], example: dict[str, Any]) -> bool:
    """Returns whether both have the same fields, with the same values but for those that change with every run."""
    assert set(found) == set(example)
    return all(found[name] == example[name] for name in found if name not in CHANGING)
