"""Clients of AWS, made when first used, and its passing failures under one name."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError  # noqa: A004

from pipeline.errors import TemporaryFailure

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_stepfunctions import SFNClient

P = ParamSpec("P")
R = TypeVar("R")

# A call that is not answered has its attempts well within the time of every function (a test on the template reckons it).
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=6)
OF_BODIES = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=30)
# Published once: a request that was sent and not answered must not be sent again by the client on its own.
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=20)
PASSING = {
    "InternalError", "InternalServerError", "InternalFailure", "ServiceUnavailable", "SlowDown", "RequestTimeout",
    "Throttling", "ThrottlingException", "ThrottledException", "Throttled", "RequestLimitExceeded", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "KMSThrottlingException", "KMSThrottling",
}  # fmt: skip


@functools.cache
def s3() -> S3Client:
    return boto3.client("s3", config=CONFIG)


@functools.cache
def s3_bodies() -> S3Client:
    """For objects that are read to their end, whose bytes may come slowly."""
    return boto3.client("s3", config=OF_BODIES)


@functools.cache
def sns() -> SNSClient:
    return boto3.client("sns", config=ONE_ATTEMPT)


@functools.cache
def lambdas() -> LambdaClient:
    return boto3.client("lambda", config=CONFIG)


@functools.cache
def stepfunctions() -> SFNClient:
    return boto3.client("stepfunctions", config=CONFIG)


@functools.cache
def table(variable: str) -> Table:
    """The DynamoDB table that this environment variable names."""
    return boto3.resource("dynamodb", config=CONFIG).Table(os.environ[variable])


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(error: BaseException | None) -> bool:
    """Whether the same call may succeed later: a throttle, a fault of the service, a connection that broke."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in PASSING or status == 429 or status >= 500
    return isinstance(error, HTTPClientError | ConnectionError | IncompleteReadError)


def passing_failures_named(step: Callable[P, R]) -> Callable[P, R]:
    """The step, with AWS's passing failures as TemporaryFailure, which the state machine retries, and nothing else."""

    @functools.wraps(step)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            if is_passing(error):
                raise TemporaryFailure(str(error)) from error
            raise

    return wrapper
