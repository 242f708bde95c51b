"""The settings of a function: its environment variables, read once. No other module reads them."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.errors import MissingSetting


@dataclass(frozen=True)
class Environment:
    """The variables that stacks/functions.py gives this function. Raises MissingSetting for one that it was not given."""

    variables: Mapping[str, str] = field(repr=False)  # credentials are among them

    @property
    def stream_bucket(self) -> str:
        return self._value("STREAM_BUCKET")

    @property
    def summary_table(self) -> str:
        return self._value("SUMMARY_TABLE")

    @property
    def details_table(self) -> str:
        return self._value("DETAILS_TABLE")

    @property
    def claims_table(self) -> str:
        return self._value("CLAIMS_TABLE")

    @property
    def streams_table(self) -> str:
        return self._value("STREAMS_TABLE")

    @property
    def results_topic(self) -> str:
        return self._value("RESULTS_TOPIC")

    @property
    def email_topic(self) -> str:
        return self._value("EMAIL_TOPIC")

    @property
    def outbox(self) -> str:
        """The URL of the queue of messages that wait for the next mail."""
        return self._value("OUTBOX")

    @property
    def email_for(self) -> str:
        """What is mailed: `all`, `problems` or `changes`."""
        return self._value("EMAIL_FOR")

    @property
    def state_machine(self) -> str:
        return self._value("STATE_MACHINE")

    @property
    def rerun_machine(self) -> str | None:
        """The state machine of reruns in bulk; None where the stack does not have it."""
        return self.variables.get("RERUN_MACHINE")

    @property
    def close_run(self) -> str:
        """The name of the function CloseRun."""
        return self._value("CLOSE_RUN")

    @property
    def details_days(self) -> int:
        """Days after which QCDetails items expire; 0 keeps them."""
        return int(self._value("DETAILS_DAYS"))

    @property
    def results_bucket(self) -> str | None:
        """The bucket of reports and flags; None where the stack makes no reports."""
        return self.variables.get("RESULTS_BUCKET")

    @property
    def split_above(self) -> int:
        """The bytes above which a file is checked in parts; 0 where none is."""
        return int(self._value("SPLIT_ABOVE_MIB")) * 2**20

    @property
    def reruns_at_once(self) -> int:
        """How many runs of a rerun in bulk go on at the same time, unless it says so itself."""
        return int(self._value("RERUNS_AT_ONCE"))

    @property
    def report_link_hours(self) -> int:
        """How long a link to a report works for everybody; 0 for a link to S3's console, which asks who it is."""
        return int(self._value("REPORT_LINK_HOURS"))

    def _value(self, name: str) -> str:
        if name not in self.variables:
            raise MissingSetting(f"the environment variable {name} is not set for this function")
        return self.variables[name]


@functools.cache
def environment() -> Environment:
    """Returns the settings of this function."""
    return Environment(dict(os.environ))
