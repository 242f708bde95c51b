"""What the host and the functions of an observed stack both need: which group an event is about, so which faults are its."""

from __future__ import annotations

import json
from typing import Any


def group_of(event: Any) -> str:
    """The group of an event of whichever function; empty where it tells none."""
    if not isinstance(event, dict):
        return ""
    detail = event.get("detail")
    if isinstance(detail, dict) and "executionArn" in detail:
        return group_of(json.loads(detail.get("input") or "{}"))
    if event.get("source") == "aws.s3":
        return str(event["detail"]["object"]["key"]).split("/")[1]
    return str(event.get("GroupID", ""))
