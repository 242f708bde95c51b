"""The end of a rerun in bulk, or of an execution that was doing one: the list of what came of each file, and one message."""

from __future__ import annotations

import json
from collections import Counter

from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.execution import Execution
from pipeline.model import Payload
from reruns import progress, what_if
from reruns.selection import selection_of
from reruns.summary import RerunSummary
from reruns.telling import publish


def tell(execution: Execution) -> Payload:
    """Writes the results and publishes one message, unless this execution has told before. Returns what it says, in short.

    A rerun that was stopped keeps its claim, so that it can be resumed. Raises SummaryNotConfirmed.
    """
    try:
        selection, options = selection_of(execution.input, at_once=1)
    except InvalidInput as error:
        return {"Ignored": str(error)}
    rerun = progress.rerun_of(selection, execution, options.resume)
    listed = progress.listed(rerun)
    if listed is None or not progress.began(rerun):
        return {"Ignored": f"{execution.arn} has begun nothing"}
    if selection.rules:
        return what_if.tell(execution, rerun, listed)
    outcomes = progress.outcomes_of(rerun, listed)
    where = rerun.key(f"results-{rerun.attempt}.jsonl")
    lines = [
        json.dumps(outcome.item() if outcome else {**file.item(), "Status": None}, ensure_ascii=False)
        for file, outcome in zip(listed, outcomes, strict=True)
    ]
    bucket = str(environment().results_bucket)
    progress.put_bytes(where, "".join(f"{line}\n" for line in lines).encode())
    publish(execution, RerunSummary(rerun, execution, outcomes, f"s3://{bucket}/{where}"))
    if execution.failure is None and None not in outcomes:
        progress.end(rerun)
    counts = Counter(outcome.status if outcome else "NotRun" for outcome in outcomes)
    return {"RerunID": rerun.rerun_id, "Files": len(listed), **counts, "Results": f"s3://{bucket}/{where}"}
