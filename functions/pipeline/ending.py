"""Ending a run: the total of the three processes, and the row closed with it."""

from __future__ import annotations

from dataclasses import replace

from pipeline import runs, streams
from pipeline.errors import RunClosed
from pipeline.model import Failure, ProcessResult, Run, Status
from pipeline.observe import logger
from pipeline.times import now
from stream_qc.vocabulary import PROCESSES


def end(run: Run) -> Run:
    """Decides the verdict from the run's results, writes it into the row and the state of the stream, and returns the run.

    Raises RunClosed if the run was already closed with another status.
    """
    judged = replace(judge(run), end_time=now())
    ended = runs.end(judged, expected=(Status.RUNNING,))
    if ended.status != judged.status:  # the same status was written by an earlier attempt of this step
        raise RunClosed(f"the run was closed as {ended.status} before it could end as {judged.status}")
    logger.info("run ended", extra={"Status": judged.status, "TotalPass": int(bool(judged.total_pass))})
    return streams.follow(replace(judged, end_time=ended.end_time))


def judge(run: Run) -> Run:
    """Returns the run with its verdict: PASS, FAIL, or ERROR where a process could not run.

    Anything but exactly one result of each process is an ERROR: "did not run" is never "passed".
    """
    results = tuple(_only_result(run.results, process) for process in PROCESSES)
    failed = [result for result in results if result.failure is not None]
    passed = all(result.passed for result in results)
    return replace(
        run,
        status=Status.ERROR if failed else Status.PASS if passed else Status.FAIL,
        flags={result.process: result.passed for result in results},
        total_pass=passed,
        rows=results[0].rows,
        failure=_failure_of_run(failed),
        results=results,
    )


def _only_result(results: tuple[ProcessResult, ...], process: int) -> ProcessResult:
    found = [result for result in results if result.process == process]
    if len(found) == 1:
        return found[0]
    cause = f"{PROCESSES[process]} returned {len(found)} results; expected one"
    return ProcessResult(process, failure=Failure("ProcessNotRun", cause))


def _failure_of_run(failed: list[ProcessResult]) -> Failure | None:
    """Returns one failure for the run: the first process's error, and a cause that names every process that failed."""
    processes: dict[Failure, list[str]] = {}
    for result in failed:
        if result.failure is not None:
            processes.setdefault(result.failure, []).append(PROCESSES[result.process])
    if not processes:
        return None
    first = next(iter(processes))
    if len(processes) == 1 and len(failed) == len(PROCESSES):
        return first
    causes = [f"{', '.join(names)}: {one.error}: {one.cause}" for one, names in processes.items()]
    return Failure(first.error, "; ".join(causes))
