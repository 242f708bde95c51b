"""The errors of a run, by the names that users match in Step Functions. The engine adds InvalidRules."""

from __future__ import annotations


class InvalidInput(Exception):
    """The request does not identify a stream. The message names the field and what is wrong with it."""


class StreamNotFound(Exception):
    """The object does not exist. The message says where it was looked for."""


class FileTooLarge(Exception):
    """No process could read the file in its time, or hold it on its disk. The message says what to do."""


class PartMissing(Exception):
    """What was found in a part of the file is not in the results bucket. The message names the part."""


class UploadBeingStarted(Exception):
    """Another execution is starting the run of this upload. The state machine retries the step, which then finds that run."""


class RerunUnderWay(Exception):
    """Another execution is doing the same rerun in bulk. The message names it, and says how far it is."""


class RunsStillEnding(Exception):
    """Runs of a rerun in bulk that was stopped have not ended. The state machine retries the step."""


class SummaryNotConfirmed(Exception):
    """An earlier attempt may have published the summary, so it is not published again."""


class RunClosed(Exception):
    """The run was already closed with another status, because its execution was stopped. The status is not changed."""


class ReconciliationIncomplete(Exception):
    """Reconcile ran out of time, or could not read every upload."""


class TemporaryFailure(Exception):
    """AWS is temporarily unavailable. The state machine retries the step."""


class MissingSetting(Exception):
    """The function lacks an environment variable. The message names it."""
