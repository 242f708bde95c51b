"""Deploys a cloud assembly to the local AWS with boto3: uploads the assets, then creates the stack."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from local.aws import ACCOUNT, REGION, STACK, LocalAws

ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"  # the CDK's bootstrap stack would create it


def deploy(aws: LocalAws, assembly: Path, name: str = STACK) -> dict[str, str]:
    """Creates the stack of this name from the cloud assembly and returns its outputs by name.

    Exits with CloudFormation's reasons if the stack cannot be created.
    """
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION})
    manifest = json.loads((assembly / f"{STACK}.assets.json").read_text())
    for asset in manifest["files"].values():
        source = assembly / asset["source"]["path"]
        for place in asset["destinations"].values():
            body = _zipped(source) if source.is_dir() else source.read_bytes()
            s3.put_object(Bucket=ASSETS, Key=place["objectKey"], Body=body)
    template = (assembly / f"{STACK}.template.json").read_bytes()
    s3.put_object(Bucket=ASSETS, Key="template.json", Body=template)
    # A parameter of the template; the CDK's bootstrap stack would set it.
    aws.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{aws.endpoint}/{ASSETS}/template.json",
        Capabilities=["CAPABILITY_IAM"],
        OnFailure="DO_NOTHING",
    )
    stack = _finished(cloudformation, name)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason")
        ]
        sys.exit("local AWS: the stack could not be created:\n    " + "\n    ".join(reasons or [stack["StackStatus"]]))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    if "ApiUrl" in outputs:
        # MiniStack names a host that no resolver knows. The same API has this address, too.
        api = outputs["ApiUrl"].split("//")[1].partition(".")[0]
        outputs["ApiUrl"] = f"{aws.endpoint}/_aws/execute-api/{api}/$default"
    return outputs


def _finished(cloudformation: Any, name: str) -> dict[str, Any]:
    """Returns the stack when it has been created, has failed, or has taken too long."""
    waiter = cloudformation.get_waiter("stack_exists")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    deadline = time.monotonic() + 120
    while True:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
            return stack
        time.sleep(0.2)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return buffer.getvalue()
