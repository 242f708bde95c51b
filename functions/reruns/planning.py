"""Planning a rerun in bulk: which files it is for, and which of them are left to do."""

from __future__ import annotations

from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.execution import Execution
from pipeline.model import Payload
from pipeline.objects import list_under
from pipeline.observe import logger
from reruns import progress
from reruns.progress import Rerun
from reruns.selection import selection_of


def plan(execution: Execution) -> Payload:
    """Writes the list of the files that are left to do, for the map, and returns where it is and how the map goes on.

    Raises InvalidInput, RerunUnderWay and RunsStillEnding.
    """
    selection, pace = selection_of(execution.input, environment().reruns_at_once)
    if selection.rules:
        _check_rules(selection.rules)
        rerun = Rerun(execution.qcpid, execution.arn, selection)  # it changes nothing, so there may be many
    else:
        rerun = progress.begin(selection, execution)
    try:
        listed = progress.files(rerun)
    except InvalidInput:
        progress.end(rerun)
        raise
    todo = listed if selection.rules else progress.left(rerun, listed)
    where = rerun.key(f"{execution.qcpid}.json")
    progress.put(where, [file.item() for file in todo])
    logger.info("files listed", extra={"RerunID": rerun.rerun_id, "Files": len(listed), "Left": len(todo)})
    return {
        "RerunID": rerun.rerun_id,
        "Name": execution.qcpid,
        "List": where,
        "Files": len(listed),
        "Left": len(todo),
        "MaxConcurrency": pace.at_once,
        "ToleratedFailurePercentage": pace.tolerated,
        **({"Rules": selection.rules} if selection.rules else {}),
    }


def _check_rules(prefix: str) -> None:
    if not any(key.endswith(".yaml") for key, _ in list_under(prefix)):
        raise InvalidInput(
            f"there are no rules under {prefix} in {environment().stream_bucket}; a rules file ends in .yaml"
        )
