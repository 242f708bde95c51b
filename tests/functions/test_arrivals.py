"""Files that must come: each silence is announced once, whatever happens meanwhile."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Any

import pytest

import check_arrivals
import check_rules
from pipeline import arrivals, rules_checking, streams
from pipeline.model import StreamId
from pipeline.times import timestamp
from tests.functions.cloud import QUARTER, Cloud, LambdaError, Payload, client_error, invoke

RULES = "arrival: {every: 1 h, grace: 15 min}"
KEY = "streams/g/s.csv"


class Clock:
    """The time that the functions see; files are written at the real time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.later = dt.timedelta()
        for module in (arrivals, rules_checking):
            monkeypatch.setattr(module, "now", lambda: timestamp(dt.datetime.now(dt.UTC) + self.later))

    def advance(self, **span: float) -> None:
        self.later += dt.timedelta(**span)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def look() -> dict[str, int]:
    return invoke(check_arrivals.handler, {})


def upload_rules(cloud: Cloud, key: str, body: str = RULES) -> Payload:
    """Uploads rules, and has them checked as their event does."""
    return invoke(check_rules.handler, cloud.event(key, cloud.upload(key, body)))


def item(cloud: Cloud, stream: str = "s") -> Payload:
    found: Payload = cloud.table("QCStreams").get_item(Key={"GroupID": "g", "StreamID": stream}).get("Item", {})
    return found


def statuses(cloud: Cloud) -> list[str]:
    return [one["Summary"]["Status"] for one in cloud.messages()]


def test_silence_is_announced_once_and_its_end_is_told(cloud: Cloud, clock: Clock) -> None:
    cloud.upload("rules/g.yaml", RULES)
    version = cloud.upload(KEY)
    cloud.age(KEY, 10 / 86400)  # S3 gives whole seconds, in which the file that ends the silence might lie, too
    cloud.execute(cloud.event(KEY, version))
    clock.advance(minutes=74)
    assert look() == {"Due": 0, "Announced": 0, "Moved": 0}
    clock.advance(minutes=2)
    assert look() == {"Due": 1, "Announced": 1, "Moved": 0}
    assert look() == {"Due": 0, "Announced": 0, "Moved": 0}
    clock.advance(days=3)
    look()
    overdue = cloud.messages()[1]
    assert overdue["Subject"] == "[QC OVERDUE] g/s"
    assert overdue["MessageAttributes"]["Status"]["Value"] == "OVERDUE"
    text = overdue["Summary"]["Text"].splitlines()
    assert text[0].startswith("OVERDUE: g/s (a file was due at 2")
    assert "a file must come within 1 h 15 min." in text[1]
    assert text[-1] == "aws s3 ls --recursive s3://streams/streams/g/s"
    assert item(cloud)["Status"] == "OVERDUE"
    back = cloud.checked(KEY, QUARTER + "2015/01/02,1.0,5.6,-3.2,1.2,sun\n")
    assert statuses(cloud) == ["PASS", "OVERDUE", "PASS"]
    (row,) = cloud.rows(QCPID=back.output["QCPID"])
    assert (row["PreviousStatus"], row["Change"]) == ("OVERDUE", "CHANGED")
    assert item(cloud)["Due"]


def test_rerun_does_not_end_a_silence(cloud: Cloud, clock: Clock) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    clock.advance(hours=2)
    look()
    rerun = cloud.execute({"GroupID": "g", "StreamID": "s"})
    assert item(cloud)["Status"] == "OVERDUE"
    assert (rerun.output["PreviousStatus"], rerun.output["Change"]) == ("OVERDUE", "SAME")
    assert look()["Announced"] == 0
    assert statuses(cloud) == ["PASS", "OVERDUE", "PASS"]


def test_stream_that_has_never_sent_a_file_is_missed(cloud: Cloud, clock: Clock) -> None:
    assert upload_rules(cloud, "rules/g/s.yaml") == {"Status": "VALID"}
    clock.advance(hours=2)
    assert look()["Announced"] == 1
    assert "It has sent no file yet." in cloud.messages()[0]["Summary"]["Text"]
    cloud.checked(KEY)
    assert statuses(cloud) == ["OVERDUE", "PASS"]


@pytest.mark.parametrize("key", ["rules/g.yaml", "rules/default.yaml"])
def test_wider_rules_hold_for_streams_that_were_seen(cloud: Cloud, clock: Clock, key: str) -> None:
    cloud.checked(KEY)
    cloud.checked("streams/g/own.csv")
    cloud.upload("rules/g/own.yaml", "rows: {minimum: 1}")
    upload_rules(cloud, key)
    clock.advance(hours=2)
    assert look()["Announced"] == 1
    assert (item(cloud)["Status"], item(cloud, "own")["Status"]) == ("OVERDUE", "PASS")


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        ("arrival: {every: 1 d}", {"Due": 1, "Announced": 0, "Moved": 1}),
        ("rows: {minimum: 1}", {"Due": 1, "Announced": 0, "Moved": 1}),
        ("arrival: {every: 10 min}", {"Due": 1, "Announced": 1, "Moved": 0}),
        (
            "arrival: {every: soon}",
            {"Due": 1, "Announced": 1, "Moved": 0},
        ),  # as long as they cannot be used, those before hold
    ],
)
def test_rules_that_change_while_a_stream_is_late(
    cloud: Cloud, clock: Clock, rules: str, counts: dict[str, int]
) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    cloud.upload("rules/g.yaml", rules)  # the event of this upload is lost
    clock.advance(hours=2)
    assert look() == counts
    assert look()["Announced"] == 0


def test_rules_without_arrival_end_the_waiting(cloud: Cloud, clock: Clock) -> None:
    upload_rules(cloud, "rules/g/s.yaml")
    upload_rules(cloud, "rules/g/s.yaml", "rows: {minimum: 1}")
    clock.advance(days=2)
    assert look()["Due"] == 0


def test_file_that_is_being_checked_has_come(cloud: Cloud, clock: Clock) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    cloud.age(KEY, 1)
    table = cloud.table("QCStreams")
    early = timestamp(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    table.update_item(
        Key={"GroupID": "g", "StreamID": "s"},
        UpdateExpression="SET UploadTime = :t, DueAt = :t",
        ExpressionAttributeValues={":t": early},
    )
    cloud.upload(KEY, QUARTER)  # its run has not ended
    clock.advance(minutes=5)
    assert look() == {"Due": 1, "Announced": 0, "Moved": 1}
    assert look()["Due"] == 0  # it costs nothing until the next one is late
    clock.advance(hours=2)
    assert look() == {"Due": 1, "Announced": 1, "Moved": 0}  # also where that run never came to a verdict
    assert "Its last file came at " in cloud.messages()[-1]["Summary"]["Text"]


def test_stream_that_cannot_be_looked_at_keeps_no_other_from_being_announced(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.upload("rules/g.yaml", RULES)
    for name in ("a", "b", "c"):
        cloud.checked(f"streams/g/{name}.csv")
    clock.advance(hours=2)
    real = arrivals._newest

    def newest(stream: StreamId) -> str | None:
        if stream.stream_id == "b":
            raise RuntimeError("its rules may not be read")
        return real(stream)

    monkeypatch.setattr(arrivals, "_newest", newest)
    with pytest.raises(LambdaError, match="may not be read"):
        look()
    assert statuses(cloud).count("OVERDUE") == 2
    monkeypatch.setattr(arrivals, "_newest", real)
    assert look()["Announced"] == 1


def test_run_that_ends_while_its_stream_is_looked_at_is_not_overdue(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    clock.advance(hours=2)
    real = streams.write

    def write(*args: Any, **kwargs: Any) -> bool:
        monkeypatch.setattr(streams, "write", real)
        cloud.checked(KEY, QUARTER + " ")
        return real(*args, **kwargs)

    monkeypatch.setattr(streams, "write", write)
    assert look()["Announced"] == 0
    assert "OVERDUE" not in statuses(cloud)


@pytest.mark.parametrize("first", [0, 1])
def test_rules_take_effect_as_they_are_now(cloud: Cloud, first: int) -> None:
    """Events of two versions may come in any order."""
    key = "rules/g/s.yaml"
    events = [cloud.event(key, cloud.upload(key, body)) for body in ("rows: {minimum: 1}", RULES)]
    for event in (events[first], events[1 - first]):
        invoke(check_rules.handler, event)
    assert "DueAt" in item(cloud)


def test_command_of_a_strange_name_is_one_word(cloud: Cloud, clock: Clock) -> None:
    name = "$(touch pwned) `id`"
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(f"streams/g/{name}.csv")
    clock.advance(hours=2)
    look()
    command = cloud.messages()[-1]["Summary"]["Text"].splitlines()[-1]
    assert shlex.split(command) == ["aws", "s3", "ls", "--recursive", f"s3://streams/streams/g/{name}"]


@pytest.mark.parametrize(
    ("operation", "after"),
    [(name, after) for name in ("Publish", "UpdateItem", "PutItem", "Query", "GetItem") for after in (False, True)],
)
def test_silence_is_announced_once_whatever_call_fails(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch, operation: str, after: bool
) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    clock.advance(hours=2)
    error = client_error(operation, "InternalError", 500) if after else client_error(operation, "AccessDenied", 403)
    cloud.break_calls(operation, error, times=1, after=after)
    over = dt.timedelta(seconds=-1)
    monkeypatch.setattr(
        check_arrivals, "over_after", lambda _left: over
    )  # so that the lock of a killed invocation is over
    failed = []
    for _ in range(3):
        try:
            check_arrivals.handler({}, Timed())  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001  # whatever it is, the schedule comes again
            failed.append(type(error).__name__)
    cloud.mend_calls()
    sent = statuses(cloud).count("OVERDUE")
    assert sent == 1 or (sent == 0 and "SummaryNotConfirmed" in failed)
    assert item(cloud)["Status"] == "OVERDUE"


class Timed:
    """The context of an invocation, with time left or not."""

    aws_request_id = "r"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def test_what_there_is_no_time_for_is_late_in_the_next_invocation(cloud: Cloud, clock: Clock) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked(KEY)
    clock.advance(hours=2)
    none: Any = Timed(0)
    assert check_arrivals.handler({}, none)["Announced"] == 0
    assert look()["Announced"] == 1


def test_streams_are_spread_over_the_index() -> None:
    shards = {streams.due_after("g", f"s{number}", "2026-01-01T00:00:00.000000Z", 1)["Due"] for number in range(100)}
    assert len(shards) == streams.DUE_SHARDS
