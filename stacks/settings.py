"""The settings of the stack: `-c name=value`, or the context in cdk.json."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from constructs import Node

EMAIL_FOR = ("all", "problems", "changes")


@dataclass(frozen=True)
class Settings:
    """The settings of the stack, by their names in the context.

    name: the name of the stack. alertEmail: who gets the mails, one address or a list. alarmEmail: who gets the alarms; by
    default the same. emailWindowSeconds: how long messages are gathered for one mail. emailFor: what is mailed. detailsDays: days
    after which QCDetails items expire; 0 keeps them. reconcileHours: hours between two runs of Reconcile. splitAboveMiB: files
    above it are checked in parts of an eighth of it; 0 for never. partsAtOnce: how many parts of a file a process checks at once.
    reports: whether each run writes a report; without, no file is checked in parts, and there are no reruns in bulk.
    rerunsAtOnce: how many runs of a rerun in bulk go on at once, unless its input says so. reportLinkHours: for how long a link
    to a report works for whoever has it; 0 for a link to S3's console. api, dashboard: whether the stack has them.
    processMemoryMiB: the memory of a QC process; 1,769 is one CPU on AWS, 3,538 two. kms: a KMS key of the customer for
    everything that is stored. streamBucket, summaryTable, detailsTable, streamsTable: the names of a bucket and of tables that
    exist, used instead of new ones. target: `aws`, or `local` for packages that run on this machine. packages: false leaves out
    the packages, for template tests.
    """

    name: str = "StreamQC"
    alert_emails: tuple[str, ...] = ()
    alarm_emails: tuple[str, ...] = ()
    email_window_seconds: int = 60
    email_for: str = "all"
    stream_bucket: str | None = None
    summary_table: str | None = None
    details_table: str | None = None
    streams_table: str | None = None
    details_days: int = 0
    reconcile_hours: int = 6
    kms: bool = False
    reports: bool = True
    report_link_hours: int = 0
    api: bool = True
    dashboard: bool = True
    process_memory_mib: int = 1769
    split_above_mib: int = 1024
    parts_at_once: int = 40
    reruns_at_once: int = 40
    target: str = "aws"
    packages: bool = True

    @classmethod
    def from_context(cls, node: Node) -> Settings:
        """Returns the settings in the CDK's context. Raises ValueError, naming the setting."""

        def given(name: str, default: Any) -> Any:
            value = node.try_get_context(name)
            return default if value is None else value

        target = str(given("target", "aws"))
        if target not in ("aws", "local"):
            raise ValueError(f"target is {target!r}; it must be aws or local")
        name = str(given("name", "StreamQC"))
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,79}", name):
            raise ValueError(f"name is {name!r}; it must be 1 to 80 letters, digits and hyphens, a letter first")
        email_for = str(given("emailFor", "all"))
        if email_for not in EMAIL_FOR:
            raise ValueError(f"emailFor is {email_for!r}; it must be one of {', '.join(EMAIL_FOR)}")
        window = _whole("emailWindowSeconds", given("emailWindowSeconds", 60), 60, 3600)
        if window % 60:
            raise ValueError(f"emailWindowSeconds is {window}; it must be whole minutes: 60, 120 and so on up to 3,600")
        alert_emails = _emails("alertEmail", given("alertEmail", []))
        return cls(
            name=name,
            alert_emails=alert_emails,
            alarm_emails=_emails("alarmEmail", given("alarmEmail", [])) or alert_emails,
            email_window_seconds=window,
            email_for=email_for,
            stream_bucket=given("streamBucket", None),
            summary_table=given("summaryTable", None),
            details_table=given("detailsTable", None),
            streams_table=given("streamsTable", None),
            reconcile_hours=_whole("reconcileHours", given("reconcileHours", 6), 1, 24),
            kms=_truth("kms", given("kms", "false")),
            reports=_truth("reports", given("reports", "true")),
            api=_truth("api", given("api", "true")),
            dashboard=_truth("dashboard", given("dashboard", "true")),
            report_link_hours=_whole("reportLinkHours", given("reportLinkHours", 0), 0, 12),
            details_days=_whole("detailsDays", given("detailsDays", 0), 0, 36500),
            process_memory_mib=_whole("processMemoryMiB", given("processMemoryMiB", 1769), 512, 10240),
            split_above_mib=_whole("splitAboveMiB", given("splitAboveMiB", 1024), 0, 51200),
            parts_at_once=_whole("partsAtOnce", given("partsAtOnce", 40), 1, 1000),
            reruns_at_once=_whole("rerunsAtOnce", given("rerunsAtOnce", 40), 1, 1000),
            target=target,
            packages=_truth("packages", given("packages", "true")),
        )


def _emails(name: str, value: Any) -> tuple[str, ...]:
    addresses = [value] if isinstance(value, str) else list(value)
    addresses = [part.strip() for address in addresses for part in str(address).split(",") if part.strip()]
    for address in addresses:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            raise ValueError(f"{name}: {address!r} is not an email address")
    return tuple(dict.fromkeys(addresses))


def _truth(name: str, value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError(f"{name} is {value!r}; it must be true or false")
    return str(value).lower() == "true"


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if not re.fullmatch(r"\d+", str(value)) or not least <= int(value) <= most:
        raise ValueError(f"{name} is {value!r}; it must be a whole number from {least} to {most:,}")
    return int(value)
