"""The errors that a run can end with, by the names that users match in Step Functions. The engine adds InvalidRules."""

from __future__ import annotations


class InvalidInput(Exception):  # noqa: N818
    """What started the execution does not name a stream. The message names the field and what is wrong with it."""


class StreamNotFound(Exception):  # noqa: N818
    """There is no such object. The message says where it was looked for."""


class UploadBeingStarted(Exception):  # noqa: N818
    """Another delivery of the same upload is starting its run. The state machine retries the step, which then finds it."""


class SummaryNotConfirmed(Exception):  # noqa: N818
    """An earlier attempt may have published the summary, so it is not published again."""


class RunClosed(Exception):  # noqa: N818
    """The run had been given another end, because its execution was stopped; that one stands."""


class ReconciliationIncomplete(Exception):  # noqa: N818
    """There are more uploads than could be looked at in the time of one invocation."""


class TemporaryFailure(Exception):  # noqa: N818
    """AWS could not answer for now. The state machine retries the step."""
