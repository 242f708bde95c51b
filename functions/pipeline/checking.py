"""One QC process of a run: reads the file's version from S3, checks it, and records the report."""

from __future__ import annotations

import datetime as dt
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from pipeline import details, objects, parts, runs
from pipeline.environment import environment
from pipeline.flag_tables import save_flags
from pipeline.limits import full_disk_is_too_large
from pipeline.model import ProcessResult, Run
from pipeline.observe import logger, measure
from pipeline.report import save
from stream_qc import scratch
from stream_qc.engine import check_stream
from stream_qc.flagfile import FlagFile
from stream_qc.formats import format_of
from stream_qc.reporting.drawer import Drawer
from stream_qc.results import Report
from stream_qc.rules import BUILT_IN, Rules, load
from stream_qc.stretch import MakeSink


def check(run: Run, process: int) -> ProcessResult:
    """Checks the run's file under the run's rules, writes what one process found, and returns its result.

    Raises InvalidRules, StreamNotFound, FileTooLarge, PartMissing and RunClosed.
    """
    _clean_up()
    rules = rules_of(run)
    drawer = Drawer(rules) if environment().results_bucket else None
    with full_disk_is_too_large(run.file), FlagFile(rules.schema) as flags, ThreadPoolExecutor(1) as beside:
        wanted = rules.flags and drawer is not None
        report = (
            parts.merged(run, process, rules, drawer)
            if run.in_parts
            else _in_one_pass(run, process, rules, drawer, flags.column if wanted else lambda _: None)
        )
        saving = beside.submit(_saved, run, drawer, report, flags if wanted else None)
        _record(run, report)
        if not saving.result():
            measure({"ReportFailures": (MetricUnit.Count, 1)})
    return ProcessResult(
        process,
        passed=report.passed,
        rows=report.rows,
        message=report.message or None,
        failing=_failing(report),
        within=_within(rules) if process == 1 else None,
        flags=_flags(rules) if process == 1 else None,
    )


def check_part(run: Run, process: int, part: Any) -> None:
    """Checks one part of the run's file, and keeps what one process found in it. Raises as `check` does."""
    _clean_up()
    with full_disk_is_too_large(run.file):
        parts.check(run, process, part, rules_of(run))


def _in_one_pass(run: Run, process: int, rules: Rules, drawer: Drawer | None, make_sink: MakeSink) -> Report:
    file, form = run.file, format_of(run.file.key)
    if form is None:
        raise ValueError(f"{file.key} has no known extension")  # StartQC refuses such a key
    reports = check_stream(
        lambda: objects.read(file.key, file.version_id), form, rules, [process], make_sink=make_sink, drawer=drawer
    )
    return reports[process]


def _clean_up() -> None:
    for left in scratch.remove_left_behind():
        logger.warning("removed what a killed process had left on the disk", extra={"Folder": str(left)})


def _saved(run: Run, drawer: Drawer | None, report: Report, flags: FlagFile | None) -> bool:
    """Saves what the report and the flags of the run need. Returns False where it could not: a verdict does not depend on it."""
    try:
        if drawer is not None:
            save(run, drawer.part(report))
        if flags is not None:
            save_flags(run, report.process, flags, report.rows)
        if drawer is not None and drawer.failure is not None:
            raise drawer.failure
    except Exception:  # noqa: BLE001  # whatever it is, it is logged and counted
        logger.exception("the report of this run lacks a part")
        return False
    return True


def _within(rules: Rules) -> int:
    """Returns in how many seconds after this file the next one must come; 0 if the rules do not say."""
    return int(rules.arrival.within.total_seconds()) if rules.arrival else 0


def _flags(rules: Rules) -> str | None:
    return "split" if rules.split else "flags" if rules.flags else None


def _failing(report: Report) -> str | None:
    """Returns a hash of the names of the checks that failed, or None."""
    names = sorted(result.name for result in report.results if not result.passed)
    if report.unread and not names:
        names = ["unread"]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16] if names else None


def rules_of(run: Run) -> Rules:
    """Returns the rules in the exact version that StartQC found, as of the start of the run. Raises InvalidRules."""
    if run.rules_key is None or run.rules_version_id is None:
        return BUILT_IN
    rules = load(objects.read(run.rules_key, run.rules_version_id).read())
    return rules.as_of(dt.datetime.fromisoformat(run.start_time)) if run.start_time else rules


def _record(run: Run, report: Report) -> None:
    """Writes the details first and the flag last, so that a flag never exists without its details."""
    details.put(run, report.results)
    rows = report.rows if report.process == 1 else None
    runs.record_process(run, report.process, passed=report.passed, rows=rows)
