"""EndQC: decides the total from the outputs of the three processes, and closes the row.

In: the row of the run, with Results, the list of three outputs. Out: the row as it ended, with Results, and with Error
and Cause where a process broke. Anything but one result of each process is an ERROR: "not run" is not "passed".
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from pipeline import runs
from pipeline.errors import RunClosed
from pipeline.observe import Event, logger, step
from stream_qc.vocabulary import PROCESSES


@step
def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    ended = {**verdict(event["Results"]), "EndTime": runs.now()}
    stands = runs.end(event, {name: value for name, value in ended.items() if name != "Results"}, ("RUNNING",))
    if stands["Status"] != ended["Status"]:  # where it is the same, an earlier attempt of this step wrote it
        raise RunClosed(f"the run was closed as {stands['Status']} before it could end as {ended['Status']}")
    logger.info("run ended", extra={"Status": ended["Status"], "TotalPass": ended["TotalPass"]})
    return {**event, **ended, "EndTime": stands["EndTime"]}


def verdict(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Status, TotalPass and a flag a process from the processes' outputs; Error and Cause where one of them broke."""
    by_process: dict[int, dict[str, Any]] = {}
    for number, name in PROCESSES.items():
        found = [result for result in results if result.get("Process") == number]
        by_process[number] = (
            found[0] if len(found) == 1 else not_run(number, f"{len(found)} results of {name} where one is due")
        )
    broken = [result for result in by_process.values() if "Error" in result]
    flags = {
        f"Process{number}Pass": int(result.get("Pass") == 1 and "Error" not in result)
        for number, result in by_process.items()
    }
    total = int(all(flags.values()))
    return {
        **flags,
        "TotalPass": total,
        "Status": "ERROR" if broken else ("PASS" if total else "FAIL"),
        "Results": list(by_process.values()),
        **error_of(broken),
        **({"Rows": by_process[1]["Rows"]} if "Rows" in by_process[1] else {}),
    }


def not_run(number: int, why: str) -> dict[str, Any]:
    return {"Process": number, "Pass": 0, "Error": "ProcessNotRun", "Cause": why}


def error_of(broken: list[dict[str, Any]]) -> dict[str, Any]:
    """One error for the run: what broke first by number, and who it broke for."""
    if not broken:
        return {}
    causes: dict[tuple[str, str], list[str]] = {}
    for result in broken:
        causes.setdefault((result["Error"], result["Cause"]), []).append(PROCESSES[result["Process"]])
    if len(causes) == 1 and len(broken) == len(PROCESSES):
        cause = broken[0]["Cause"]
    else:
        cause = "; ".join(f"{', '.join(names)}: {error}: {text}" for (error, text), names in causes.items())
    return {"Error": broken[0]["Error"], "Cause": cause}
