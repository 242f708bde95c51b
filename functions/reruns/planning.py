"""Planning a rerun in bulk: which files it is for, and which of them are left to do."""

from __future__ import annotations

from pipeline.environment import environment
from pipeline.errors import InvalidInput
from pipeline.execution import Execution
from pipeline.keys import rules_keys
from pipeline.model import Payload, StreamId
from pipeline.objects import list_under
from pipeline.observe import logger
from reruns import progress
from reruns.listing import File
from reruns.selection import selection_of


def plan(execution: Execution) -> Payload:
    """Writes the list of the files that are left to do, for the map, and returns where it is and how the map goes on.

    Raises InvalidInput, RerunUnderWay and RunsStillEnding.
    """
    selection, options = selection_of(execution.input, environment().reruns_at_once)
    if selection.rules:
        rerun = progress.rerun_of(selection, execution, None)  # it changes nothing, so there may be many
    else:
        rerun = progress.begin(selection, execution, options.resume)
    try:
        listed = progress.files(rerun)
    except InvalidInput:
        progress.end(rerun)
        raise
    if selection.rules:
        _check_rules(selection.rules, listed)
    todo = progress.left(rerun, listed) if options.resume else listed
    progress.put(rerun.todo, [file.item() for file in todo])
    logger.info("files listed", extra={"RerunID": rerun.rerun_id, "Files": len(listed), "Left": len(todo)})
    return {
        "RerunID": rerun.rerun_id,
        "Name": f"{rerun.rerun_id}-{rerun.attempt}",
        "List": rerun.todo,
        "Files": len(listed),
        "Left": len(todo),
        "MaxConcurrency": options.at_once,
        "ToleratedFailurePercentage": options.tolerated,
        **({"Rules": selection.rules} if selection.rules else {}),
    }


def _check_rules(prefix: str, listed: list[File]) -> None:
    """Raises InvalidInput if no rules under the prefix judge any of these files."""
    there = {"rules/" + key.removeprefix(prefix) for key, _ in list_under(prefix)}
    wanted = {key for file in listed for key in rules_keys(StreamId(file.group_id, file.stream_id))}
    if not there:
        raise InvalidInput(f"there is nothing under {prefix} in {environment().stream_bucket}")
    if not there & wanted:
        raise InvalidInput(
            f"no rules under {prefix} judge any of these {len(listed):,} files; lay them out as under rules/: "
            f"{prefix}<GroupID>/<StreamID>.yaml, {prefix}<GroupID>.yaml or {prefix}default.yaml"
        )
