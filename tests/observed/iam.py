"""What the local AWS lacks when IAM is enforced: a function's own credentials, and TLS."""

from __future__ import annotations

import os
from typing import Any

import boto3

from local.ministack.hooks import Application


def credentials_of(role: str) -> dict[str, str]:
    """Returns the environment variables with credentials for a function's role."""
    sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="function")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def as_if_over_tls(application: Application) -> Application:
    """Returns the application with every request marked as sent over TLS, which the stack's policies require."""

    async def marked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await application(scope, receive, send)

    return marked
