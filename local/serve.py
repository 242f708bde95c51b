"""`make local`: runs a local AWS with the pipeline deployed, in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from local.aws import ROOT, STATE, port_from_environment
from local.messages import show_message
from local.page import served
from local.pipeline import Pipeline, deployed

SECONDS = 0.5  # between two looks for messages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.serve", description="Run the pipeline on a local AWS.")
    parser.add_argument(
        "--state", type=Path, default=STATE, metavar="FOLDER", help="where to write env and outputs.json"
    )
    folder = parser.parse_args().state
    console = Console(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background jobs ignore it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped and removed
    console.print("Deploying the pipeline to a local AWS …")
    with (
        contextlib.suppress(KeyboardInterrupt),
        deployed(port_from_environment()) as pipeline,
        written_for_shells(folder, pipeline),
        served(pipeline, pipeline.aws.port + 1) as page,
    ):
        queue = pipeline.subscribe_queue("messages")
        console.print(welcome(folder, pipeline, page))
        while True:
            for message in pipeline.messages(queue):
                show_message(message)
            time.sleep(SECONDS)
    console.print("\nStopped.")


@contextlib.contextmanager
def written_for_shells(folder: Path, pipeline: Pipeline) -> Iterator[None]:
    """Writes the files `env` and `outputs.json`, for other shells to use; removes them at the end."""
    exports = {**pipeline.aws.environment, "AWS_PAGER": "", **pipeline.outputs}
    files = {
        folder / "outputs.json": json.dumps(pipeline.outputs, indent=2) + "\n",
        folder / "env": "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()),
    }
    for path, content in files.items():
        path.write_text(content)
    try:
        yield
    finally:
        for path, content in files.items():
            if path.exists() and path.read_text() == content:  # a `make local` on another port may have replaced it
                path.unlink()


def welcome(folder: Path, pipeline: Pipeline, page: str) -> str:
    """Returns what to type next."""
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    outputs = "\n".join(f"    {name:<20} {value}" for name, value in pipeline.outputs.items())
    return f"""
The local AWS is running at {pipeline.aws.endpoint}, with the pipeline deployed:

{outputs}

The streams, their runs and their reports are at {page}

Try it in another terminal, in this folder:

    source {shown}/env; export PATH="$PWD/.venv/bin:$PATH"     # points the aws client here, and sets the names above
    aws s3 cp --recursive sample_data/rules s3://$StreamBucketName/rules/
    aws s3 cp sample_data/streams/sandbox/gap.csv s3://$StreamBucketName/streams/sandbox/gap.csv
    aws dynamodb scan --table-name $QCSummaryTableName

The outputs are also in {shown}/outputs.json. Press Ctrl-C to stop; the data is not kept. Each message is shown here:
"""


if __name__ == "__main__":
    main()
