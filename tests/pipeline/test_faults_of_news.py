"""Faults in every call of SendMail, CheckRules and CheckArrivals: what they tell is told, once, or an alarm rings."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.page import Api
from local.pipeline import Inbox, Pipeline, until
from pipeline.claims import claim_id
from tests.observed.stack import observed_pipeline
from tests.pipeline.conftest import QUARTER, claims_table, invoker
from tests.pipeline.faults import ALWAYS, Fault, calls_by_function, every_fault, happened, plant, pull

WHOLE = os.environ.get("FAULTS") == "all"
SAMPLE = 4
LONGEST_SECONDS = 15  # of a function; beside other tests its start alone may take several
AT_ONCE = 16
OVER_SECONDS = 1.2 * LONGEST_SECONDS + 1  # until what a killed function held is free
BAD_RULES = b"{rows: {minimum: many}}"
ARRIVAL = b"arrival: {every: 1 s}"


@pytest.fixture(scope="module")
def observed() -> Iterator[tuple[Pipeline, Path]]:
    """Yields a pipeline whose functions can be broken, and whose schedules stand still."""
    with observed_pipeline(LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.1", OBSERVED_SECONDS=str(LONGEST_SECONDS)) as found:
        events = found[0].aws.client("events")
        for rule in events.list_rules()["Rules"]:
            if "MailSchedule" in rule["Name"] or "ArrivalSchedule" in rule["Name"]:
                events.disable_rule(Name=rule["Name"])
        yield found


@pytest.fixture(scope="module")
def told(observed: tuple[Pipeline, Path]) -> Inbox:
    return Inbox(observed[0], "told")


def statuses(inbox: Inbox, group: str) -> list[str]:
    """Returns the statuses of the messages about a group, but for those of its runs."""
    summaries = [message["Summary"] for message in inbox.everything()]
    return [one["Status"] for one in summaries if one.get("GroupID") == group and "QCPID" not in one]


def chosen_of(
    folder: Path, function: str, group: str, keep: Callable[[Fault], bool] = lambda _fault: True
) -> list[Fault]:
    """Returns the faults of the calls that a function made for a group: all, or in the suite another kind at another place each."""
    calls = {function: calls_by_function(folder, group)[function]}
    faults = [fault for fault in every_fault(calls) if keep(fault)]
    return faults if WHOLE else sorted(faults, key=lambda fault: fault.group)[:SAMPLE]


def sure_in(mail: str) -> str:
    """Returns a mail without the streams that may have been mailed before; "" if that is its only one."""
    doubtful = mail.partition("May have been mailed before: ")[2].partition("\n")[0].split(", ")
    left = "" if mail.startswith("This may have been mailed before.") else mail.partition("\nMay have been")[0]
    for name in doubtful if doubtful != [""] else ():
        left = left.replace(name, "")
    return left


def publish_copies(pipeline: Pipeline, summary: dict[str, Any], names: list[str]) -> None:
    """Publishes the summary of a run as if it were that of other streams."""
    for name in names:
        copy = {**summary, "StreamID": name, "Text": f"PASS {name}"}
        body = json.dumps({"default": json.dumps(copy), "email": copy["Text"]})
        topic = pipeline.outputs["QCResultsTopicArn"]
        status = {
            "Status": {"DataType": "String", "StringValue": "PASS"}
        }  # without any attribute, no filter lets it pass
        pipeline.sns.publish(
            TopicArn=topic, Subject="[QC PASS]", Message=body, MessageStructure="json", MessageAttributes=status
        )


def test_every_message_is_mailed_wherever_send_mail_breaks(observed: tuple[Pipeline, Path], told: Inbox) -> None:
    pipeline, folder = observed
    invoke, windows = invoker(pipeline), (str(uuid.uuid4()) for _ in iter(int, 1))
    mailbox = pipeline.subscribe_queue("mailbox", topic="QCEmailTopicArn")
    summary = told.message(pipeline.checked("streams/mailed/s.csv", QUARTER.encode()).arn)["Summary"]

    def mail(group: str = "") -> int:
        return int(invoke("SendMail", {"time": next(windows), "GroupID": group})["Messages"])

    until(lambda: mail("mailed"), "the first mail")
    chosen = chosen_of(folder, "SendMail", "mailed", lambda fault: fault.at != "invoke")
    pipeline.take(mailbox)
    names = {fault: [f"{fault.group}/{part}" for part in "ab"] for fault in chosen}
    for fault in chosen:
        publish_copies(pipeline, summary, names[fault])
        plant(folder, fault)
        with contextlib.suppress(RuntimeError):  # it breaks, and its alarm rings
            mail(fault.group)
        pull(folder, fault)
    time.sleep(OVER_SECONDS)
    until(lambda: mail() == 0, "an empty outbox", 120)
    mails = [json.loads(body)["Message"] for body in pipeline.take(mailbox)]
    # In every mail but the first, a message may only be one of which nobody knows whether it was mailed before.
    mistakes = {
        f"{fault}: {name}": often
        for fault, its in names.items()
        for name in its
        if (often := (sum(name in text for text in mails), sum(name in sure_in(text) for text in mails)))[1] > 1
        or not often[0]
    }
    assert mistakes == {}
    assert [str(fault) for fault in chosen if not happened(folder, fault)] == []
    if WHOLE:
        print(f"\n{len(chosen)} faults of SendMail, {len(mails)} mails")


def test_mistakes_in_rules_are_told_once_wherever_check_rules_breaks(
    observed: tuple[Pipeline, Path], told: Inbox
) -> None:
    pipeline, folder = observed
    undelivered = next(url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UncheckedRules" in url)
    pipeline.upload("rules/mistaken/s.yaml", BAD_RULES)
    until(lambda: statuses(told, "mistaken"), "the message about the rules")
    pipeline.upload("rules/arriving/s.yaml", ARRIVAL)
    until(lambda: pipeline.state("arriving", "s"), "the stream")
    ways = {BAD_RULES: "mistaken", ARRIVAL: "arriving"}
    chosen = [(fault, body) for body, group in ways.items() for fault in chosen_of(folder, "CheckRules", group)]
    alarmed = set[str]()

    def told_of(fault: Fault, body: bytes) -> bool:
        for letter in pipeline.take(undelivered):
            payload = json.loads(letter)
            key = payload.get("requestPayload", payload)["detail"]["object"]["key"]
            alarmed.add(key)
        if f"rules/{fault.group}/{ways[body]}.yaml" in alarmed:
            return True
        if body == ARRIVAL:
            return "DueAt" in pipeline.state(fault.group, ways[body])
        return "INVALID_RULES" in statuses(told, fault.group)

    def all_told(some: list[tuple[Fault, bytes]]) -> bool:
        return all(told_of(*one) for one in some)

    for first in range(0, len(chosen), AT_ONCE):
        some = chosen[first : first + AT_ONCE]
        for fault, body in some:
            plant(folder, fault)
            pipeline.upload(f"rules/{fault.group}/{ways[body]}.yaml", body)
        with contextlib.suppress(TimeoutError):
            until(functools.partial(all_told, some), "a message or an alarm for each", 120)
        assert [f"{fault}: {body.decode()}" for fault, body in some if not told_of(fault, body)] == []
    time.sleep(2)  # for second messages, if there were any
    twice = [
        str(fault)
        for fault, body in chosen
        if body == BAD_RULES and Counter(statuses(told, fault.group))["INVALID_RULES"] > 1
    ]
    assert twice == []
    assert [str(fault) for fault, _ in chosen if not happened(folder, fault)] == []
    # From the claim on, nobody knows whether the message was sent, and an alarm is better than a second one.
    doubtful = ("PutItem", "Publish", "UpdateItem", "leave")
    needless = [
        str(fault)
        for fault, body in chosen
        if f"rules/{fault.group}/{ways[body]}.yaml" in alarmed
        and fault.times < ALWAYS
        and not fault.at.startswith(doubtful)
    ]
    assert needless == []
    if WHOLE:
        print(f"\n{len(chosen)} faults of CheckRules, {len(alarmed)} of them with an alarm")


def test_rerun_is_run_and_told_once_wherever_the_api_breaks(observed: tuple[Pipeline, Path], told: Inbox) -> None:
    pipeline, folder = observed
    api = Api(pipeline)

    def ask(group: str) -> int:
        return int(api.request("POST", "/runs", body={"GroupID": group, "StreamID": "s"}).status_code)

    pipeline.checked("streams/asked/s.csv", QUARTER.encode())
    assert ask("asked") == 202
    chosen = chosen_of(folder, "ServeApi", "asked")
    first = {fault: pipeline.checked(f"streams/{fault.group}/s.csv", QUARTER.encode()).arn for fault in chosen}
    answers = {}
    for fault in chosen:
        plant(folder, fault)
        answers[fault] = ask(fault.group)
        pull(folder, fault)

    def reruns(fault: Fault) -> list[dict[str, Any]]:
        return [row for row in pipeline.rows(GroupID=fault.group) if row["ExecutionArn"] != first[fault]]

    until(lambda: all(reruns(fault) for fault in chosen if answers[fault] == 202), "the rows of the runs", 60)
    time.sleep(5)  # for runs that were started although the answer says otherwise
    mistakes = {}
    for fault in chosen:
        rows = reruns(fault)
        sent = [len(told.all(row["ExecutionArn"])) for row in rows]
        good = [row["Status"] for row in rows] == ["PASS"] * len(rows) and sent == [1] * len(rows) and len(rows) <= 1
        if not good or (answers[fault] == 202 and not rows):
            mistakes[str(fault)] = (answers[fault], len(rows), sent)
    assert mistakes == {}
    assert [str(fault) for fault in chosen if not happened(folder, fault)] == []
    if WHOLE:
        print(f"\n{len(chosen)} faults of ServeApi: {Counter(answers.values())}")


def test_silence_is_told_once_wherever_check_arrivals_breaks(observed: tuple[Pipeline, Path], told: Inbox) -> None:
    pipeline, folder = observed
    invoke = invoker(pipeline)

    def expect(group: str) -> None:
        """Has a stream that never sent anything wait for a file that is late."""
        pipeline.upload(f"rules/{group}/s.yaml", ARRIVAL)
        until(lambda: "DueAt" in pipeline.state(group, "s"), "the stream")
        time.sleep(1)

    expect("silent")
    assert invoke("CheckArrivals", {"GroupID": "silent"})["Announced"] >= 1
    # A function that hangs is one that is ended: its schedule comes again. The calls for one stream are those for another.
    places = (
        "enter",
        "leave",
        "PutItem 1",
        "PutItem 2",
        "Query 1",
        "GetItem 1",
        "UpdateItem 1",
        "Publish 1",
        "DeleteItem 1",
    )
    chosen = chosen_of(folder, "CheckArrivals", "silent", lambda fault: "hang" not in fault.kind and fault.at in places)
    lock = {"id": {"S": claim_id("Arrivals")}}
    doubtful = []
    for fault in chosen:
        group = fault.group.replace("fault", "silence")  # CheckRules meets no fault
        expect(group)
        pipeline.dynamodb.delete_item(TableName=claims_table(pipeline), Key=lock)
        plant(folder, fault)
        try:
            invoke("CheckArrivals", {"GroupID": fault.group})
        except RuntimeError as error:  # it breaks, and its alarm rings
            doubtful += [group] if "SummaryNotConfirmed" in str(error) else []
        pull(folder, fault)
        for _ in range(3):
            try:
                invoke("CheckArrivals", {})
            except RuntimeError as error:
                doubtful += [group] if "SummaryNotConfirmed" in str(error) else []
            state = pipeline.state(group, "s")
            if state.get("Status") == "OVERDUE" and "Due" not in state:
                break
            pipeline.dynamodb.delete_item(TableName=claims_table(pipeline), Key=lock)  # as if its time were over
        assert pipeline.state(group, "s").get("Status") == "OVERDUE", str(fault)
    time.sleep(2)
    mistakes = {}
    for fault in chosen:
        group = fault.group.replace("fault", "silence")
        count = Counter(statuses(told, group))["OVERDUE"]
        if count != 1 and not (count == 0 and group in doubtful):
            mistakes[str(fault)] = count
    assert mistakes == {}
    assert [str(fault) for fault in chosen if not happened(folder, fault)] == []
    if WHOLE:
        always = sum(fault.times == ALWAYS for fault in chosen)
        print(f"\n{len(chosen)} faults of CheckArrivals, {always} of them for good, {len(doubtful)} in doubt")
