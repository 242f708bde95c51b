"""The records of the pipeline. Dictionaries exist at its edges only: table items and the payloads between steps.

`to_item` and `from_item` convert a record to and from an item of a table, `to_payload` and `from_payload` to and from what
the state machine passes on. The attribute names are the contract's.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stream_qc.vocabulary import PROCESSES, pass_field

Item = dict[str, Any]
Payload = dict[str, Any]


class Status(enum.StrEnum):
    """The state of a run. REPEATED occurs in payloads only: the upload already has a run, in another execution."""

    RUNNING = "RUNNING"
    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    REJECTED = "REJECTED"
    REPEATED = "REPEATED"


OVERDUE = "OVERDUE"  # the status of a stream, and of no run


class Change(enum.StrEnum):
    """How a run changed the status of its stream."""

    FIRST = "FIRST"
    SAME = "SAME"
    CHANGED = "CHANGED"


@dataclass(frozen=True)
class StreamId:
    """The IDs of a stream, both valid (pipeline.keys)."""

    group_id: str
    stream_id: str

    def __str__(self) -> str:
        return f"{self.group_id}/{self.stream_id}"


@dataclass(frozen=True)
class ObjectVersion:
    """One version of one object in the stream bucket. size: in bytes. written: when, as a timestamp; S3 gives whole seconds."""

    key: str
    version_id: str
    size: int
    written: str = ""


@dataclass(frozen=True)
class Failure:
    """Why there is no verdict: the name of the error, and its cause for people."""

    error: str
    cause: str


@dataclass(frozen=True)
class ProcessResult:
    """The outcome of one QC process: it passed, it failed, or it could not run because of a failure."""

    process: int
    passed: bool = False
    rows: int | None = None
    message: str | None = None
    failing: str | None = None  # a hash of the names of the checks that failed
    within: int | None = None  # seconds after this file in which the next one must come; 0 for no limit
    flags: str | None = None  # `flags` or `split`, where the rules ask for the flags of every row
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if self.passed and self.failure is not None:
            raise ValueError(f"process {self.process} cannot both pass and fail to run")

    def to_payload(self) -> Payload:
        payload = {
            "Process": self.process,
            "Pass": int(self.passed),
            "Rows": self.rows,
            "Message": self.message,
            "Failing": self.failing,
            "Within": self.within,
            "Flags": self.flags,
        }
        if self.failure is not None:
            payload |= {"Error": self.failure.error, "Cause": self.failure.cause}
        return _without_none(payload)

    @classmethod
    def from_payload(cls, payload: Payload) -> ProcessResult:
        """Returns the result in a payload. Only `Pass` 1 without an `Error` is a pass; an unknown process is number 0."""
        process, failure = payload.get("Process"), _failure_in(payload)
        return cls(
            process=process if isinstance(process, int) else 0,
            passed=payload.get("Pass") == 1 and failure is None,
            rows=payload.get("Rows"),
            message=payload.get("Message"),
            failing=payload.get("Failing"),
            within=payload.get("Within"),
            flags=payload.get("Flags"),
            failure=failure,
        )


# The attributes of a QCSummary row that are one field of a Run each, in the order in which messages list them.
_BEFORE_FLAGS = {
    "GroupID": "group_id",
    "StreamID": "stream_id",
    "StartTime": "start_time",
    "QCPID": "qcpid",
    "Status": "status",
    "Bucket": "bucket",
    "Key": "key",
    "VersionId": "version_id",
    "Size": "size",
    "UploadTime": "upload_time",
    "RulesKey": "rules_key",
    "RulesVersionId": "rules_version_id",
    "ExecutionArn": "execution_arn",
    "RerunID": "rerun_id",
}
_AFTER_FLAGS = {
    "TotalPass": "total_pass",
    "Rows": "rows",
    "EndTime": "end_time",
    "PreviousStatus": "previous_status",
    "PreviousSince": "previous_since",
    "Change": "change",
    "FailingSince": "failing_since",
    "FailingRuns": "failing_runs",
    "Notified": "notified",
    "ReportKey": "report_key",
    "FlagsKey": "flags_key",
    "CleanKey": "clean_key",
    "QuarantineKey": "quarantine_key",
}
WHOLE_NUMBERS = ("size", "rows", "failing_runs")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the checks on one version of a stream's file: a row of QCSummary, or what will become one.

    A field is None until the run has it. `group_id` to `version_id` are as the request gave them, so they may be invalid
    where the run is REJECTED. `flags` holds one flag for each process that has ended. `previous_status` to `failing_runs` say
    how the run changed the state of its stream (pipeline.streams); `failing_since` and `failing_runs` are set where the same
    checks failed before. `rerun_id` is of the rerun in bulk that asked for it. `in_parts` says that the file is to be checked in
    parts. It, `results` and `repeat_of` are passed between the steps and are not stored.
    """

    qcpid: str
    execution_arn: str
    status: Status
    group_id: str | None = None
    stream_id: str | None = None
    start_time: str | None = None
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None
    size: int | None = None
    upload_time: str | None = None
    rules_key: str | None = None
    rules_version_id: str | None = None
    rerun_id: str | None = None
    flags: Mapping[int, bool] = field(default_factory=dict)
    total_pass: bool | None = None
    rows: int | None = None
    end_time: str | None = None
    previous_status: str | None = None
    previous_since: str | None = None
    change: Change | None = None
    failing_since: str | None = None
    failing_runs: int | None = None
    notified: bool | None = None
    report_key: str | None = None
    flags_key: str | None = None
    clean_key: str | None = None
    quarantine_key: str | None = None
    failure: Failure | None = None
    results: tuple[ProcessResult, ...] = ()
    repeat_of: str | None = None
    in_parts: bool = False

    @property
    def has_row(self) -> bool:
        """Whether the run is in QCSummary. A run without a valid group cannot be."""
        return self.start_time is not None

    @property
    def rules(self) -> str | None:
        """`file` if a rules file applies to the run, `none` if not; None until StartQC has looked."""
        if self.version_id is None or self.size is None:
            return None
        return "file" if self.rules_key else "none"

    @property
    def row_key(self) -> Item:
        """The key of the run's row in QCSummary."""
        return {"GroupID": self.group_id, "StartTime": self.start_time}

    @property
    def file(self) -> ObjectVersion:
        """The version that the run reads. Raises ValueError before StartQC has located it."""
        if self.key is None or self.version_id is None or self.size is None:
            raise ValueError(f"run {self.qcpid} has no file yet")
        return ObjectVersion(self.key, self.version_id, self.size)

    def to_item(self) -> Item:
        """Returns the run as a QCSummary row."""
        item = {attribute: getattr(self, name) for attribute, name in _BEFORE_FLAGS.items()}
        item |= {pass_field(process): int(passed) for process, passed in self.flags.items()}
        item |= {attribute: getattr(self, name) for attribute, name in _AFTER_FLAGS.items()}
        item |= {
            "Rules": self.rules,
            "Status": str(self.status),
            "Change": None if self.change is None else str(self.change),
            "TotalPass": None if self.total_pass is None else int(self.total_pass),
        }
        if self.failure is not None:
            item |= {"Error": self.failure.error, "Cause": self.failure.cause}
        return _without_none(item)

    @classmethod
    def from_item(cls, item: Item) -> Run:
        """Returns the run in a QCSummary row."""
        fields = {
            name: item[attribute] for attribute, name in (_BEFORE_FLAGS | _AFTER_FLAGS).items() if attribute in item
        }
        fields |= {name: int(fields[name]) for name in WHOLE_NUMBERS if name in fields}
        fields["status"] = Status(item["Status"])
        if "Change" in item:
            fields["change"] = Change(item["Change"])
        if "TotalPass" in item:
            fields["total_pass"] = item["TotalPass"] == 1
        flags = {process: item[pass_field(process)] == 1 for process in PROCESSES if pass_field(process) in item}
        return cls(**fields, flags=flags, failure=_failure_in(item))

    def to_payload(self) -> Payload:
        """Returns the run as the steps pass it on: the row, the processes' results and `RepeatOf`."""
        payload = self.to_item()
        if self.results:
            payload["Results"] = [result.to_payload() for result in self.results]
        if self.repeat_of is not None:
            payload["RepeatOf"] = self.repeat_of
        if self.in_parts:
            payload["InParts"] = True
        return payload

    @classmethod
    def from_payload(cls, payload: Payload) -> Run:
        """Returns the run that a step was given."""
        run = cls.from_item(payload)
        results = tuple(map(ProcessResult.from_payload, payload.get("Results", ())))
        in_parts = payload.get("InParts") is True
        return replace(run, results=results, repeat_of=payload.get("RepeatOf"), in_parts=in_parts)


def _failure_in(payload: Payload) -> Failure | None:
    return Failure(str(payload["Error"]), str(payload.get("Cause", ""))) if "Error" in payload else None


def _without_none(values: Item) -> Item:
    return {name: value for name, value in values.items() if value is not None}
