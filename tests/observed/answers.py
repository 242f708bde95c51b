"""What AWS answers when it throttles, fails or refuses, as botocore receives it."""

from __future__ import annotations

import io
import json
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

# By the kind of fault and the service: the HTTP status and the error code.
ERRORS: dict[str, dict[str, tuple[int, str]]] = {
    "throttle": {
        "dynamodb": (400, "ThrottlingException"),
        "s3": (503, "SlowDown"),
        "sns": (400, "Throttled"),
        "stepfunctions": (400, "ThrottlingException"),
        "lambda": (429, "TooManyRequestsException"),
    },
    "fail": {
        "dynamodb": (500, "InternalServerError"),
        "s3": (500, "InternalError"),
        "sns": (500, "InternalError"),
        "stepfunctions": (500, "InternalServerError"),
        "lambda": (500, "ServiceException"),
    },
    "served": {
        "dynamodb": (500, "InternalServerError"),
        "s3": (503, "ServiceUnavailable"),
        "sns": (500, "InternalError"),
        "stepfunctions": (500, "InternalServerError"),
        "lambda": (500, "ServiceException"),
    },
    "refuse": {
        "dynamodb": (400, "AccessDeniedException"),
        "s3": (403, "AccessDenied"),
        "sns": (403, "AuthorizationError"),
        "stepfunctions": (400, "AccessDeniedException"),
        "lambda": (403, "AccessDeniedException"),
    },
}
MESSAGE = "planted fault"


def error(url: str, kind: str, service: str) -> AWSResponse:
    """Returns the service's error response for this kind of fault."""
    status, code = ERRORS[kind][service]
    if service not in ("s3", "sns"):
        content = json.dumps({"__type": code, "message": MESSAGE})
    else:
        content = f"<Error><Code>{code}</Code><Message>{MESSAGE}</Message></Error>"
        content = f"<ErrorResponse>{content}</ErrorResponse>" if service == "sns" else content
    headers = HTTPHeaders.from_dict({"x-amzn-requestid": "fault", "x-amzn-errortype": code})
    return AWSResponse(url, status, headers, _Body(content.encode()))


def truncated(response: AWSResponse) -> AWSResponse:
    """Returns the response with a body that ends halfway, as after a lost connection."""
    response.raw = _TruncatedBody(response.raw, int(response.headers["Content-Length"]) // 2)
    return response


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


class _TruncatedBody:
    def __init__(self, body: Any, size: int) -> None:
        self._body, self._left = body, size

    def read(self, amount: int | None = None, **more: Any) -> bytes:
        amount = self._left if amount is None else min(amount, self._left)
        data: bytes = self._body.read(amount, **more) if amount else b""
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
