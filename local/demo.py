"""`make demo`: sample files through the whole pipeline on a local AWS, one step after the other."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.aws import port_from_environment
from local.pipeline import SAMPLES, STEPS, Execution, Inbox, Pipeline, deployed
from stream_qc.vocabulary import PROCESSES

SHOWN = (
    "seattle/airport.csv",
    "sandbox/out-of-range.csv",
    "sandbox/gap.csv",
    "sandbox/malformed.csv",
    "sandbox/bad-rules.csv",
    "sandbox/notes.txt",
)
COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "magenta", "REJECTED": "yellow"}

console = Console(highlight=False)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped on the way out
    began = time.monotonic()
    console.print("[bold]Stream QC[/]: an upload starts a state machine, its Lambdas check the file,")
    console.print("and a message tells what is wrong and where.\n")
    console.print("Deploying the very template that goes to AWS to a local AWS (MiniStack, on this machine only) …")
    with deployed(port_from_environment()) as pipeline:
        console.print(f"… up at {pipeline.aws.endpoint} after {time.monotonic() - began:.0f} s\n")
        inbox = Inbox(pipeline)
        copy(pipeline, "--recursive", "sample_data/rules", f"s3://{pipeline.bucket}/rules/")
        for name in SHOWN:
            show_upload(pipeline, inbox, f"streams/{name}")
        show_rerun(pipeline, inbox)
        show_the_rest(pipeline, inbox)
    console.print("\nEverything that was started is stopped. Next: [bold]make local[/] keeps it up for you to try;")
    console.print("the README says how to go on to AWS.")


def copy(pipeline: Pipeline, *words: str) -> None:
    """`aws s3 cp`, shown as it is typed."""
    console.print(
        Text("$ ", "dim")
        + Text(f"aws s3 cp {shlex.join(words)}".replace(pipeline.bucket, "<StreamBucket>"), "bold cyan")
    )
    pipeline.command("s3", "cp", "--only-show-errors", *words)


def show_upload(pipeline: Pipeline, inbox: Inbox, key: str) -> None:
    console.print()
    copy(pipeline, f"sample_data/{key}", f"s3://{pipeline.bucket}/{key}")
    version = pipeline.s3.head_object(Bucket=pipeline.bucket, Key=key)["VersionId"]
    execution = followed(pipeline, pipeline.started_by(key, version))
    show_message(inbox.message(execution.arn))


def show_rerun(pipeline: Pipeline, inbox: Inbox) -> None:
    console.print("\nA rerun by hand is one command, and the same Lambdas:\n")
    request = json.dumps({"GroupID": "seattle", "StreamID": "airport"})
    arn = pipeline.outputs["StateMachineArn"]
    words = ["stepfunctions", "start-execution", "--state-machine-arn", arn, "--input", request]
    console.print(Text("$ ", "dim") + Text(f"aws {shlex.join(words)}".replace(arn, "<StateMachineArn>"), "bold cyan"))
    answer = json.loads(pipeline.command(*words, "--output", "json"))
    execution = followed(pipeline, answer["executionArn"])
    show_message(inbox.message(execution.arn))


def show_the_rest(pipeline: Pipeline, inbox: Inbox) -> None:
    """The other sample files, all at once, and what became of each beside what had to."""
    with (SAMPLES / "outcomes.csv").open(newline="") as file:
        outcomes = {row["file"]: row for row in csv.DictReader(file)}
    console.print(f"\nAll {len(outcomes)} sample files at once, each with the outcome that it must have:\n")
    versions = {key: pipeline.upload(key, (SAMPLES / key).read_bytes()) for key in outcomes}
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    for column in ("file", "verdict", "1", "2", "3"):
        table.add_column(column, no_wrap=True)
    table.add_column("failing checks", overflow="fold")
    wrong = []
    for key, outcome in outcomes.items():
        execution = pipeline.finished(pipeline.started_by(key, versions[key]))
        found = inbox.message(execution.arn)["Summary"]
        checks = [
            check["Check"].split("#", 1)[1].replace("#", " ").removeprefix("* ") for check in found.get("Checks", [])
        ]
        flags = ["[green]1[/]" if found.get(f"Process{number}Pass") else "[red]0[/]" for number in PROCESSES]
        verdict = f"[{COLOURS[found['Status']]}]{found['Status']}[/]"
        table.add_row(
            key.removeprefix("streams/"),
            verdict,
            *flags,
            Text(", ".join(checks) or found.get("Error", ""), "dim"),
        )
        if found["Status"] != outcome["Status"]:
            wrong.append(f"{key}: {found['Status']}, and must be {outcome['Status']}")
    console.print(table)
    if wrong:
        sys.exit("\n".join(wrong))


def followed(pipeline: Pipeline, arn: str) -> Execution:
    """The execution when it has ended, with a line for each step as it is done."""
    began = time.monotonic()
    shown: set[str] = set()
    with console.status("StartQC …", spinner_style="cyan") as status:
        while True:
            execution = pipeline.execution(arn)
            row = next(iter(pipeline.rows(ExecutionArn=arn)), {})
            for step in STEPS:
                if step not in shown and done(step, execution, row):
                    shown.add(step)
                    console.print(step_line(step, execution, row, time.monotonic() - began))
            if execution.ended:
                return execution
            status.update(f"{next((step for step in STEPS if step not in shown), 'the end')} …")
            time.sleep(0.05)


def done(step: str, execution: Execution, row: dict[str, Any]) -> bool:
    """Whether a step has left its mark: a process its flag on the row, another step its end in the execution's history."""
    if step.startswith("QCProcess"):
        return "QCProcesses" in execution.steps and f"Process{step[-1]}Pass" in row
    return execution.steps.get(step, False)


def step_line(step: str, execution: Execution, row: dict[str, Any], seconds: float) -> Text:
    name, verdict = step, ""
    if step.startswith("QCProcess"):
        name, verdict = (
            f"{step} {PROCESSES[int(step[-1])]}",
            "pass" if row[f"Process{step[-1]}Pass"] else "broke" if row["Status"] == "ERROR" else "FAIL",
        )
    elif step == "StartQC":
        verdict = "" if row.get("StreamID") and "QCProcesses" in execution.steps else "refused"
    elif step == "EndQC":
        verdict = str(row.get("Status", ""))
    style = {"pass": "green", "PASS": "green", "": ""}.get(verdict, "red")
    return Text.assemble(("  ✓ ", "green"), f"{name:<24}", (f"{verdict:<10}", style), (f"{seconds:5.1f} s", "dim"))


def show_message(message: dict[str, Any]) -> None:
    """The very text that an email subscriber gets."""
    summary = message["Summary"]
    colour = COLOURS[summary["Status"]]
    console.print()
    console.rule(Text(f"Subject: {message['Subject']}", f"bold {colour}"), align="left", style=colour)
    console.print(Text(summary["Text"]), soft_wrap=True)
    console.rule(style=colour)


if __name__ == "__main__":
    main()
