"""Finds the group that an event is about: calls are recorded, and faults planted, by group."""

from __future__ import annotations

import json
from typing import Any


def group_of(event: Any) -> str:
    """Returns the group of any function's event, or "" if the event does not name one.

    An event is an upload's event, a request to the API, an object with GroupID, the execution's input in `Input`, or EventBridge's event with the
    input as JSON in `detail.input`.
    """
    if not isinstance(event, dict):
        return ""
    if "requestContext" in event:
        asked = event.get("queryStringParameters") or {}
        return group_of(json.loads(event["body"])) if event.get("body") else str(asked.get("group", ""))
    if "Input" in event:
        return group_of(event["Input"])
    detail = event.get("detail")
    if isinstance(detail, dict) and "executionArn" in detail:
        return group_of(json.loads(detail.get("input") or "null"))
    if event.get("source") == "aws.s3" and isinstance(detail, dict):
        uploaded = detail.get("object")
        key = uploaded.get("key") if isinstance(uploaded, dict) else None
        return str(key).split("/")[1] if "/" in str(key) else ""
    return str(event.get("GroupID", ""))
