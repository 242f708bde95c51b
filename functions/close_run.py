"""CloseRun: a run breaks off. Sees to it that its row says so, and that its message is sent.

In: the state machine's own word where StartQC or EndQC broke, or EventBridge's "Step Functions Execution Status Change" for
every execution that has failed, timed out or been stopped; both have an execution as `detail` (pipeline.executions). Where all
has been told already, this does nothing. Where the message has not been claimed, the run ends as ERROR, and the message says so.
Where there is no row, because StartQC could not write one, it gets one, unless the upload has a run in another execution.
Out: the MessageId, or RepeatOf. Raises SummaryNotConfirmed as SendQCSummary does.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import keys, runs
from pipeline.errors import SummaryNotConfirmed
from pipeline.executions import cause_of, error_of, input_of, run_of, started, upload_in
from pipeline.observe import Event, logger, step
from pipeline.publishing import publish
from pipeline.uploads import begin_once
from stream_qc.vocabulary import PROCESSES

UNDECIDED = ("RUNNING", "PASS", "FAIL")  # a verdict of which nobody has been told may still become ERROR


@step
def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    execution = event["detail"]
    arn, given = execution["executionArn"], input_of(execution)
    run = run_of(execution, given)
    logger.append_keys(**{name: run.get(name) for name in ("QCPID", "GroupID", "StreamID")})
    ended = {**run, **ending(execution)}
    begun = begin(run, ended, execution, given)
    if begun["ExecutionArn"] != arn:
        logger.info("this upload has a run already", extra={"RepeatOf": begun["QCPID"]})
        return {"RepeatOf": begun["QCPID"]}
    run = run if "StartTime" in run else begun
    try:
        sent = publish(run, lambda: close(run, ended, UNDECIDED))
    except SummaryNotConfirmed:
        close(run, ended, ("RUNNING",))
        raise
    close(run, ended, ("RUNNING",))  # the message was sent, and the row not closed
    return sent


def begin(run: runs.Run, ended: runs.Run, execution: dict[str, Any], given: dict[str, Any]) -> runs.Run:
    """The run of the execution, or of the one that has its upload. One without a row gets it, where its group can be told.

    StartQC may have broken with the upload claimed, so that other deliveries wait for this execution: it must end that, too.
    """

    def with_row() -> runs.Run:
        if "StartTime" in run:
            return run
        if not keys.is_id(run.get("GroupID")):
            return ended
        unchecked = {f"Process{number}Pass": 0 for number in PROCESSES}
        return runs.seed({**ended, **unchecked}, started(execution))

    upload = upload_in(given)
    if upload is None:
        return with_row()
    return begin_once(upload, execution["executionArn"], with_row)


def close(run: runs.Run, ended: runs.Run, still: tuple[str, ...]) -> runs.Run:
    """Gives a row that is in one of these states its end; returns the run as it then stands. One without a row has ended."""
    if run["Status"] not in still:
        return run
    values: runs.Run = {
        name: ended[name] for name in ("Status", "Error", "Cause", "EndTime", "TotalPass") if name in ended
    }
    return {**run, **runs.end(run, values, still), "Results": results(ended)}


def ending(execution: dict[str, Any]) -> dict[str, Any]:
    return {
        "Status": "ERROR",
        "TotalPass": 0,
        "Error": error_of(execution),
        "Cause": cause_of(execution),
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
