"""Runs a function under awslambdaric, writes down its calls to AWS, and lets one go wrong where a test asks for it.

`local.ministack_host` starts functions with this where QC_LOCAL_OBSERVED names a folder: the calls go to `calls.jsonl` in it,
and `faults/<group>.json` holds the faults of a group, as `tests.pipeline.faults` writes it. It runs inside the function's
process, so it imports nothing but what a function has.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from observed import group_of

sys.path.pop(0)  # this folder, in which other modules have the names of the functions' own

from awslambdaric import __main__ as runtime
from awslambdaric import bootstrap
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

FOLDER = Path(os.environ["QC_LOCAL_OBSERVED"])
FUNCTION = os.environ["POWERTOOLS_SERVICE_NAME"]
HUNG_SECONDS = 600
STALLED_SECONDS = 6  # a body may be waited for longer than functions that are tried have time

Event = dict[str, Any]


class Fault:
    """What must go wrong in this invocation: `at` which call (its name and a number, `PutItem 2`; or `enter` or `leave`,
    for the handler), in which way (`kind`), and how many times in all.
    """

    def __init__(self, group: str) -> None:
        self.path = FOLDER / "faults" / f"{group}.json"
        self.invocation = str(uuid.uuid4())
        self.seen: dict[str, int] = {}
        asked = json.loads(self.path.read_text()) if group and self.path.exists() else []
        self.asked = next((one for one in asked if one["function"] == FUNCTION), {})

    def due(self, place: str) -> str:
        """The kind of the fault that is due at this place, counted; nothing where there is none."""
        if self.asked.get("at") != place:
            return ""
        for number in range(self.asked["times"]):
            try:
                os.close(os.open(self.path.with_suffix(f".{FUNCTION}.{number}"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            return str(self.asked["kind"])
        return ""

    def call(self, operation: str) -> str:
        self.seen[operation] = self.seen.get(operation, 0) + 1
        return self.due(f"{operation} {self.seen[operation]}")


now: Fault = Fault("")
answering = threading.local()


def happen(kind: str) -> None:
    """A fault of the program itself."""
    if kind == "raise":
        raise RuntimeError("a fault that was asked for")
    if kind == "exit":
        os._exit(1)
    if kind == "hang":
        time.sleep(HUNG_SECONDS)


def observed_handler(handler: Callable[[Event, Any], Any]) -> Callable[[Event, Any], Any]:
    def handle(event: Event, context: Any) -> Any:
        global now  # noqa: PLW0603  # a worker has one invocation at a time
        now = Fault(group_of(event))
        happen(now.due("enter"))
        answer = handler(event, context)
        happen(now.due("leave"))
        return answer

    return handle


def observe_handlers() -> None:
    get = bootstrap._get_handler
    bootstrap._get_handler = lambda name: observed_handler(get(name))


def write_down(operation: str, params: dict[str, Any]) -> None:
    named = {name: value for name, value in params.items() if name in NAMED} | named_tables(params)
    one = {"group": now.path.stem, "function": FUNCTION, "invocation": now.invocation, "operation": operation}
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({**one, **named}) + "\n")


def observe_calls() -> None:
    make, respond, send, sleep = BaseClient._make_api_call, Endpoint._do_get_response, Endpoint._send, time.sleep

    def make_api_call(self: BaseClient, operation: str, params: dict[str, Any]) -> Any:
        kind = now.call(operation)
        answering.kind, answering.service = kind, self.meta.service_model.service_name
        answering.stalls = [min(self.meta.config.read_timeout, STALLED_SECONDS)] if kind == "stall" else []
        if kind.startswith("before "):
            happen(kind.removeprefix("before "))
        write_down(operation, params)
        answer = make(self, operation, params)
        if kind.startswith("after "):
            happen(kind.removeprefix("after "))
        return answer

    def do_get_response(self: Endpoint, request: Any, operation_model: Any, context: Any) -> Any:
        answering.status = STATUS.get(getattr(answering, "kind", ""), {}).get(answering.service)
        return respond(self, request, operation_model, context)

    def send_request(self: Endpoint, request: Any) -> Any:
        kind = getattr(answering, "kind", "")
        stalled = [sleep(seconds) for seconds in answering.stalls]
        answering.stalls = []  # the first attempt waits as long as it would, and the second is answered
        if kind == "unreachable":
            raise EndpointConnectionError(endpoint_url=request.url, error="as was asked for")
        if kind == "timeout" or stalled:
            raise ReadTimeoutError(endpoint_url=request.url, error="a fault that was asked for")
        if answering.status and kind != "served":
            return refusal(request.url, *answering.status, answering.service)
        response = send(self, request)
        if kind == "lost":
            raise ReadTimeoutError(endpoint_url=request.url, error="the answer was lost, as was asked for")
        return changed(response, kind, answering.service)

    BaseClient._make_api_call = make_api_call
    Endpoint._do_get_response = do_get_response
    Endpoint._send = send_request
    # The waits between the SDK's own attempts are not what is tested.
    time.sleep = lambda seconds: sleep(seconds if seconds == HUNG_SECONDS else seconds * 0.02)


def changed(response: AWSResponse, kind: str, service: str) -> AWSResponse:
    """The answer to what was done, as the fault has it: cut off, or said to have failed."""
    if kind == "served":
        return refusal(response.url, *STATUS[kind][service], service)
    if kind == "truncate":
        response.raw = Truncated(response.raw, int(response.headers["Content-Length"]) // 2)
    return response


NAMED = ("TableName", "Bucket", "Key", "Prefix", "VersionId", "TopicArn", "stateMachineArn")
# What a service answers when it is asked for too much, has a fault of its own, or says no.
STATUS: dict[str, dict[str, tuple[int, str]]] = {
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


def named_tables(params: dict[str, Any]) -> dict[str, str]:
    return {"TableName": next(iter(params["RequestItems"]))} if "RequestItems" in params else {}


def refusal(url: str, status: int, code: str, service: str) -> AWSResponse:
    if service not in ("s3", "sns"):
        content = json.dumps({"__type": code, "message": "as was asked for"})
    else:
        content = f"<Error><Code>{code}</Code><Message>as was asked for</Message></Error>"
        content = f"<ErrorResponse>{content}</ErrorResponse>" if service == "sns" else content
    return AWSResponse(url, status, {"x-amzn-requestid": "fault", "x-amzn-errortype": code}, Body(content.encode()))


class Body(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


class Truncated:
    """A body that ends before its length: the connection was lost."""

    def __init__(self, body: Any, size: int) -> None:
        self.body, self.left = body, size

    def read(self, amount: int | None = None, **more: Any) -> bytes:
        amount = self.left if amount is None else min(amount, self.left)
        data: bytes = self.body.read(amount, **more) if amount else b""
        self.left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)


if __name__ == "__main__":
    (FOLDER / "faults").mkdir(parents=True, exist_ok=True)
    observe_handlers()
    observe_calls()
    runtime.main(sys.argv)
