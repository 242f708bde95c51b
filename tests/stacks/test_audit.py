"""The template as its reviewers' tools see it: cdk-nag and checkov find nothing that is not accepted beside the resource."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from local.aws import ROOT
from operations import audit
from stacks.settings import Settings
from stacks.stream_qc_stack import StreamQCStack
from tests.stacks.conftest import synthesised
from tests.stacks.template import Template


def findings_of_cdk_nag(app: cdk.App) -> str:
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except Exception as error:  # noqa: BLE001  # jsii's own
        return str(error) or type(error).__name__
    return ""


@pytest.mark.parametrize("kms", ["false", "true"])
def test_cdk_nag_finds_only_accepted_findings(kms: str) -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(context={**context, "packages": "false", "kms": kms})
    StreamQCStack(app, "StreamQC", settings=Settings.from_context(app.node))
    assert findings_of_cdk_nag(app) == ""


def test_cdk_nag_reports_an_insecure_bucket() -> None:
    app = cdk.App()
    s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    assert "AwsSolutions-S10" in findings_of_cdk_nag(app)


def checkov(template: Template, folder: Path) -> list[str]:
    """The findings: rule and resource."""
    path = folder / "template.json"
    path.write_text(json.dumps(template.content))
    command = [
        str(audit.TOOLS / "checkov"),
        "-f",
        str(path),
        "--framework",
        "cloudformation",
        "--output",
        "json",
        "--quiet",
    ]
    done = subprocess.run([*command, "--compact"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] > 30
    return [f"{one['check_id']} {one['resource']}" for one in report["results"]["failed_checks"]]


@pytest.mark.parametrize("kms", ["false", "true"])
def test_checkov_finds_only_accepted_findings(kms: str, tmp_path: Path) -> None:
    assert checkov(synthesised(kms=kms), tmp_path) == []


def test_checkov_reports_a_removed_acceptance(template: Template, tmp_path: Path) -> None:
    careless = Template(json.loads(json.dumps(template.content)))
    bucket = next(iter(careless.of_type("AWS::S3::Bucket").items()))
    del bucket[1]["Properties"]["PublicAccessBlockConfiguration"]
    assert f"CKV_AWS_53 AWS::S3::Bucket.{bucket[0]}" in checkov(careless, tmp_path)


def test_licences_page_lists_locked_packages() -> None:
    rows = [line.split(" | ") for line in audit.LICENCES.read_text().splitlines() if line.startswith("| ")][1:]
    named = {row[0].removeprefix("| ").lower().replace("_", "-").replace(".", "-"): row[1] for row in rows}
    assert named == {name.lower().replace(".", "-"): version for name, version in audit.locked("functions").items()}
    assert not [row for row in rows if row[2] in ("", "UNKNOWN")]


def test_unaudited_packages_are_not_called_safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = {
        "skipped": '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}',
        "bad": '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}',
        "good": '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}',
        "down": "",
    }
    said = {}
    for name, answer in answers.items():
        tool = tmp_path / "pip-audit"
        tool.write_text(f"#!/bin/sh\necho '{answer}'\n")
        tool.chmod(0o755)
        monkeypatch.setattr(audit, "TOOLS", tmp_path)
        said[name] = audit.vulnerabilities("lock")
    assert said["skipped"] == ("lock: NOT AUDITED, pip-audit skipped 1 of 1 packages", 0)
    assert said["bad"] == ("lock: 1 known vulnerabilities\n  a 1: CVE-1", 1)
    assert said["good"] == ("lock: no known vulnerabilities in 1 packages", 0)
    assert said["down"][0].startswith("lock: NOT AUDITED, pip-audit failed")
