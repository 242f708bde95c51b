"""StartQC: which file, which version, which rules; seeds the row of the run in QCSummary.

In: GroupID, StreamID, Key, VersionId (as the upload's key or a person gives them), Trigger, ExecutionArn, ExecutionStart.
Out: the row of the run. Its Status is RUNNING; REPEATED where another run has this upload already (RepeatOf names it);
REJECTED or ERROR, with Error and Cause, where there is nothing to check.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import keys, objects, runs
from pipeline.errors import InvalidInput, StreamNotFound
from pipeline.observe import Event, logger, step
from pipeline.uploads import begin_once
from stream_qc.vocabulary import PROCESSES


@step
def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    if event["Trigger"] != "upload":
        return start(event)
    run = begin_once(event, event["ExecutionArn"], lambda: start(event))
    if run["ExecutionArn"] == event["ExecutionArn"]:
        return run
    logger.info("this upload has a run already", extra={"RepeatOf": run["QCPID"]})
    return {**run, "Status": "REPEATED", "RepeatOf": run["QCPID"], "ExecutionArn": event["ExecutionArn"]}


def start(event: Event) -> runs.Run:
    """A new run of a stream, with its row."""
    run: runs.Run = {
        "QCPID": runs.qcpid(event["ExecutionArn"], event["ExecutionStart"]),
        "ExecutionArn": event["ExecutionArn"],
        **keys.named_in(event),
    }
    try:
        run |= what_to_check(event)
    except (InvalidInput, StreamNotFound) as mistake:
        return refuse(run, mistake, event)
    run = runs.seed({**run, "Status": "RUNNING"}, event["ExecutionStart"])
    logger.info(
        "run started",
        extra={
            "QCPID": run["QCPID"],
            "Key": run["Key"],
            "VersionId": run["VersionId"],
            "RulesKey": run.get("RulesKey"),
        },
    )
    return run


def what_to_check(event: Event) -> dict[str, Any]:
    """The file's version and the rules' version of a run. Raises InvalidInput and StreamNotFound."""
    key, version_id = (keys.check_text(name, event[name]) if name in event else None for name in ("Key", "VersionId"))
    if event["Trigger"] == "upload":
        check_uploaded_key(key)
    group_id, stream_id = (keys.check_id(name, event.get(name)) for name in ("GroupID", "StreamID"))
    if version_id is not None and key is None:
        raise InvalidInput("VersionId is given without the Key that it belongs to")
    key = objects.newest(group_id, stream_id) if key is None else keys.check_key(key, group_id, stream_id)
    version = objects.locate(key, version_id)
    rules = objects.rules_for(group_id, stream_id)
    return {
        "Bucket": objects.bucket(),
        "Key": version.key,
        "VersionId": version.version_id,
        "Size": version.size,
        **({"RulesKey": rules.key, "RulesVersionId": rules.version_id} if rules else {}),
    }


def check_uploaded_key(key: Any) -> None:
    """Raises InvalidInput where an uploaded object's key holds no IDs; says how a key must look."""
    for name, value in keys.ids_in(str(key))._asdict().items():
        if not value:
            raise InvalidInput(f"Key {key!r} has no {name}; upload to streams/<GroupID>/<StreamID>.<ext>")


def refuse(run: runs.Run, mistake: InvalidInput | StreamNotFound, event: Event) -> runs.Run:
    """The run as it ends before it began: with a row where its group is known, and never a flag of 1."""
    refused = {
        **run,
        "Status": "REJECTED" if isinstance(mistake, InvalidInput) else "ERROR",
        "Error": type(mistake).__name__,
        "Cause": str(mistake),
        "Bucket": objects.bucket(),
        **{f"Process{number}Pass": 0 for number in PROCESSES},
        "TotalPass": 0,
        "EndTime": runs.now(),
    }
    logger.warning("run refused", extra={"Error": refused["Error"], "Cause": refused["Cause"]})
    if keys.is_id(run.get("GroupID")):
        return runs.seed(refused, event["ExecutionStart"])
    return refused
