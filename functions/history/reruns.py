"""The last reruns in bulk and what-ifs, and how far they are."""

from __future__ import annotations

from history.records import Rerun, Reruns
from pipeline.aws import stepfunctions
from pipeline.environment import environment
from pipeline.times import timestamp

MOST = 5


def reruns() -> Reruns:
    """Returns the last executions of the second state machine, the newest first; none where the stack does not have it."""
    machine = environment().rerun_machine
    if machine is None:
        return Reruns(Reruns=[])
    found = stepfunctions().list_executions(stateMachineArn=machine, maxResults=MOST)["executions"]
    return Reruns(Reruns=[_rerun(one["executionArn"]) for one in found])


def _rerun(execution_arn: str) -> Rerun:
    found = stepfunctions().describe_execution(executionArn=execution_arn)
    rerun = Rerun(
        ExecutionArn=execution_arn,
        Status=found["status"],
        StartDate=timestamp(found["startDate"]),
        StopDate=timestamp(found["stopDate"]) if "stopDate" in found else None,
        Error=found.get("error"),
        Cause=found.get("cause"),
        Selection=found["input"],
    )
    maps = stepfunctions().list_map_runs(executionArn=execution_arn)["mapRuns"]
    if maps:
        counts = stepfunctions().describe_map_run(mapRunArn=maps[0]["mapRunArn"])["itemCounts"]
        rerun.Files, rerun.Running = counts["total"], counts["running"]
        rerun.Done = counts["total"] - counts["pending"] - counts["running"]
        rerun.Failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
    return rerun
