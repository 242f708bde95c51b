"""Sends events the way S3 and EventBridge send them."""

from __future__ import annotations

import json
import threading
from typing import Any

from ministack.services import eventbridge, lambda_svc, s3


def add_version_ids() -> None:
    """Adds the object's version ID to S3's events for EventBridge. MiniStack knows it, but leaves it out."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    written = threading.local()

    def fire_event(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        written.version_id = version_id
        fire(*args, version_id=version_id, **kwargs)

    def dispatch_event(event: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if event.get("Source") == "aws.s3" and getattr(written, "version_id", None):
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = written.version_id
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *args, **kwargs)

    s3._fire_s3_event = fire_event
    eventbridge._dispatch_event = dispatch_event


def invoke_functions_asynchronously() -> None:
    """Makes EventBridge invoke functions asynchronously: Lambda retries, then sends the event to the OnFailure destination."""

    def dispatch_to_lambda(arn: str, payload: str) -> None:
        function, _, _ = lambda_svc._get_func_record_for_ref(arn)
        if function:
            lambda_svc.invoke_async_with_retry(function, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch_to_lambda
