"""What has been claimed by whom, and what came of it: Powertools' idempotency table, with the claimant in each claim.

Powertools' decorator gives a claim up where its function raises or its Lambda's time is over, because then the work may be done
again. Here a claim stands until its claimant completes it or gives it up: the work may have been done by then.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from botocore.exceptions import ClientError

from pipeline.aws import CONFIG, error_code

REMEMBERED_SECONDS = 30 * 86400  # longer than EventBridge and the dead-letter queue can hold an upload back
# Powertools would have a claim expire with the time of its Lambda, and warns that it was not told that time.
warnings.filterwarnings("ignore", message="Couldn't determine the remaining time left")


class Claimed(Exception):  # noqa: N818
    """Another has claimed it, and nothing has come of that yet."""


class Claims(DynamoDBPersistenceLayer):
    """Claims of one kind. `save_success` completes a claim with a result."""

    def __init__(self, kind: str) -> None:
        super().__init__(table_name=os.environ["IDEMPOTENCY_TABLE"], boto_config=CONFIG)
        self.configure(
            IdempotencyConfig(expires_after_seconds=REMEMBERED_SECONDS, hash_function="sha256"), key_prefix=kind
        )
        self._claimant = ""
        self.client.meta.events.register("provide-client-params.dynamodb.PutItem", self._signed)
        self.client.meta.events.register("provide-client-params.dynamodb.DeleteItem", self._own)

    def claim(self, what: dict[str, Any], claimant: str) -> Any:
        """Claims this for the claimant, who may claim again what it has not completed. Returns the result of what was
        completed by anybody, else None. Raises Claimed.
        """
        self._claimant = claimant
        try:
            self.save_inprogress(what)
        except IdempotencyItemAlreadyExistsError as conflict:
            there = conflict.old_data_record
            if there is None or there.status != "COMPLETED":
                raise Claimed(str(what)) from None
            return there.response_json_as_dict()
        return None

    def give_up(self, what: dict[str, Any], error: Exception) -> None:
        """Gives up the claim that was made last, where it is still that one: nothing came of it but this error."""
        try:
            self.delete_record(what, error)
        except ClientError as refused:
            if error_code(refused) != "ConditionalCheckFailedException":  # it is gone already
                raise

    def found(self, what: dict[str, Any]) -> DataRecord | None:
        """The claim of this as it stands: its status, INPROGRESS or COMPLETED, and its result."""
        try:
            return self.get_record(what)
        except IdempotencyItemNotFoundError:
            return None

    def _signed(self, params: dict[str, Any], **_: Any) -> None:
        # A claim whose answer was lost is sent again by the SDK, and must not fail on its own first writing either.
        params["Item"]["claimant"] = {"S": self._claimant}
        params["ConditionExpression"] += " OR (#status = :inprogress AND claimant = :claimant)"
        params["ExpressionAttributeValues"][":claimant"] = {"S": self._claimant}

    def _own(self, params: dict[str, Any], **_: Any) -> None:
        params["ConditionExpression"] = "claimant = :claimant"
        params["ExpressionAttributeValues"] = {":claimant": {"S": self._claimant}}
