"""AWS clients, created on first use, and transient AWS errors under one name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import boto3
import botocore.exceptions
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from pipeline.errors import TemporaryFailure
from pipeline.model import Item

if TYPE_CHECKING:  # stubs, which the functions do not have
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

P = ParamSpec("P")
R = TypeVar("R")

# All attempts of an unanswered call fit within the timeout of every function (a test adds them up from the template).
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=6)
# For objects that are read to their end, whose bytes may come slowly.
BODY_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=30)
# For what a verdict must not wait for.
HURRIED = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=2)
# For publishing: the client must not repeat a request that was sent but not answered.
SINGLE_ATTEMPT = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=20)
BATCH = 100  # items that DynamoDB reads in one request
TRANSIENT = {
    "InternalError", "InternalServerError", "InternalFailure", "ServiceUnavailable", "SlowDown", "RequestTimeout",
    "Throttling", "ThrottlingException", "ThrottledException", "Throttled", "RequestLimitExceeded", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "KMSThrottlingException", "KMSThrottling",
}  # fmt: skip


@functools.cache
def s3() -> S3Client:
    return boto3.client("s3", config=CONFIG)


@functools.cache
def s3_bodies() -> S3Client:
    return boto3.client("s3", config=BODY_CONFIG)


@functools.cache
def s3_for_links() -> S3Client:
    """Returns a client whose links work for every bucket: signed with version 4, at the endpoint of the bucket's region."""
    regional: Any = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    return boto3.client("s3", config=CONFIG.merge(Config(signature_version="s3v4", s3=regional)))


@functools.cache
def s3_for_reports() -> S3Client:
    return boto3.client("s3", config=HURRIED)


@functools.cache
def sns() -> SNSClient:
    return boto3.client("sns", config=SINGLE_ATTEMPT)


@functools.cache
def sqs() -> SQSClient:
    return boto3.client("sqs", config=CONFIG)


@functools.cache
def lambdas() -> LambdaClient:
    return boto3.client("lambda", config=CONFIG)


@functools.cache
def stepfunctions() -> SFNClient:
    return boto3.client("stepfunctions", config=CONFIG)


@functools.cache
def table(name: str) -> Table:
    return boto3.resource("dynamodb", config=CONFIG).Table(name)


def query(table_name: str, **asked: Any) -> Iterator[Item]:
    """Returns every item that a query of the table finds, page by page."""
    while True:
        page = table(table_name).query(**asked)
        yield from map(with_integers, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def scan(table_name: str) -> Iterator[Item]:
    """Returns every item of the table, page by page."""
    asked: dict[str, Any] = {}
    while True:
        page = table(table_name).scan(**asked)
        yield from map(with_integers, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def batch_get(table_name: str, keys: Sequence[Item], **asked: Any) -> Iterator[Item]:
    """Yields the items with these keys, each of which is given once; one that is not there is left out."""
    client = table(table_name).meta.client
    for first in range(0, len(keys), BATCH):
        some: Any = {table_name: {"Keys": keys[first : first + BATCH], "ConsistentRead": True, **asked}}
        while some:
            answer = client.batch_get_item(RequestItems=some)
            yield from map(with_integers, answer["Responses"].get(table_name, ()))
            some = answer.get("UnprocessedKeys")


def existing_item(error: ClientError) -> Item:
    """Returns the item on which a condition failed, or {} if there is none. Re-raises any other error."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    deserialize = TypeDeserializer().deserialize
    values: Any = error.response.get("Item", {})
    item: Item = with_integers({name: deserialize(value) for name, value in values.items()})
    return item


def with_integers(item: Any) -> Any:
    """Returns the item with DynamoDB's numbers as int, the only numbers in our tables."""
    if isinstance(item, dict):
        return {name: with_integers(value) for name, value in item.items()}
    if isinstance(item, list):
        return [with_integers(value) for value in item]
    return int(item) if isinstance(item, Decimal) else item


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_transient(error: BaseException | None) -> bool:
    """Returns whether the same call may succeed later: a throttle, a fault of the service, a broken connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in TRANSIENT or status == 429 or status >= 500
    return isinstance(error, HTTPClientError | botocore.exceptions.ConnectionError | IncompleteReadError)


def raise_transient_as_temporary(step: Callable[P, R]) -> Callable[P, R]:
    """Re-raises transient AWS errors of the step as TemporaryFailure, which the state machine retries."""

    @functools.wraps(step)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            if is_transient(error):
                raise TemporaryFailure(str(error)) from error
            raise

    return wrapper
