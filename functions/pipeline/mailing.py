"""Sends one mail for the messages in the outbox: each message is in one mail, and no window has two.

A mail goes through three states, which its claim keeps: it gathers messages, it is being published, it was sent or refused. A
message is claimed for its mail, and leaves the outbox when that was sent. Where a function is killed, a later one takes over the
messages of a mail that was never published; those of a mail that may have been are mailed again, and the mail says so.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.aws import sns, sqs
from pipeline.claims import Done, Held, Won, claim, claim_id, complete, find, take_over
from pipeline.digest import Mail, bytes_in_mail, digest
from pipeline.environment import environment
from pipeline.notice import Notice
from pipeline.observe import logger
from pipeline.publishing import was_refused
from pipeline.times import now

MOST_MESSAGES = 20_000  # of a mail; the others wait for the next one
NAMES_BYTES = 150_000  # of a mail: SNS takes 256 KiB
AT_ONCE = 10  # messages that SQS gives and takes in one request
IN_DOUBT = " in doubt"  # of a claim on a message: an earlier mail may have had it
WAIT_SECONDS = 1  # for a message; a shorter look may miss some


class Progress(enum.Enum):
    """How far the mail has come that claimed a message earlier. UNKNOWN: it may have been sent."""

    GATHERING = enum.auto()
    NOT_SENT = enum.auto()
    UNKNOWN = enum.auto()
    SENT = enum.auto()


@dataclass
class Counts:
    """What one invocation did."""

    messages: int = 0
    mailed: int = 0
    not_wanted: int = 0
    repeated: int = 0

    def to_payload(self) -> dict[str, int]:
        names = {name: "".join(word.capitalize() for word in name.split("_")) for name in dataclasses.asdict(self)}
        return {names[name]: count for name, count in dataclasses.asdict(self).items()}


def send(window: str, longest: dt.timedelta) -> Counts:
    """Sends the mail of a window, unless it has one or there is nothing to say.

    longest: after this time an invocation is over, whatever became of it. Until then no other one gets the messages that it has.
    """
    counts, mail = Counts(), f"{now()} {uuid.uuid4()}"
    if not isinstance(claim(claim_id("MailWindow", window), mail), Won):
        return counts
    notices: dict[str, Notice] = {}
    finished: list[str] = []
    for notice in _received(longest):
        counts.messages += 1
        if notice.message_id in notices:  # SQS may deliver twice
            counts.repeated += 1
            finished.append(notice.receipt)
            continue
        if not notice.is_wanted(environment().email_for):
            counts.not_wanted += 1
            finished.append(notice.receipt)
            continue
        former = _claimed(notice, mail, longest)
        if former == Progress.SENT:
            counts.repeated += 1
            finished.append(notice.receipt)
        elif former != Progress.GATHERING:  # another invocation is sending it
            # Of the others, only a mail about a single message needs it.
            text = notice.text if notice.is_asked_for or not notices else ""
            in_doubt = former == Progress.UNKNOWN
            notices[notice.message_id] = dataclasses.replace(notice, text=text, in_doubt=in_doubt)
    if notices:
        _publish(digest([*notices.values()]), mail)
        counts.mailed = len(notices)
    _delete([*finished, *(notice.receipt for notice in notices.values())])
    return counts


def _received(hidden: dt.timedelta) -> Iterator[Notice]:
    """Yields the messages in the outbox, as many as one mail can name. One that cannot be read stays there."""
    room = NAMES_BYTES
    for _ in range(MOST_MESSAGES // AT_ONCE):
        answer = sqs().receive_message(
            QueueUrl=environment().outbox,
            MaxNumberOfMessages=AT_ONCE,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=round(hidden.total_seconds()),
        )
        if not answer.get("Messages"):
            return
        for message in answer["Messages"]:
            try:
                notice = Notice.from_message(message["Body"], message["ReceiptHandle"])
            except (ValueError, KeyError, TypeError):
                logger.exception(
                    "a message in the outbox could not be read", extra={"SQSMessageId": message["MessageId"]}
                )
                continue
            if notice.is_wanted(environment().email_for):
                room -= bytes_in_mail(notice)
            yield notice
        if room < 0:
            return


def _claimed(notice: Notice, mail: str, longest: dt.timedelta) -> Progress:
    """Claims the message for this mail. Returns how far an earlier mail came that had claimed it; NOT_SENT if there was none."""
    own = claim_id("Mailed", notice.message_id)
    held = claim(own, mail)
    if not isinstance(held, Held):
        return Progress.NOT_SENT
    former = _progress(held.owner.removesuffix(IN_DOUBT), longest)
    if former == Progress.NOT_SENT and held.owner.endswith(IN_DOUBT):  # one before that may have been sent
        former = Progress.UNKNOWN
    mine = mail + IN_DOUBT if former == Progress.UNKNOWN else mail
    if former in (Progress.GATHERING, Progress.SENT) or take_over(own, mine, held.owner):
        return former
    return Progress.GATHERING


def _progress(mail: str, longest: dt.timedelta) -> Progress:
    found = find(claim_id("Mail", mail))
    result = found.result if isinstance(found, Done) else ""
    if result == "Sent":
        return Progress.SENT
    if _age(mail) < longest and result != "Refused":
        return Progress.GATHERING
    return Progress.UNKNOWN if result == "Publishing" else Progress.NOT_SENT


def _age(mail: str) -> dt.timedelta:
    return dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(mail.split(maxsplit=1)[0])


def _publish(mail: Mail, name: str) -> None:
    own = claim_id("Mail", name)
    client, topic = sns(), environment().email_topic
    claim(own, name)
    complete(own, name, "Publishing")
    try:
        client.publish(TopicArn=topic, Subject=mail.subject, Message=mail.text)
    except Exception as error:
        if was_refused(error):
            complete(own, name, "Refused")
        raise
    complete(own, name, "Sent")


def _delete(receipts: list[str]) -> None:
    """Takes messages out of the outbox. A later window finds that a message which stays was mailed, and takes it out."""
    for first in range(0, len(receipts), AT_ONCE):
        some = receipts[first : first + AT_ONCE]
        entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(some)]
        answer = sqs().delete_message_batch(QueueUrl=environment().outbox, Entries=entries)  # type: ignore[arg-type]
        for failed in answer.get("Failed", []):
            logger.warning("a message stays in the outbox", extra={"Fault": json.dumps(failed)})
