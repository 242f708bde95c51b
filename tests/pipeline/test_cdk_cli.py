"""The CDK's own command line against the local AWS, with the commands of the README."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import ACCOUNT, REGION, ROOT, free_port, running
from local.pipeline import Pipeline
from tests.pipeline.conftest import QUARTER


@pytest.mark.cli
def test_cdk_bootstraps_deploys_and_destroys(tmp_path: Path) -> None:
    with running(free_port()) as aws:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where node is
        environment = {**aws.command_environment(), "PATH": path, "CI": "true"}

        def cdk(*words: str) -> None:
            command = [
                sys.executable,
                "-m",
                "stacks.cdk",
                *words,
                "--output",
                str(tmp_path / "cdk.out"),
                "-c",
                "target=local",
            ]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

        cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
        outputs = tmp_path / "outputs.json"
        cdk(
            "deploy",
            "--require-approval",
            "never",
            "--outputs-file",
            str(outputs),
            "-c",
            "alertEmail=ann@example.org",
            "-c",
            "alertEmail=bob@example.org",
        )
        pipeline = Pipeline(aws, json.loads(outputs.read_text())["StreamQC"])

        subscribed = pipeline.sns.list_subscriptions_by_topic(TopicArn=pipeline.outputs["QCEmailTopicArn"])[
            "Subscriptions"
        ]
        assert {(one["Protocol"], one["Endpoint"]) for one in subscribed} == {
            ("email", "ann@example.org"),
            ("email", "bob@example.org"),
        }
        execution = pipeline.checked("streams/group1/streamA.csv", QUARTER.encode())
        assert execution.output["Status"] == "PASS"

        cdk("destroy", "--force")
        assert pipeline.s3.list_objects_v2(Bucket=pipeline.bucket)["KeyCount"] == 1  # kept
        assert pipeline.rows(GroupID="group1")
        stacks = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
        assert "StreamQC" not in {stack["StackName"] for stack in stacks}
    shutil.rmtree(tmp_path)
