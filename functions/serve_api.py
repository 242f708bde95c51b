"""ServeApi: answers the requests of the HTTP API.

In: API Gateway's event. Out: its response. A problem is an answer as well: what is wrong, by name and for people.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from history.api import app
from pipeline.observe import logger


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    with logger.append_context_keys(function_request_id=context.aws_request_id):
        return app.resolve(event, context)
