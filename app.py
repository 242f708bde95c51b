"""The CDK app: `make synth`, `make deploy`. Settings are context: `-c name=value`, or cdk.json."""

from __future__ import annotations

import aws_cdk as cdk

from stacks.settings import Settings
from stacks.stream_qc_stack import StreamQCStack

app = cdk.App()
StreamQCStack(
    app,
    "StreamQC",
    settings=Settings.from_context(app.node),
    description="Quality control of data streams: from an upload to a verdict in somebody's inbox",
)
app.synth()
