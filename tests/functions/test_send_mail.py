"""The mails to people: one a window, every message in one of them, and a digest that is worth reading."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.sqs.models import sqs_backends

import check_rules
import send_mail
from pipeline import arrivals, mailing
from pipeline.environment import environment
from pipeline.model import StreamId
from pipeline.publishing import announce_once
from tests.functions.cloud import ACCOUNT, QUARTER, REGION, Cloud, Context, LambdaError, Payload, client_error, invoke

BAD = QUARTER.replace("0.0", "dry")
RULES = "schema: {fields: [{name: precipitation, type: number}, {name: wind, type: number}]}"
windows = (f"2026-11-26T10:{minute:02}:00Z" for minute in itertools.count())


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "WAIT_SECONDS", 0)


def reappear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the time pass after which a function that received messages is over, and SQS gives them to another."""
    monkeypatch.setattr(mailing, "_age", lambda _mail: dt.timedelta(days=1))
    for message in sqs_backends[ACCOUNT][REGION].queues["outbox"]._messages:
        message.change_visibility(0)


def mail() -> Payload:
    """Sends the mail of the next window. A schedule does not try again."""
    return send(next(windows))


def send(window: str) -> Payload:
    try:
        return send_mail.handler({"time": window}, Context())  # type: ignore[arg-type]
    except Exception as error:
        raise LambdaError(error) from error


def upload(cloud: Cloud, count: int, body: str, group: str = "g") -> None:
    for number in range(count):
        cloud.checked(f"streams/{group}/s{number}.csv", body)


def test_single_message_reads_as_it_is(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")
    assert mail() == {"Messages": 1, "Mailed": 1, "NotWanted": 0, "Repeated": 0}
    (summary,), (sent,) = cloud.messages(), cloud.mails()
    assert (sent["Subject"], sent["Message"]) == (summary["Subject"], summary["Summary"]["Text"])
    assert mail() == {"Messages": 0, "Mailed": 0, "NotWanted": 0, "Repeated": 0}
    assert cloud.mails() == []


def test_digest_groups_problems_by_cause(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)
    upload(cloud, 3, BAD)
    upload(cloud, 2, QUARTER, "h")
    cloud.execute({"GroupID": "g", "StreamID": "none"})
    assert mail()["Mailed"] == 6
    (sent,) = cloud.mails()
    assert sent["Subject"] == "[QC] 4 problems in 6 messages: 3 FAIL, 1 ERROR"
    lines = sent["Message"].splitlines()
    assert lines[0] == "4 problems (3 FAIL, 1 ERROR), 2 passed: 6 messages"
    at = lines.index("precipitation type (rules/g.yaml): 3 streams")
    assert lines[at + 1 : at + 4] == [
        "  g/s0, g/s1, g/s2",
        "  For example g/s0: 1 of 1 rows fails",
        "    row 1 (line 2): precipitation 'dry' is not a number (type)",
    ]
    assert "ERROR StreamNotFound: 1 stream" in lines
    assert "Passed: h/s0, h/s1" in lines
    assert lines[-1].startswith("aws stepfunctions start-execution --state-machine-arn arn:")


def test_digest_tells_what_lasts_and_what_recovered(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)
    upload(cloud, 2, BAD)
    mail()
    cloud.mails()
    cloud.checked("streams/g/s0.csv", BAD)
    cloud.checked("streams/g/s1.csv")
    mail()
    (sent,) = cloud.mails()
    lines = sent["Message"].splitlines()
    assert lines[0] == "1 problem (1 FAIL), 1 recovered, 1 passed: 2 messages"
    assert any(line.startswith("  g/s0 (since 2") and line.endswith(" UTC, 2 runs)") for line in lines)
    assert lines[lines.index("Recovered") + 1].startswith("  g/s1 (FAIL before, since 2")


@pytest.mark.parametrize(
    ("email_for", "mailed"),
    [("all", [2, 2, 2, 2, 2]), ("problems", [2, 0, 1, 1, 1]), ("changes", [2, 0, 1, 0, 1])],
)
def test_email_for_chooses_what_is_mailed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, email_for: str, mailed: list[int]
) -> None:
    monkeypatch.setenv("EMAIL_FOR", email_for)
    environment.cache_clear()
    cloud.upload("rules/g.yaml", RULES)
    counts = []
    for body in (QUARTER, QUARTER, BAD, BAD, QUARTER):
        cloud.checked("streams/g/well.csv")
        cloud.checked("streams/g/s.csv", body)
        counts.append(mail()["Mailed"])
    assert counts == mailed


def test_window_has_one_mail(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")
    assert send("2026-11-26T09:00:00Z")["Mailed"] == 1
    cloud.checked("streams/g/t.csv")
    assert send("2026-11-26T09:00:00Z")["Messages"] == 0
    assert mail()["Mailed"] == 1
    assert len(cloud.mails()) == 2


def test_message_that_sqs_delivers_twice_is_mailed_once(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.checked("streams/g/s.csv")
    (copy,) = cloud.sqs.receive_message(QueueUrl=cloud.queues["outbox"], VisibilityTimeout=0)["Messages"]
    for _ in range(2):
        cloud.sqs.send_message(QueueUrl=cloud.queues["outbox"], MessageBody=copy["Body"])
    reappear(monkeypatch)
    assert mail() == {"Messages": 3, "Mailed": 1, "NotWanted": 0, "Repeated": 2}
    cloud.sqs.send_message(QueueUrl=cloud.queues["outbox"], MessageBody=copy["Body"])
    assert mail() == {"Messages": 1, "Mailed": 0, "NotWanted": 0, "Repeated": 1}
    assert len(cloud.mails()) == 1


CALLS = [(name, number, after) for name in ("PutItem", "UpdateItem", "GetItem", "Publish", "DeleteMessageBatch", "ReceiveMessage") for number in (1, 2, 3) for after in (False, True)]  # fmt: skip


@pytest.mark.parametrize(("operation", "number", "after"), CALLS)
def test_every_message_is_mailed_once_whatever_call_fails(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, operation: str, number: int, after: bool
) -> None:
    upload(cloud, 3, QUARTER)
    error = client_error(operation, "InternalError", 500) if after else client_error(operation, "AccessDenied", 403)
    cloud.break_calls(operation, error, number=number, times=1, after=after)
    results: list[Any] = []
    for _ in range(3):
        try:
            results.append(mail())
        except LambdaError as error:
            results.append(error.error)
        reappear(monkeypatch)
    cloud.mend_calls()
    sent = cloud.mails()
    named = [name for one in sent for name in ("g/s0", "g/s1", "g/s2") if name in one["Message"]]
    assert sorted({*named}) == ["g/s0", "g/s1", "g/s2"]
    doubtful = [one for one in sent if "May have been mailed before" in one["Message"]]
    assert len(named) == 3 or doubtful


def test_unanswered_publish_is_mailed_again_with_a_word(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(cloud, 2, QUARTER)
    cloud.break_calls("Publish", ReadTimeoutError(endpoint_url="sns"), times=1, after=True)
    with pytest.raises(LambdaError):
        mail()
    cloud.mend_calls()
    assert mail()["Mailed"] == 0  # the mail may still be on its way
    reappear(monkeypatch)
    assert mail()["Mailed"] == 2
    assert "May have been mailed before: g/s0, g/s1" in cloud.mails()[-1]["Message"]


def test_refused_mail_is_sent_in_the_next_window(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(cloud, 2, QUARTER)
    cloud.break_calls("Publish", client_error("Publish", "InvalidParameter"), times=1)
    with pytest.raises(LambdaError):
        mail()
    reappear(monkeypatch)
    assert mail()["Mailed"] == 2
    (sent,) = cloud.mails()
    assert "before" not in sent["Message"]


def test_unreadable_message_does_not_hide_the_others(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")
    cloud.sqs.send_message(QueueUrl=cloud.queues["outbox"], MessageBody="{}")
    assert mail()["Mailed"] == 1
    assert len(cloud.mails()) == 1


def test_mail_of_many_names_is_one_that_sns_takes(cloud: Cloud) -> None:
    longest = "Ü" * 100
    for number in range(700):
        text = "".join(chr(0x1F300 + number % 50) for _ in range(20))
        cloud.sqs.send_message(QueueUrl=cloud.queues["outbox"], MessageBody=message(number, f"{longest}{text}{number}"))
    total = 0
    while mailed := mail()["Mailed"]:
        total += mailed
    assert total == 700
    sent = cloud.mails()
    assert len(sent) > 1
    assert all(len(one["Message"].encode()) < 256 * 1024 for one in sent)


def test_mail_of_many_causes_is_one_that_sns_takes(cloud: Cloud) -> None:
    item = {
        "Pass": 0,
        "Rows": 1,
        "Good": 0,
        "NotEvaluated": 0,
        "Suspect": 0,
        "Fail": 1,
        "Missing": 0,
        "Truncated": False,
    }
    checks = [
        {**item, "Check": f"2#{'測' * 90}{number}#minimum", "Message": "測" * 300, "Examples": []}
        for number in range(45)
    ]
    for number in range(150):
        record = {"GroupID": "g", "StreamID": f"{'測' * 120}{number}", "Status": "FAIL", "Text": "t", "Checks": checks}
        body = {"MessageId": f"m{number}", "Subject": "s", "Message": json.dumps(record)}
        cloud.sqs.send_message(QueueUrl=cloud.queues["outbox"], MessageBody=json.dumps(body))
    total = 0
    while mailed := mail()["Mailed"]:
        total += mailed
    assert total == 150
    assert max(len(one["Message"].encode()) for one in cloud.mails()) < 256 * 1024


def message(number: int, stream: str) -> str:
    """A message in SNS's envelope, as the outbox has it."""
    record = {"GroupID": "g", "StreamID": stream, "Status": "ERROR", "Error": f"E{number}", "Cause": "c", "Text": "t"}
    return json.dumps({"MessageId": f"m{number}", "Subject": "s", "Message": json.dumps(record)})


def test_digest_says_what_is_wrong_with_rules_and_when_a_file_was_due(cloud: Cloud) -> None:
    for name in ("g", "h"):
        cloud.upload("streams/g/s.csv")
        key = f"rules/{name}.yaml"
        event = cloud.event(key, cloud.upload(key, "{rows: {minimum: many}, limts: 1}"))
        invoke(check_rules.handler, event)
    overdue = arrivals.overdue(StreamId("g", "s"), {"Within": 60}, None, "2026-11-26T10:00:00.000000Z")
    announce_once("an overdue stream", lambda: overdue)
    mail()
    (sent,) = cloud.mails()
    text = sent["Message"]
    for name in ("g", "h"):
        assert f"\nINVALID_RULES rules/{name}.yaml\n  limts: unknown key" in text
    assert "g/s (due 2026-11-26 10:00 UTC)" in text
    assert text.splitlines()[-1] == "stream-qc rules g.yaml"


def test_errors_of_different_rules_have_paragraphs_of_their_own(cloud: Cloud) -> None:
    for name in ("g", "h"):
        cloud.upload(f"rules/{name}.yaml", f"{{rows: {{minimum: {name}}}}}")
        cloud.checked(f"streams/{name}/s.csv")
    mail()
    (sent,) = cloud.mails()
    for name in ("g", "h"):
        assert f"ERROR InvalidRules (rules/{name}.yaml): 1 stream\n  {name}/s" in sent["Message"]


def test_digest_ends_with_a_command(cloud: Cloud) -> None:
    cloud.checked("streams/only.csv")
    cloud.checked("streams/g/notes.md")
    cloud.checked("streams/g/s.csv", "")
    mail()
    (sent,) = cloud.mails()
    assert sent["Message"].splitlines()[-1].startswith("aws stepfunctions start-execution ")


def test_messages_that_are_not_wanted_take_no_room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_FOR", "problems")
    environment.cache_clear()
    monkeypatch.setattr(mailing, "NAMES_BYTES", 60)
    cloud.checked("streams/g/s.csv")
    for _ in range(30):
        cloud.checked("streams/g/s.csv", QUARTER)
    cloud.checked("streams/g/s.csv", "")
    assert mail()["Messages"] == 32
    (sent,) = cloud.mails()
    assert "FAIL" in sent["Message"]


def test_doubt_outlasts_a_mail_that_was_never_sent(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.checked("streams/g/s.csv")
    unanswered = ReadTimeoutError(endpoint_url="sns")
    refused = client_error("Publish", "AuthorizationError", 403)
    for error, after in ((unanswered, True), (refused, False)):
        cloud.break_calls("Publish", error, after=after)
        with pytest.raises(LambdaError):
            mail()
        cloud.mend_calls()
        reappear(monkeypatch)
    assert mail()["Mailed"] == 1
    assert cloud.mails()[-1]["Message"].startswith("This may have been mailed before.")
