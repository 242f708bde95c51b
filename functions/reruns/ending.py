"""The end of a rerun in bulk, or of an execution that was doing one: the list of what came of each file, and one message."""

from __future__ import annotations

import json
from collections import Counter

from pipeline.claims import claim_id
from pipeline.environment import environment
from pipeline.errors import InvalidInput, SummaryNotConfirmed
from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.observe import logger
from pipeline.publishing import send_once
from reruns import progress, what_if
from reruns.progress import Rerun
from reruns.selection import selection_of
from reruns.summary import RerunSummary


def tell(execution: Execution, rerun_id: str | None = None) -> Payload:
    """Writes the results and publishes one message, unless this execution has told before. Returns what it says, in short.

    A rerun that was stopped can go on: it ends when no file is left. rerun_id: of the rerun, where its execution says so.
    """
    try:
        selection, _ = selection_of(execution.input, at_once=1)
    except InvalidInput as error:
        return {"Ignored": str(error)}
    if selection.rules:
        return what_if.tell(execution, selection)
    rerun = Rerun(rerun_id, execution.arn, selection) if rerun_id else progress.of(selection, execution.arn)
    if rerun is None:
        return {"Ignored": f"{execution.arn} is doing no rerun"}
    listed = progress.listed(rerun)
    if listed is None:
        return {"Ignored": f"{execution.arn} has listed no files"}
    outcomes = progress.outcomes_of(rerun, listed)
    where = rerun.key("results.jsonl")
    lines = [
        json.dumps(outcome.item() if outcome else {**file.item(), "Status": None}, ensure_ascii=False)
        for file, outcome in zip(listed, outcomes, strict=True)
    ]
    bucket = str(environment().results_bucket)
    progress.put_bytes(where, "".join(f"{line}\n" for line in lines).encode())
    message = RerunSummary(rerun, execution, outcomes, f"s3://{bucket}/{where}", execution.failure)
    sent, is_new = send_once(claim_id("RerunSummary", execution.arn), lambda: message)
    if "Unanswered" in sent:
        raise SummaryNotConfirmed(
            f"the message about {execution.arn} may already have been published: {sent['Unanswered']}"
        )
    if is_new:
        logger.info("rerun told", extra={"RerunID": rerun.rerun_id, **sent})
    if None not in outcomes:
        progress.end(rerun)
    counts = Counter(outcome.status if outcome else "NotRun" for outcome in outcomes)
    return {"RerunID": rerun.rerun_id, "Files": len(listed), **counts, "Results": f"s3://{bucket}/{where}"}
