"""`python -m tests.observed.function HANDLER`: runs a function under awslambdaric, records its calls and causes its faults.

Runs in the function's process, so it imports only what a function has, and removes the repository from the import path
before the function is imported.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from awslambdaric import __main__ as runtime
from awslambdaric import bootstrap
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.observed import answers
from tests.observed.faults import FOLDER, PlantedFault
from tests.observed.groups import group_of

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCTION = os.environ["POWERTOOLS_SERVICE_NAME"]
HUNG_SECONDS = 600
STALLED_SECONDS = 6  # the SDK may wait for a body longer than the timeout that tests give a function
SHORTER = 0.02  # the waits between the SDK's attempts are not under test
RECORDED = (
    "TableName", "IndexName", "Bucket", "Key", "Prefix", "VersionId", "TopicArn", "QueueUrl", "FunctionName", "stateMachineArn",
)  # fmt: skip

Event = dict[str, Any]
sleep = time.sleep


class Invocation:
    """One invocation: its fault, and how often each operation has been called."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.fault = PlantedFault(FOLDER, group, FUNCTION)
        self._id = str(uuid.uuid4())
        self._calls: dict[str, int] = {}

    def ended(self, seconds: float, given: Event, answer: Any) -> None:
        """Appends the invocation to invocations.jsonl. given, answer: its payloads."""
        one = {"group": self.group, "function": FUNCTION, "seconds": seconds}
        one |= {"in": len(json.dumps(given)), "out": len(json.dumps(answer))}
        with (FOLDER / "invocations.jsonl").open("a") as invocations:
            invocations.write(json.dumps(one) + "\n")

    def fault_at_call(self, operation: str) -> str:
        """Counts the call; returns the kind of fault to cause, or ""."""
        self._calls[operation] = self._calls.get(operation, 0) + 1
        return self.fault.due(f"{operation} {self._calls[operation]}")

    def record(self, operation: str, params: dict[str, Any]) -> None:
        """Appends the call to calls.jsonl."""
        call = {"group": self.group, "function": FUNCTION, "invocation": self._id, "operation": operation}
        call |= {name: value for name, value in params.items() if name in RECORDED}
        if "RequestItems" in params:
            (call["TableName"],) = params["RequestItems"]
            asked = params["RequestItems"][call["TableName"]]
            call["Items"] = len(asked["Keys"] if isinstance(asked, dict) else asked)
        with (FOLDER / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps(call) + "\n")


class Observer:
    """Wraps the function's handler and the SDK. A worker has one invocation at a time."""

    def __init__(self) -> None:
        self._invocation = Invocation("")
        self._call = threading.local()  # of each thread: the fault of its call to AWS, and the service

    def wrap_handlers(self) -> None:
        """Makes awslambdaric load handlers that cause the faults at `enter` and `leave`."""
        get = bootstrap._get_handler
        bootstrap._get_handler = lambda name: self._wrapped(get(name))

    def _wrapped(self, handler: Callable[[Event, Any], Any]) -> Callable[[Event, Any], Any]:
        def handle(event: Event, context: Any) -> Any:
            self._invocation = Invocation(group_of(event))
            began = time.perf_counter()
            cause(self._invocation.fault.due("enter"))
            answer = handler(event, context)
            cause(self._invocation.fault.due("leave"))
            self._invocation.ended(time.perf_counter() - began, event, answer)
            return answer

        return handle

    def wrap_calls(self) -> None:
        """Makes botocore record its calls and cause their faults, and shortens its waits."""
        make, send = BaseClient._make_api_call, Endpoint._send

        def make_api_call(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
            kind = self._invocation.fault_at_call(operation)
            self._call.kind, self._call.service = kind, client.meta.service_model.service_name
            self._call.stalls = [min(client.meta.config.read_timeout, STALLED_SECONDS)] if kind == "stall" else []
            if kind.startswith("before "):
                cause(kind.removeprefix("before "))
            self._invocation.record(operation, params)
            answer = make(client, operation, params)
            if kind.startswith("after "):
                cause(kind.removeprefix("after "))
            return answer

        BaseClient._make_api_call = make_api_call
        Endpoint._send = lambda endpoint, request: self._send(lambda: send(endpoint, request), request.url)
        time.sleep = lambda seconds: sleep(seconds * SHORTER)

    def _send(self, send: Callable[[], AWSResponse], url: str) -> AWSResponse:
        """Sends the request, unless the fault is that it does not arrive; returns the response as the fault changes it."""
        kind, service = getattr(self._call, "kind", ""), getattr(self._call, "service", "")
        if kind == "unreachable":
            raise EndpointConnectionError(endpoint_url=url, error=answers.MESSAGE)
        if kind == "stall" and self._call.stalls:  # the first attempt only
            sleep(self._call.stalls.pop())
            raise ReadTimeoutError(endpoint_url=url, error=answers.MESSAGE)
        if kind == "timeout":
            raise ReadTimeoutError(endpoint_url=url, error=answers.MESSAGE)
        if kind in ("throttle", "fail", "refuse"):
            return answers.error(url, kind, service)
        response = send()
        if kind == "lost":
            raise ReadTimeoutError(endpoint_url=url, error=answers.MESSAGE)
        if kind == "served":
            return answers.error(url, kind, service)
        return answers.truncated(response) if kind == "truncate" else response


def cause(kind: str) -> None:
    """Causes a fault of the program itself; does nothing for ""."""
    if kind == "raise":
        raise RuntimeError(answers.MESSAGE)
    if kind == "exit":
        os._exit(1)
    if kind == "hang":
        sleep(HUNG_SECONDS)


if __name__ == "__main__":
    sys.path.remove(str(ROOT))
    observer = Observer()
    observer.wrap_handlers()
    observer.wrap_calls()
    runtime.main(sys.argv)
