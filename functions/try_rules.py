"""TryRules: checks a file by the candidate rules of a what-if, and by its own.

In: RerunID, Rules, Number, GroupID, StreamID, Key and VersionId. Out: nothing; what was found is in the results bucket.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline.limits import full_disk_is_too_large
from pipeline.model import ObjectVersion, Payload
from pipeline.observe import logger, step
from reruns.listing import File
from reruns.trying import try_file
from stream_qc import scratch


@step
def handler(event: Payload, _context: LambdaContext) -> Payload:
    scratch.remove_left_behind()
    file = File.from_item(event)
    with full_disk_is_too_large(ObjectVersion(file.key, file.version_id, 0)):
        tried = try_file(event["RerunID"], event["Number"], file, event["Rules"])
    logger.info("rules tried", extra={"Key": file.key, "Before": tried.before, "After": tried.after})
    return {}
