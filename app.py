"""The CDK app: `make synth`, `make deploy`. Settings are context: `-c name=value`, or cdk.json."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk

from stacks.settings import Settings
from stacks.stream_qc_stack import StreamQCStack

# The CDK's command line reads the context in cdk.json itself; `make synth` and the local AWS do not use that command line.
# Values given with -c take precedence in both cases.
app = cdk.App(context=json.loads(Path(__file__).with_name("cdk.json").read_text())["context"])
settings = Settings.from_context(app.node)
StreamQCStack(
    app,
    "StreamQC",
    stack_name=settings.name,
    settings=settings,
    description="Event-driven quality control of data streams",
)
app.synth()
