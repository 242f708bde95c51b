"""`python -m tests.observed`: the local AWS with functions that can be observed and broken. Runs under .local/venv."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

from local.ministack.hooks import Config, Hooks
from local.ministack.server import run
from tests.observed import iam
from tests.observed.faults import FOLDER, PlantedFault
from tests.observed.groups import group_of

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_SECONDS = int(os.environ.get("OBSERVED_SECONDS", "900"))  # a function that hangs is ended after this long
IAM_ENFORCED = os.environ.get("AUTH") == "true"  # MiniStack's own setting


def environment(config: Config, variables: dict[str, str]) -> dict[str, str]:
    """Returns the environment in which tests.observed.function can be found, with the role's credentials under IAM."""
    credentials = iam.credentials_of(config["Role"]) if IAM_ENFORCED else {}
    return {**variables, "PYTHONPATH": os.pathsep.join([variables["PYTHONPATH"], str(ROOT)]), **credentials}


CONCURRENCY = int(
    os.environ.get("OBSERVED_CONCURRENCY", "0")
)  # invocations at a time, beyond which others are refused; 0 for any


def refuse_beyond(limit: int) -> None:
    """Has Lambda refuse invocations beyond a limit, as an account without concurrency does, and notes how long each holds its place."""
    places, invoke = threading.BoundedSemaphore(limit), lambda_svc._execute_function_provided_warm

    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        name = (function.get("config") or function)["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        if not places.acquire(blocking=False):
            _note("refused.jsonl", {"function": name})
            return {
                "error": True,
                "body": {"errorType": "Lambda.TooManyRequestsException", "errorMessage": "no concurrency"},
            }
        began = time.perf_counter()
        try:
            return invoke(function, event, request_id)
        finally:
            places.release()
            _note("held.jsonl", {"function": name, "seconds": time.perf_counter() - began})

    lambda_svc._execute_function_provided_warm = execute


def _note(name: str, what: dict[str, Any]) -> None:
    with (FOLDER / name).open("a") as notes:
        notes.write(json.dumps(what) + "\n")


def refused_invocation(config: Config, event: Any) -> dict[str, Any] | None:
    """Returns Lambda's own error if a fault asks for one instead of this invocation, or None. Sets its shorter timeout."""
    function = config["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    if function not in ("Reconcile", "CheckArrivals"):  # they look at how much time they have left
        config["Timeout"] = min(config["Timeout"], LONGEST_SECONDS)
    kind = PlantedFault(FOLDER, group_of(event), function).due("invoke")
    return {"error": True, "body": {"errorType": kind, "errorMessage": "planted fault"}} if kind else None


if CONCURRENCY:
    refuse_beyond(CONCURRENCY)
run(
    Hooks(
        runtime=("-m", "tests.observed.function"),
        environment=environment,
        invocation=refused_invocation,
        application=iam.as_if_over_tls if IAM_ENFORCED else Hooks.application,
    )
)
