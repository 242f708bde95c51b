"""Closing a run whose execution failed, timed out or was stopped: its row ends as ERROR."""

from __future__ import annotations

from dataclasses import replace

from pipeline import keys, runs, streams
from pipeline.execution import Execution
from pipeline.model import Failure, ProcessResult, Run, Status
from pipeline.request import Named, request_of
from pipeline.starting import unstarted
from pipeline.times import now
from pipeline.uploads import give_up, start_once
from stream_qc.vocabulary import PROCESSES


def find_or_create(execution: Execution, failure: Failure) -> Run:
    """Returns the execution's run, or the run that another execution has for the same upload.

    A run without a row gets one that is closed already, if its group is valid. Where StartQC failed after it had claimed the
    upload, this completes the claim, for which other deliveries wait. In a rerun in bulk it releases the claim: the file can run
    again when the rerun is resumed. Raises UploadBeingStarted.
    """
    request = request_of(execution.input)
    run = find(execution, request.named)
    if request.delivery and request.delivery.rerun_id:
        give_up(request.delivery, execution.arn)
        return run if run.has_row else _create(run, execution, failure)
    started = start_once(
        request.delivery, execution.arn, lambda: run if run.has_row else _create(run, execution, failure)
    )
    return run if run.has_row and started.execution_arn == execution.arn else started


def find(execution: Execution, named: Named) -> Run:
    """Returns the execution's run from its row, or an unstarted run where it has none."""
    found = runs.find(named.group_id, execution) if named.group_id and keys.is_id(named.group_id) else None
    return found or unstarted(execution, named)


def close(run: Run, failure: Failure) -> Run:
    """Ends the run as ERROR if it has no verdict. Returns it as its row then is: a verdict stays one, whatever failed later.

    A process that has set no flag could not run because of the failure.
    """
    if not run.has_row:
        return run
    results = tuple(
        ProcessResult(process, run.flags[process]) if process in run.flags else ProcessResult(process, failure=failure)
        for process in PROCESSES
    )
    if run.status == Status.REJECTED:
        return run
    if run.status == Status.RUNNING:
        run = runs.end(_ended(run, failure), expected=(Status.RUNNING,))
    return streams.follow(replace(run, results=results))


def _create(run: Run, execution: Execution, failure: Failure) -> Run:
    ended = _ended(run, failure)
    if not keys.is_id(run.group_id):
        return ended
    return runs.seed(replace(ended, flags=dict.fromkeys(PROCESSES, False)), execution)


def _ended(run: Run, failure: Failure) -> Run:
    return replace(run, status=Status.ERROR, total_pass=False, end_time=now(), failure=failure)
