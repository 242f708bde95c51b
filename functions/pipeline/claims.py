"""Claims make sure that a piece of work is done once, and keep its result.

A claim is an item of a table, written with conditions. It stays with its owner until the owner completes or releases it, even
when the owner fails: the work may have been done by then. An owner may claim again what it has not completed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.aws import batch_get, existing_item, table
from pipeline.environment import environment
from pipeline.model import Item

REMEMBERED_DAYS = 30  # longer than EventBridge and its dead-letter queue together hold an upload back
CLAIMABLE = "attribute_not_exists(id) OR expiration < :now OR (#owner = :owner AND attribute_not_exists(#result))"


@dataclass(frozen=True)
class Won:
    """The owner has the claim, and does the work."""


@dataclass(frozen=True)
class Held:
    """An owner has the claim, and has not completed it."""

    owner: str


@dataclass(frozen=True)
class Done:
    """The work was done; `result` is what its owner completed the claim with."""

    result: Any


def claim_id(kind: str, *parts: str) -> str:
    """Returns the id of a claim on the work that these parts identify."""
    return f"{kind}#{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def claim(claim_id: str, owner: str, seconds: int = REMEMBERED_DAYS * 86400) -> Won | Held | Done:
    """Claims the work for the owner, and returns how that went. Safe to repeat. After these seconds it is free again."""
    now = int(time.time())
    try:
        claims_table().put_item(
            Item={"id": claim_id, "owner": owner, "expiration": now + seconds},
            ConditionExpression=CLAIMABLE,
            ExpressionAttributeNames={"#owner": "owner", "#result": "result"},
            ExpressionAttributeValues={":now": now, ":owner": owner},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return _state_of(existing_item(error))
    return Won()


def complete(claim_id: str, owner: str, result: Any) -> None:
    """Completes the owner's claim with a result that JSON can hold. Raises ClientError where the owner does not have it."""
    claims_table().update_item(
        Key={"id": claim_id},
        UpdateExpression="SET #result = :result, expiration = :expiration",
        ConditionExpression="#owner = :owner",
        ExpressionAttributeNames={"#owner": "owner", "#result": "result"},
        ExpressionAttributeValues={
            ":owner": owner,
            ":result": json.dumps(result),
            ":expiration": int(time.time()) + REMEMBERED_DAYS * 86400,
        },
    )


def release(claim_id: str, owner: str) -> None:
    """Releases the owner's claim, because the work was not done. Does nothing if the owner does not have it."""
    try:
        claims_table().delete_item(
            Key={"id": claim_id},
            ConditionExpression="#owner = :owner AND attribute_not_exists(#result)",
            ExpressionAttributeNames={"#owner": "owner", "#result": "result"},
            ExpressionAttributeValues={":owner": owner},
        )
    except ClientError as error:
        existing_item(error)


def take_over(claim_id: str, owner: str, former: str) -> bool:
    """Gives the owner a claim of a former one that has ended. Returns False if the former owner no longer has it."""
    try:
        claims_table().update_item(
            Key={"id": claim_id},
            UpdateExpression="SET #owner = :owner, expiration = :expiration",
            ConditionExpression="#owner = :former AND attribute_not_exists(#result)",
            ExpressionAttributeNames={"#owner": "owner", "#result": "result"},
            ExpressionAttributeValues={
                ":owner": owner,
                ":former": former,
                ":expiration": int(time.time()) + REMEMBERED_DAYS * 86400,
            },
        )
    except ClientError as error:
        existing_item(error)
        return False
    return True


def find(claim_id: str) -> Held | Done | None:
    """Returns the state of the claim, or None if there is none."""
    item = claims_table().get_item(Key={"id": claim_id}, ConsistentRead=True).get("Item")
    return _state_of(item) if item else None


def absent(claim_ids: Sequence[str]) -> set[str]:
    """Returns those of the claims that nobody has."""
    keys = [{"id": one} for one in claim_ids]
    return {*claim_ids} - {one["id"] for one in batch_get(environment().claims_table, keys, ProjectionExpression="id")}


def _state_of(item: Item) -> Held | Done:
    return Done(json.loads(item["result"])) if "result" in item else Held(item["owner"])


def claims_table() -> Any:
    """Returns the table of the claims."""
    return table(environment().claims_table)
