"""CloseRun: an execution has failed, timed out or been stopped. Sees to it that its row says so and its message is sent.

In: EventBridge's "Step Functions Execution Status Change". Most executions that fail have told everything themselves; then
this does nothing. Where the message has not been claimed, the run ends as ERROR, and the message says so. Where there is no
row (the execution ended before StartQC could write one) it gets one.
Raises SummaryNotConfirmed as SendQCSummary does.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import keys, runs
from pipeline.errors import SummaryNotConfirmed
from pipeline.executions import WORDS, run_of, started
from pipeline.observe import Event, logger, step
from pipeline.publishing import publish
from stream_qc.vocabulary import PROCESSES

UNDECIDED = ("RUNNING", "PASS", "FAIL")  # a verdict of which nobody has been told may still become ERROR


@step
def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    execution = event["detail"]
    run = run_of(execution)
    logger.append_keys(**{name: run.get(name) for name in ("QCPID", "GroupID", "StreamID")})
    ended = {**run, **ending(execution)}
    if "StartTime" not in run and keys.is_id(run.get("GroupID")):
        unchecked = {f"Process{number}Pass": 0 for number in PROCESSES}
        run = runs.seed({**ended, **unchecked}, started(execution))
    try:
        sent = publish(run, lambda: close(run, ended, UNDECIDED))
    except SummaryNotConfirmed:
        close(run, ended, ("RUNNING",))
        raise
    close(run, ended, ("RUNNING",))  # the message was sent, and the row not closed
    return sent


def close(run: runs.Run, ended: runs.Run, still: tuple[str, ...]) -> runs.Run:
    """Gives a row that is in one of these states its end; returns the run as it then stands."""
    if "StartTime" not in run:
        return ended  # its group cannot be told, so it has no row
    if run["Status"] not in still:
        return run
    values: runs.Run = {
        name: ended[name] for name in ("Status", "Error", "Cause", "EndTime", "TotalPass") if name in ended
    }
    return {**run, **runs.end(run, values, still), "Results": results(ended)}


def ending(execution: dict[str, Any]) -> dict[str, Any]:
    error, cause = WORDS[execution["status"]]
    return {
        "Status": "ERROR",
        "TotalPass": 0,
        "Error": execution.get("error") or error,
        "Cause": execution.get("cause") or cause,
        "EndTime": runs.now(),
    }


def results(run: runs.Run) -> list[dict[str, Any]]:
    """What each process came to: its flag where it has set one, the execution's error where it has not."""
    return [
        {"Process": number, "Pass": int(run[f"Process{number}Pass"])}
        if f"Process{number}Pass" in run
        else {"Process": number, "Pass": 0, "Error": run["Error"], "Cause": run["Cause"]}
        for number in PROCESSES
    ]
