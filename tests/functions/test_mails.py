"""The five mails in docs/mails, as the functions write them. WRITE=1 writes them anew; `python -m docs.mails` draws them."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from typing import Any

import pytest

import check_arrivals
import check_rules
import send_mail
from docs.mails import MAILS, TEXTS, drawn
from pipeline import mailing
from pipeline.times import timestamp
from tests.functions.cloud import Cloud, Context, invoke
from tests.samples import SAMPLES

CHANGING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "5f0c1a52-9d1e-4f57-8a52-0d6f7c1f2b43",
    r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z": "2026-11-26T06:00:04.211873Z",
    r"20\d\d-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d+Z": "2026-11-26T06%3A00%3A04.211873Z",
    r"20\d\d-\d\d-\d\d \d\d:\d\d UTC": "2026-11-26 06:00 UTC",
}


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "WAIT_SECONDS", 0)


def mailed(cloud: Cloud, window: str) -> str:
    """Sends the mail of a window. Returns its subject and text, with what changes from run to run made the same."""
    context: Any = Context()
    send_mail.handler({"time": window}, context)
    (sent,) = cloud.mails()
    text = f"Subject: {sent['Subject']}\n\n{sent['Message']}\n"
    for pattern, same in CHANGING.items():
        text = re.sub(pattern, same, text)
    return text


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def pass_alone(cloud: Cloud) -> None:
    cloud.upload("rules/default.yaml", sample("rules/default.yaml"))
    cloud.checked("streams/seattle/2015.csv", sample("streams/sandbox/gap.csv").split(b"2015/02")[0])


def fail_alone(cloud: Cloud) -> None:
    cloud.upload("rules/default.yaml", sample("rules/default.yaml"))
    cloud.checked("streams/sandbox/gap.csv", sample("streams/sandbox/gap.csv"))


def digest_of_200(cloud: Cloud) -> None:
    """Three runs, of which the messages of two are repeated for as many streams as make 200."""
    pass_alone(cloud)
    cloud.checked("streams/north/s1.csv", sample("streams/sandbox/gap.csv"))
    hot = sample("streams/sandbox/gap.csv").split(b"2015/02")[0].replace(b",4.4,", b",444,")
    cloud.checked("streams/south/s1.csv", hot)
    times = {"seattle": 148, "north": 40, "south": 12}
    url = cloud.queues["outbox"]
    for message in cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        cloud.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        envelope = json.loads(message["Body"])
        record = json.loads(envelope["Message"])
        for number in range(1, times[record["GroupID"]] + 1):
            again = {
                **record,
                "StreamID": f"s{number}",
                "Text": record["Text"].replace(record["StreamID"], f"s{number}"),
            }
            copy = {**envelope, "MessageId": f"{record['GroupID']} {number}", "Message": json.dumps(again)}
            cloud.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(copy))


def overdue(cloud: Cloud) -> None:
    cloud.upload("rules/buoy7.yaml", "arrival: {every: 1 h, grace: 15 min}")
    key = "streams/buoy7/waves.csv"
    cloud.checked(key)
    cloud.sqs.receive_message(QueueUrl=cloud.queues["outbox"])  # its own message is not part of the picture
    cloud.age(key, days=1)
    early = timestamp(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    cloud.table("QCStreams").update_item(
        Key={"GroupID": "buoy7", "StreamID": "waves"},
        UpdateExpression="SET UploadTime = :t, DueAt = :t",
        ExpressionAttributeValues={":t": early},
    )
    invoke(check_arrivals.handler, {})


def invalid_rules(cloud: Cloud) -> None:
    cloud.checked("streams/seattle/airport.csv", sample("streams/sandbox/gap.csv"))
    cloud.sqs.receive_message(QueueUrl=cloud.queues["outbox"])  # its own message is not part of the picture
    key = "rules/seattle.yaml"
    body = (
        "schema: {fields: [{name: date, type: date}, {name: wind, type: numbr}]}\n"
        "streams: {wind: {qartod: {spike_test: {suspect_treshold: 3}}, temp_max: {qartod: {}}}}\n"
    )
    invoke(check_rules.handler, cloud.event(key, cloud.upload(key, body)))


MAKERS = {
    "pass": pass_alone,
    "fail": fail_alone,
    "digest": digest_of_200,
    "overdue": overdue,
    "invalid_rules": invalid_rules,
}


@pytest.mark.parametrize("name", MAILS)
def test_mail_in_the_docs_is_what_people_get(cloud: Cloud, name: str) -> None:
    MAKERS[name](cloud)
    text = mailed(cloud, f"the window of {name}")
    path = TEXTS / f"{name}.txt"
    if os.environ.get("WRITE"):
        path.write_text(text)
    assert path.read_text() == text
    assert path.with_suffix(".svg").read_text() == drawn(text)
    lines = text.splitlines()
    assert lines[2]  # what to know
    assert lines[-1].startswith(("aws ", "stream-qc "))  # what to type
