"""Checks at start that MiniStack has every name that this package replaces or calls."""

from __future__ import annotations

import sys

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import eventbridge, lambda_svc, s3, stepfunctions

USED = {
    lambda_runtime: ("_worker_class_for", "ProvidedWorker"),
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
    s3: ("_fire_s3_event", "_get_object", "_parse_range"),
    eventbridge: ("_dispatch_event", "_dispatch_to_lambda"),
    stepfunctions: (
        "_resolve_params_obj",
        "_run_distributed_map",
        "_state_query_language",
        "_apply_jsonata_template",
        "_apply_jsonata_output",
        "_apply_state_assign",
        "_jsonata_state_field",
        "_run_sub_machine",
        "_invoke_nested_start_execution_sync",
        "_nested_start_execution_request",
        "_start_execution",
        "_stop_execution",
    ),
    app: ("app",),
}


def check() -> None:
    """Exits with a message that lists the missing names, if there are any."""
    missing = [
        f"{module.__name__}.{name}" for module, names in USED.items() for name in names if not hasattr(module, name)
    ]
    if missing:
        sys.exit(
            f"local AWS: this version of MiniStack has no {', '.join(missing)}. "
            "Install the version pinned in requirements/local.txt: make setup"
        )
