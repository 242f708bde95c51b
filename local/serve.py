"""`make local`: the local AWS with the pipeline deployed, in the foreground until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from local.aws import ROOT, STATE, port_from_environment
from local.pipeline import Pipeline, deployed

FOLDER = Path(os.environ.get("QC_LOCAL_STATE", STATE))  # where the two files are; elsewhere for tests
ENV, OUTPUTS = FOLDER / "env", FOLDER / "outputs.json"


def main() -> None:
    console = Console(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a script starts with & has it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped and removed on the way out
    console.print("deploying the template to a local AWS …")
    with (
        contextlib.suppress(KeyboardInterrupt),
        deployed(port_from_environment()) as pipeline,
        announced(pipeline),
    ):
        console.print(welcome(pipeline))
        signal.pause()
    console.print("\nstopped; nothing is left running")


@contextlib.contextmanager
def announced(pipeline: Pipeline) -> Iterator[None]:
    """The two files that tell a shell how to reach the local AWS, for as long as it is up."""
    exports = {**pipeline.aws.environment, "AWS_PAGER": ""}
    written = {
        OUTPUTS: json.dumps(pipeline.outputs, indent=2) + "\n",
        ENV: "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()),
    }
    for path, content in written.items():
        path.write_text(content)
    try:
        yield
    finally:
        for path, content in written.items():
            if path.exists() and path.read_text() == content:  # or they are another's by now, on another port
                path.unlink()


def welcome(pipeline: Pipeline) -> str:
    """What to type next."""

    def shown(path: Path) -> str:
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    outputs = "\n".join(f"    {name:<20} {value}" for name, value in pipeline.outputs.items())
    return f"""
The local AWS is up at {pipeline.aws.endpoint} and holds the pipeline:

{outputs}

In another terminal, in this folder:

    source {shown(ENV)}; export PATH="$PWD/.venv/bin:$PATH"     # the plain aws client, pointed here
    aws s3 cp --recursive sample_data/rules s3://{pipeline.bucket}/rules/
    aws s3 cp sample_data/streams/sandbox/gap.csv s3://{pipeline.bucket}/streams/sandbox/gap.csv
    aws dynamodb scan --table-name {pipeline.outputs["QCSummaryTableName"]}

{shown(OUTPUTS)} holds the outputs, name to value. Ctrl-C stops it; what it holds goes with it.
"""


if __name__ == "__main__":
    main()
