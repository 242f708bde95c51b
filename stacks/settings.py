"""The settings of the stack: `-c name=value`, or the context in cdk.json."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from constructs import Node


@dataclass(frozen=True)
class Settings:
    """The settings of the stack, by their names in the context.

    alertEmail: who gets the summaries, one address or a list. alarmEmail: who gets the alarms. detailsDays: days after which
    QCDetails items expire; 0 keeps them. reconcileHours: hours between two runs of Reconcile. processMemoryMiB: the memory of
    a QC process; 1,769 is one CPU on AWS, 3,538 two. kms: a KMS key of the customer for everything that is stored. target:
    `aws`, or `local` for packages that run on this machine. packages: false leaves out the packages, for template tests.
    """

    alert_emails: tuple[str, ...] = ()
    alarm_emails: tuple[str, ...] = ()
    details_days: int = 0
    reconcile_hours: int = 6
    kms: bool = False
    process_memory_mib: int = 1769
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
        return cls(
            alert_emails=_emails("alertEmail", given("alertEmail", [])),
            alarm_emails=_emails("alarmEmail", given("alarmEmail", [])),
            reconcile_hours=_whole("reconcileHours", given("reconcileHours", 6), 1, 24),
            kms=_truth("kms", given("kms", "false")),
            details_days=_whole("detailsDays", given("detailsDays", 0), 0, 36500),
            process_memory_mib=_whole("processMemoryMiB", given("processMemoryMiB", 1769), 512, 10240),
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
