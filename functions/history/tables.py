"""The tables as the source of the pages."""

from __future__ import annotations

from history.queries import run, runs, streams
from history.records import Run
from history.reruns import reruns
from history.starting import start
from pipeline.report import presigned

LINK_SECONDS = 900  # for which the link to a report works

__all__ = ["report", "reruns", "run", "runs", "start", "streams"]


def report(run: Run) -> str:
    """Returns a link to the report of a run."""
    return presigned(str(run.ReportKey), LINK_SECONDS)
