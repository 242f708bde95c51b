"""Runs functions the way AWS Lambda runs Python.

MiniStack's own executor reports every exception as `Runtime.HandlerError`, so a Retry or Catch on an error's name never
matches. Here functions run under `awslambdaric`, the runtime client in AWS's own Python images, through MiniStack's worker
for `provided` runtimes: error names, stack traces and the context object are those of AWS, and workers stay warm.
"""

from __future__ import annotations

import functools
import os
import shlex
import sys
import threading
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.ministack.hooks import Config, Hooks

# MiniStack starts a process for every invocation of a burst. AWS has the capacity for that; one machine does not.
CONCURRENT_INVOCATIONS = 8


def run_under_awslambdaric(hooks: Hooks) -> None:
    """Replaces MiniStack's executor."""
    lambda_runtime._worker_class_for = lambda _config: lambda_runtime.ProvidedWorker
    _add_bootstrap(hooks)
    _set_environment(hooks)
    _limit_concurrency(hooks)


def _add_bootstrap(hooks: Hooks) -> None:
    """Adds the program that a `provided` runtime starts to the code of every function."""
    unpack = lambda_svc._provided_runtime_code_dir
    command = shlex.join([sys.executable, *hooks.runtime])
    one_at_a_time = threading.Lock()  # a bootstrap that is still being written cannot be executed

    def code_dir(code_zip: bytes) -> str:
        with one_at_a_time:
            folder = str(unpack(code_zip))
            bootstrap = Path(folder, "bootstrap")
            if not bootstrap.exists():
                bootstrap.write_text(f'#!/bin/sh\nexec {command} "$_HANDLER"\n')
                bootstrap.chmod(0o755)
            return folder

    lambda_svc._provided_runtime_code_dir = code_dir


def _set_environment(hooks: Hooks) -> None:
    """Puts the function's code and its layers on Python's path, since /opt and /var/task do not exist here."""
    default_environment = lambda_svc._provided_worker_env

    def environment(config: Config, folder: str, port: int) -> dict[str, str]:
        arns = [layer["Arn"] if isinstance(layer, dict) else layer for layer in config.get("Layers") or []]
        layers = [found for found in map(_layer_folder, arns) if found]
        variables = {
            **default_environment(config, folder, port),
            "PYTHONPATH": os.pathsep.join([folder, *layers]),
            "LAMBDA_RUNTIME_DIR": folder,
        }
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # so that the packages are compiled once, not in every process
        return hooks.environment(config, variables)

    lambda_svc._provided_worker_env = environment


@functools.cache
def _layer_folder(arn: str) -> str | None:
    """Returns the folder with the layer's Python packages, or None if there is no such layer."""
    content = lambda_svc._resolve_layer_zip(arn)
    return None if content is None else str(Path(lambda_svc._docker_extracted_dir(content, "layer"), "python"))


def _limit_concurrency(hooks: Hooks) -> None:
    """Queues invocations beyond the limit instead of refusing them."""
    free_places = threading.BoundedSemaphore(CONCURRENT_INVOCATIONS)

    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        with free_places:
            answer = hooks.invocation(function.get("config") or function, event)
            return answer or lambda_svc._execute_function_provided_warm(function, event, request_id)

    lambda_svc._execute_function_warm = execute
