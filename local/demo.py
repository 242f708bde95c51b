"""`make demo`: runs sample files through the whole pipeline on a local AWS, and shows every step."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import sys
import time
from typing import Any

from rich.table import Table
from rich.text import Text

from local.aws import ROOT, STATE, port_from_environment
from local.messages import COLOURS, console, show_message
from local.pipeline import SAMPLES, STEPS, Execution, Inbox, Pipeline, deployed, until
from stream_qc.vocabulary import PROCESSES

SHOWN = (
    "seattle/airport.csv",
    "sandbox/out-of-range.csv",
    "sandbox/gap.csv",
    "sandbox/malformed.csv",
    "sandbox/bad-rules.csv",
    "sandbox/notes.md",
)
REPORT = STATE / "report.html"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    began = time.monotonic()
    console.print("[bold]Stream QC[/]: an upload starts a state machine, Lambda functions check the file,")
    console.print("and a message says what is wrong and where.\n")
    console.print("Deploying the AWS template to a local AWS (MiniStack, on this machine) …")
    with deployed(port_from_environment()) as pipeline:
        console.print(f"Ready at {pipeline.aws.endpoint} after {time.monotonic() - began:.0f} s.\n")
        inbox = Inbox(pipeline)
        copy(pipeline, "--recursive", "sample_data/rules", f"s3://{pipeline.bucket}/rules/")
        for name in SHOWN:
            show_upload(pipeline, inbox, f"streams/{name}")
        show_rerun(pipeline, inbox)
        show_all_samples(pipeline, inbox)
        save_report(pipeline, "sandbox", "out-of-range")
    console.print(
        f"\n[bold]{REPORT.relative_to(ROOT)}[/] shows what is wrong with sandbox/out-of-range: open it in a browser."
    )
    console.print(
        "\nThe local AWS has been stopped. [bold]make local[/] starts one that stays up, with a page to look at the"
    )
    console.print(f"streams and to rerun them: http://127.0.0.1:{port_from_environment() + 1}/")
    console.print("The README explains how to deploy to AWS.")


def copy(pipeline: Pipeline, *words: str) -> None:
    """Prints an `aws s3 cp` command and runs it."""
    show_command("s3", "cp", *(word.replace(pipeline.bucket, "$StreamBucketName") for word in words))
    pipeline.command("s3", "cp", "--only-show-errors", *words)


def show_command(*words: str) -> None:
    """Prints an `aws` command as it would be typed."""
    command = shlex.join(["aws", *words])
    for name in ("$StreamBucketName", "$StateMachineArn"):
        command = re.sub(rf"'([^' ]*{name}[^' ]*)'", r"\1", command)  # a placeholder needs no quotes
    console.print(Text("$ ", "dim") + Text(command, "bold cyan"))


def show_upload(pipeline: Pipeline, inbox: Inbox, key: str) -> None:
    """Uploads a sample file, and shows its steps and its message."""
    console.print()
    copy(pipeline, f"sample_data/{key}", f"s3://{pipeline.bucket}/{key}")
    version = pipeline.s3.head_object(Bucket=pipeline.bucket, Key=key)["VersionId"]
    execution = show_steps(pipeline, pipeline.started_by(key, version))
    show_message(inbox.message(execution.arn), signed=False)


def show_rerun(pipeline: Pipeline, inbox: Inbox) -> None:
    """Reruns a stream, and shows its steps and its message."""
    console.print("\nOne command reruns a stream, through the same Lambda functions:\n")
    request = json.dumps({"GroupID": "seattle", "StreamID": "airport"})
    command = ["stepfunctions", "start-execution", "--state-machine-arn"]
    show_command(*command, "$StateMachineArn", "--input", request)
    arn = pipeline.outputs["StateMachineArn"]
    answer = json.loads(pipeline.command(*command, arn, "--input", request, "--output", "json"))
    execution = show_steps(pipeline, answer["executionArn"])
    show_message(inbox.message(execution.arn), signed=False)


def show_all_samples(pipeline: Pipeline, inbox: Inbox) -> None:
    """Uploads all sample files at once and shows their results. Exits with a message if one is not as expected."""
    with (SAMPLES / "outcomes.csv").open(newline="") as file:
        outcomes = {row["file"]: row for row in csv.DictReader(file)}
    console.print(f"\nAll {len(outcomes)} sample files, uploaded at once:\n")
    versions = {key: pipeline.upload(key, (SAMPLES / key).read_bytes()) for key in outcomes}
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    for column in ("file", "verdict", "1", "2", "3"):
        table.add_column(column, no_wrap=True)
    table.add_column("failing checks", overflow="fold")
    wrong = []
    for key, outcome in outcomes.items():
        execution = pipeline.finished(pipeline.started_by(key, versions[key]))
        summary = inbox.message(execution.arn)["Summary"]
        status = summary["Status"]
        flags = ["[green]1[/]" if summary.get(f"Process{number}Pass") else "[red]0[/]" for number in PROCESSES]
        failing = Text(", ".join(map(check_name, summary.get("Checks", []))) or summary.get("Error", ""), "dim")
        table.add_row(key.removeprefix("streams/"), f"[{COLOURS[status]}]{status}[/]", *flags, failing)
        if status != outcome["Status"]:
            wrong.append(f"{key}: {status}, expected {outcome['Status']}")
    console.print(table)
    if wrong:
        sys.exit("\n".join(wrong))


def save_report(pipeline: Pipeline, group_id: str, stream_id: str) -> None:
    """Saves the report of a run of this stream, where it outlives the local AWS."""
    (row, *_) = until(
        lambda: [row for row in pipeline.rows(GroupID=group_id, StreamID=stream_id) if "ReportKey" in row],
        f"the report of {group_id}/{stream_id}",
    )
    pipeline.s3.download_file(pipeline.outputs["ResultsBucketName"], row["ReportKey"], str(REPORT))


def check_name(check: dict[str, Any]) -> str:
    """Returns a check's name for people: `2#temp_max#gross_range_test` is `temp_max gross_range_test`."""
    return str(check["Check"]).split("#", 1)[1].replace("#", " ").removeprefix("* ")


def show_steps(pipeline: Pipeline, arn: str) -> Execution:
    """Prints a line for each step when it is done; returns the execution when it has ended."""
    began = time.monotonic()
    shown: set[str] = set()
    with console.status("StartQC …", spinner_style="cyan") as status:
        while True:
            execution = pipeline.execution(arn)
            row = next(iter(pipeline.rows(ExecutionArn=arn)), {})
            for step in STEPS:
                if step not in shown and is_done(step, execution, row):
                    shown.add(step)
                    console.print(step_line(step, execution, row, time.monotonic() - began))
            if execution.ended:
                return execution
            status.update(f"{next((step for step in STEPS if step not in shown), 'finishing')} …")
            time.sleep(0.05)


def is_done(step: str, execution: Execution, row: dict[str, Any]) -> bool:
    """Returns whether a step is done: a process when its flag is in the row, any other when the execution has left it."""
    if step.startswith("QCProcess"):
        return "QCProcesses" in execution.steps and f"Process{step[-1]}Pass" in row
    return execution.steps.get(step, False)


def step_line(step: str, execution: Execution, row: dict[str, Any], seconds: float) -> Text:
    """Returns the line for a step that is done: its name, its result and the time."""
    name, result = step, ""
    if step.startswith("QCProcess"):
        name = f"{step} {PROCESSES[int(step[-1])]}"
        failed = "ERROR" if row["Status"] == "ERROR" else "FAIL"
        result = "PASS" if row[f"Process{step[-1]}Pass"] else failed
    elif step == "StartQC":
        result = "" if "QCProcesses" in execution.steps else str(row.get("Status", "REJECTED"))
    elif step == "EndQC":
        result = str(row.get("Status", ""))
    style = COLOURS.get(result, "")
    return Text.assemble(("  ✓ ", "green"), f"{name:<24}", (f"{result:<10}", style), (f"{seconds:5.1f} s", "dim"))


if __name__ == "__main__":
    main()
