"""Starts a run: chooses the file version and the rules, and writes the row in QCSummary."""

from __future__ import annotations

from dataclasses import replace

from pipeline import keys, objects, runs, streams
from pipeline.environment import environment
from pipeline.errors import FileTooLarge, InvalidInput, StreamNotFound
from pipeline.execution import Execution
from pipeline.limits import check_size
from pipeline.model import Failure, ObjectVersion, Run, Status
from pipeline.observe import logger, name_run
from pipeline.request import Invalid, Named, Request, Rerun, Upload, request_of
from pipeline.times import now
from pipeline.uploads import start_once
from stream_qc.formats import format_of
from stream_qc.vocabulary import PROCESSES


def start(execution: Execution) -> Run:
    """Returns the execution's run, with its row.

    Its status is RUNNING; REPEATED where the upload has a run in another execution (`repeat_of`); REJECTED or ERROR, with the
    failure, where there is nothing to check. Raises UploadBeingStarted.
    """
    request = request_of(execution.input)
    unstarted_run = unstarted(execution, request.named)
    name_run(unstarted_run)
    run = start_once(request.delivery, execution.arn, lambda: _start(unstarted_run, execution, request))
    if run.execution_arn == execution.arn:
        return replace(run, in_parts=run.status == Status.RUNNING and _is_large(run.file))
    logger.info("this upload already has a run", extra={"RepeatOf": run.qcpid})
    return replace(run, status=Status.REPEATED, repeat_of=run.qcpid, execution_arn=execution.arn)


def unstarted(execution: Execution, named: Named) -> Run:
    """Returns a run with only the fields that the request names."""
    return Run(
        qcpid=execution.qcpid,
        execution_arn=execution.arn,
        status=Status.RUNNING,
        group_id=named.group_id,
        stream_id=named.stream_id,
        key=named.key,
        version_id=named.version_id,
        rerun_id=named.rerun_id,
    )


def _start(run: Run, execution: Execution, request: Request) -> Run:
    if isinstance(request, Invalid):
        return _refuse(run, execution, Status.REJECTED, Failure("InvalidInput", request.reason))
    try:
        run = _with_file_and_rules(run, request)
        check_size(run.file, in_parts=_is_large(run.file))
    except InvalidInput as error:
        return _refuse(run, execution, Status.REJECTED, Failure("InvalidInput", str(error)))
    except (StreamNotFound, FileTooLarge) as error:
        refused = _refuse(run, execution, Status.ERROR, Failure(type(error).__name__, str(error)))
        return streams.follow(refused)
    run = runs.seed(run, execution)
    logger.info(
        "run started", extra={name: run.to_item().get(name) for name in ("QCPID", "Key", "VersionId", "RulesKey")}
    )
    return run


def _with_file_and_rules(run: Run, request: Upload | Rerun) -> Run:
    """Returns the run with the version of the file that it reads, and of the rules that judge it."""
    key = objects.newest(request.stream) if request.key is None else request.key
    file = objects.locate(key, request.version_id)
    rules = objects.rules_for(request.stream)
    return replace(
        run,
        bucket=environment().stream_bucket,
        key=file.key,
        version_id=file.version_id,
        size=file.size,
        upload_time=file.written or None,
        rules_key=rules.key if rules else None,
        rules_version_id=rules.version_id if rules else None,
    )


def _is_large(file: ObjectVersion) -> bool:
    """Returns whether a file is checked in parts, if it can be cut."""
    form, above = format_of(file.key), environment().split_above
    return bool(above and form and file.size > above and form.can_be_cut)


def _refuse(run: Run, execution: Execution, status: Status, failure: Failure) -> Run:
    """Records a run that was refused before it started: with a row where its group is valid, and with no flag of 1."""
    refused = replace(
        run,
        status=status,
        failure=failure,
        bucket=environment().stream_bucket,
        flags=dict.fromkeys(PROCESSES, False),
        total_pass=False,
        end_time=now(),
    )
    logger.warning("run refused", extra={"Error": failure.error, "Cause": failure.cause})
    return runs.seed(refused, execution) if keys.is_id(run.group_id) else refused
