"""Runs Distributed Maps whose fields are JSONata, as Step Functions does."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

NUMBERS = ("MaxConcurrency", "ToleratedFailurePercentage")


def evaluate_jsonata() -> None:
    """Evaluates a Distributed Map's ItemReader, ItemSelector, Output and limits. MiniStack reads them as JSONPath."""
    resolve, run = stepfunctions._resolve_params_obj, stepfunctions._run_distributed_map

    def resolved(template: Any, data: Any, ctx: Any = None) -> Any:
        if ctx is not None and stepfunctions._state_query_language({}, ctx) == "JSONata":
            return stepfunctions._apply_jsonata_template(template, data, ctx)
        return resolve(template, data, ctx)

    def distributed(
        state: dict[str, Any], raw_input: Any, effective: Any, iterator: Any, execution: Any, ctx: Any
    ) -> tuple[Any, Any]:
        is_jsonata = stepfunctions._state_query_language(state, ctx) == "JSONata"
        for name in NUMBERS if is_jsonata else ():
            if name in state:
                state = {**state, name: stepfunctions._jsonata_state_field(state, name, "number", raw_input, ctx)}
        found, following = run(state, raw_input, effective, iterator, execution, ctx)
        if is_jsonata:
            found = stepfunctions._apply_jsonata_output(state, raw_input, ctx, result=found, default=found)
            stepfunctions._apply_state_assign(state, raw_input, ctx, result=found)
        return found, following

    stepfunctions._resolve_params_obj = resolved
    stepfunctions._run_distributed_map = distributed
