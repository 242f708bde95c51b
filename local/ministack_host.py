"""Serves MiniStack on the loopback address, with functions run the way AWS Lambda runs Python and S3 events as S3 sends them.

Runs under .local/venv (see requirements/local.txt), never under the project's own environment: `local.aws` starts it.

MiniStack's own executor reports every exception as `Runtime.HandlerError`, so that a Retry or a Catch on an error's name
never matches. Here a function runs under `awslambdaric`, the client that AWS itself puts into its Python images, over
MiniStack's worker for `provided` runtimes: error names, stack traces and the context object are the true ones, and
workers stay warm. Whatever is replaced in MiniStack is named in REPLACED and looked for at start.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import hypercorn.asyncio
import hypercorn.config
from ministack import app
from ministack.core import lambda_runtime
from ministack.services import eventbridge, lambda_svc, s3

from local.observed import group_of

REPLACED = {
    lambda_runtime: ("_worker_class_for", "ProvidedWorker", "acquire_worker"),
    lambda_svc: (
        "_provided_runtime_code_dir",
        "_provided_worker_env",
        "_execute_function_warm",
        "_execute_function_provided_warm",
        "_resolve_layer_zip",
        "_get_func_record_for_ref",
        "invoke_async_with_retry",
        "_docker_extracted_dir",
    ),
    s3: ("_fire_s3_event",),
    eventbridge: ("_dispatch_event", "_dispatch_to_lambda"),
    app: ("app",),
}
# A burst of uploads would otherwise start a process for every invocation of it. AWS has room for those; one machine has not.
CONCURRENT_INVOCATIONS = int(os.environ.get("QC_LOCAL_CONCURRENCY", "8"))

ENFORCED = os.environ.get("AUTH") == "true"  # MiniStack holds callers to their IAM policies
# Tests watch the functions from inside, and break them (local/function_host.py).
RUNTIME = (
    f'"{Path(__file__).with_name("function_host.py")}"' if "QC_LOCAL_OBSERVED" in os.environ else "-m awslambdaric"
)
BOOTSTRAP = f'#!/bin/sh\nexec "{sys.executable}" {RUNTIME} "$_HANDLER"\n'


def check_ministack() -> None:
    """Stops with one line where this MiniStack is not the one that the replacements were written for."""
    missing = [
        f"{module.__name__}.{name}" for module, names in REPLACED.items() for name in names if not hasattr(module, name)
    ]
    if missing:
        sys.exit(
            f"local AWS: this MiniStack lacks {', '.join(missing)}; install the version pinned in requirements/local.txt"
        )


def run_functions_under_awslambdaric() -> None:
    unpack_code = lambda_svc._provided_runtime_code_dir
    worker_env = lambda_svc._provided_worker_env
    unpacking = threading.Lock()
    room = threading.BoundedSemaphore(CONCURRENT_INVOCATIONS)

    def code_dir(code_zip: bytes) -> str:
        with unpacking:  # a bootstrap that is still being written can be neither found nor executed
            folder = unpack_code(code_zip)
            bootstrap = Path(folder, "bootstrap")
            if not bootstrap.exists():
                bootstrap.write_text(BOOTSTRAP)
                bootstrap.chmod(0o755)
            return folder

    @functools.cache
    def layer_dir(arn: str) -> str | None:
        content = lambda_svc._resolve_layer_zip(arn)
        return None if content is None else str(Path(lambda_svc._docker_extracted_dir(content, "layer"), "python"))

    def env(config: dict[str, Any], folder: str, port: int) -> dict[str, str]:
        arns = [layer["Arn"] if isinstance(layer, dict) else layer for layer in config.get("Layers") or []]
        layers = [found for found in map(layer_dir, arns) if found]
        return {
            **worker_env(config, folder, port),
            "PYTHONPATH": os.pathsep.join([folder, *layers]),
            "LAMBDA_RUNTIME_DIR": folder,
            **(credentials_of(config["Role"]) if ENFORCED else {}),
        }

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        with room:
            if throttled := throttle_asked_for(func, event):
                return throttled
            return lambda_svc._execute_function_provided_warm(func, event, request_id)

    lambda_svc._provided_runtime_code_dir = code_dir
    lambda_svc._provided_worker_env = env
    lambda_svc._execute_function_warm = execute
    lambda_runtime._worker_class_for = lambda _config: lambda_runtime.ProvidedWorker


def credentials_of(role: str) -> dict[str, str]:
    """Credentials of a function's role, for where IAM is enforced."""
    sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    given = sts.assume_role(RoleArn=role, RoleSessionName="function")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def throttle_asked_for(func: dict[str, Any], event: Any) -> dict[str, Any] | None:
    """Lambda's own refusal to invoke a function, where a test asks for it in `faults/<group>.json`."""
    if "QC_LOCAL_OBSERVED" not in os.environ or not isinstance(event, dict):
        return None
    path = Path(os.environ["QC_LOCAL_OBSERVED"], "faults", f"{group_of(event)}.json")
    name = func["config"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    for asked in json.loads(path.read_text()) if path.exists() else []:
        done = len(list(path.parent.glob(f"{path.stem}.{name}.*")))
        if (asked["function"], asked["at"]) == (name, "invoke") and done < asked["times"]:
            path.with_suffix(f".{name}.{done}").touch()
            return {"error": True, "body": {"errorType": asked["kind"], "errorMessage": "as was asked for"}}
    return None


def put_version_ids_into_events() -> None:
    """S3's event for EventBridge names the version that was written, as on AWS; MiniStack knows it and leaves it out."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    written = threading.local()

    def fire_event(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        written.version_id = version_id
        fire(*args, version_id=version_id, **kwargs)

    def dispatch_event(event: dict[str, Any], *more: Any, **named: Any) -> Any:
        if event.get("Source") == "aws.s3" and getattr(written, "version_id", None):
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = written.version_id
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *more, **named)

    s3._fire_s3_event = fire_event
    eventbridge._dispatch_event = dispatch_event


def deliver_events_to_functions_as_eventbridge_does() -> None:
    """Asynchronously: tried again where the function breaks, and handed to its OnFailure destination in the end."""

    def dispatch_to_lambda(arn: str, payload: str) -> None:
        func, _, _ = lambda_svc._get_func_record_for_ref(arn)
        if func:
            lambda_svc.invoke_async_with_retry(func, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch_to_lambda


async def as_if_by_tls(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The requests with a sign that they came by TLS: on one machine they do not, and the stack's policies ask for it."""
    if scope["type"] == "http":
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    await app.app(scope, receive, send)


async def serve(port: int) -> None:
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Standard input is a pipe from whoever started us; it ends when they do, even by SIGKILL.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    await hypercorn.asyncio.serve(as_if_by_tls if ENFORCED else app.app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    check_ministack()
    run_functions_under_awslambdaric()
    put_version_ids_into_events()
    deliver_events_to_functions_as_eventbridge_does()
    asyncio.run(serve(int(os.environ["GATEWAY_PORT"])))
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # whoever started us may be gone
    os.killpg(0, signal.SIGKILL)  # MiniStack's threads and the functions' processes can outlive the loop
