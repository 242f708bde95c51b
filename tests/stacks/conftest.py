from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest

from local.aws import ROOT
from stacks.settings import Settings
from stacks.stream_qc_stack import StreamQCStack
from tests.stacks.template import Template


def synthesised(**context: Any) -> Template:
    """The stack's template under this context beside cdk.json's, without the functions' packages."""
    given = json.loads((ROOT / "cdk.json").read_text())["context"] | context
    app = cdk.App(context={**given, "packages": "false"})
    settings = Settings.from_context(app.node)
    StreamQCStack(app, "StreamQC", stack_name=settings.name, settings=settings)
    return Template(app.synth().get_stack_by_name(settings.name).template)


@pytest.fixture(scope="session")
def template() -> Template:
    return synthesised()
