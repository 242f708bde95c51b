"""CheckRules: checks a rules file when it is uploaded.

In: S3's event. Out: Status VALID, INVALID_RULES or UNKNOWN_STREAM, and the MessageId where a message was sent: with every
mistake and its place, or with a hint where the name looks like a typing mistake. The `arrival` of valid rules takes effect.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import objects
from pipeline.errors import StreamNotFound
from pipeline.model import Payload
from pipeline.observe import logger, step
from pipeline.rules_checking import check, publish

SPARE_MILLISECONDS = 20_000


@step
def handler(event: Payload, context: LambdaContext) -> Payload:
    found = event["detail"]["object"]  # the key as it is: EventBridge does not encode it
    if found["key"].endswith("/"):
        return {"Ignored": found["key"]}
    try:
        file = objects.locate(found["key"], found.get("version-id"))
        notification = check(file, lambda: context.get_remaining_time_in_millis() >= SPARE_MILLISECONDS)
    except StreamNotFound as error:
        return {"Ignored": str(error)}
    if notification is None:
        return {"Status": "VALID"}
    logger.warning("rules", extra={"Status": notification.status, "Key": file.key, "VersionId": file.version_id})
    return {"Status": notification.status, **publish(file, notification)}
