"""What the API answers and the pages show. The names are those of the tables; a field that a record does not have is None."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

StreamStatus = Literal["ERROR", "FAIL", "OVERDUE", "PASS"]
RunStatus = Literal["RUNNING", "PASS", "FAIL", "ERROR", "REJECTED"]
STREAM_STATUSES: tuple[StreamStatus, ...] = ("ERROR", "FAIL", "OVERDUE", "PASS")
RUN_STATUSES: tuple[RunStatus, ...] = ("RUNNING", "PASS", "FAIL", "ERROR", "REJECTED")
Next = Annotated[str | None, Field(description="Give it as `cursor` to get what follows; null where nothing does.")]


class Stream(BaseModel):
    """A stream and its newest state: an item of QCStreams."""

    GroupID: str
    StreamID: str
    Status: Annotated[str, Field(description="PASS, FAIL, ERROR or OVERDUE.")]
    Since: Annotated[str, Field(description="When the stream got this status.")]
    QCPID: Annotated[str | None, Field(description="The run of its newest file.")] = None
    StartTime: str | None = None
    UploadTime: str | None = None
    DueAt: Annotated[str | None, Field(description="When its next file is due, where its rules say so.")] = None
    FailingSince: str | None = None
    FailingRuns: Annotated[int | None, Field(description="Runs in a row in which the same checks failed.")] = None


class Streams(BaseModel):
    """Streams, those with problems first, and of one status those that changed last."""

    Streams: list[Stream]
    Cursor: Next = None


class Run(BaseModel):
    """A run: a row of QCSummary."""

    GroupID: str
    StreamID: str | None = None
    StartTime: str
    QCPID: str
    Status: Annotated[str, Field(description="RUNNING, PASS, FAIL, ERROR or REJECTED.")]
    Bucket: str | None = None
    Key: str | None = None
    VersionId: str | None = None
    Size: int | None = None
    UploadTime: str | None = None
    Rules: Annotated[str | None, Field(description="`file` where a rules file judged the run, else `none`.")] = None
    RulesKey: str | None = None
    RulesVersionId: str | None = None
    ExecutionArn: str
    Process1Pass: int | None = None
    Process2Pass: int | None = None
    Process3Pass: int | None = None
    TotalPass: int | None = None
    Rows: int | None = None
    EndTime: str | None = None
    PreviousStatus: str | None = None
    PreviousSince: str | None = None
    Change: Annotated[str | None, Field(description="FIRST, SAME or CHANGED.")] = None
    FailingSince: str | None = None
    FailingRuns: int | None = None
    Notified: bool | None = None
    ReportKey: str | None = None
    FlagsKey: str | None = None
    CleanKey: str | None = None
    QuarantineKey: str | None = None
    Error: str | None = None
    Cause: str | None = None


class Runs(BaseModel):
    """Runs, the newest first."""

    Runs: list[Run]
    Cursor: Next = None


class Example(BaseModel):
    """An offending row."""

    Row: Annotated[int, Field(description="Its number among the data rows, from 1.")]
    Value: str | None = None
    Reason: str
    Line: int | None = None
    Time: str | None = None


class Check(BaseModel):
    """The result of one check: an item of QCDetails. The counts are rows by flag."""

    Check: Annotated[str, Field(description="`<process>#<field>#<test>`; the field is `*` for the whole file.")]
    Pass: int
    Rows: int
    Good: int
    NotEvaluated: int
    Suspect: int
    Fail: int
    Missing: int
    Message: str
    Examples: Annotated[list[Example], Field(description="The first 20 offending rows.")]
    Truncated: bool


class RunWithChecks(Run):
    """A run with its checks, or the first of them."""

    Checks: list[Check]
    Cursor: Next = None


class Started(BaseModel):
    """A run that has been started. Its row has this ExecutionArn."""

    ExecutionArn: str
    StartDate: str


class Rerun(BaseModel):
    """A rerun in bulk, or a what-if: an execution of the second state machine."""

    ExecutionArn: str
    Status: Annotated[str, Field(description="RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.")]
    StartDate: str
    StopDate: str | None = None
    Error: str | None = None
    Cause: Annotated[str | None, Field(description="Why it failed, or was stopped.")] = None
    Selection: Annotated[str, Field(description="Its input, as JSON: which files.")]
    Files: Annotated[int | None, Field(description="How many files it runs; null until they are listed.")] = None
    Done: int | None = None
    Running: int | None = None
    Failed: Annotated[
        int | None, Field(description="Runs that ended as ERROR; they are among those that are done.")
    ] = None


class Reruns(BaseModel):
    """The last reruns in bulk, the newest first."""

    Reruns: list[Rerun]


class Link(BaseModel):
    """Where a report is, for a quarter of an hour; the header Location says the same."""

    Location: str


class Problem(BaseModel):
    """Why a request was refused."""

    Error: str
    Cause: Annotated[str, Field(description="What is wrong, for people.")]
