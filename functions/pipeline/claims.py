"""What has been claimed by whom: Powertools' idempotency table, with the claimant in each claim.

A claim is a conditional put. Where its answer is lost the SDK sends it again, and the second request fails on the first
one's own write. With the claimant in the item the two can be told apart from a claim of somebody else.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyItemAlreadyExistsError
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from pipeline.aws import CONFIG

REMEMBERED_SECONDS = 30 * 86400  # longer than EventBridge and the dead-letter queue can hold an upload back


class Claims(DynamoDBPersistenceLayer):
    """The idempotency table of this stack. Call `new_claimant` at the start of every invocation."""

    def __init__(self) -> None:
        super().__init__(table_name=os.environ["IDEMPOTENCY_TABLE"], boto_config=CONFIG)
        self.claimant = ""
        self.client.meta.events.register("provide-client-params.dynamodb.PutItem", self._signed)

    def new_claimant(self) -> None:
        """Another claimant than any before: Lambda keeps the request's ID when it tries an asynchronous one again."""
        self.claimant = str(uuid.uuid4())

    def _signed(self, params: dict[str, Any], **_: Any) -> None:
        params["Item"]["claimant"] = {"S": self.claimant}

    def _put_record(self, data_record: DataRecord) -> None:
        try:
            super()._put_record(data_record)
        except IdempotencyItemAlreadyExistsError as conflict:
            if getattr(conflict.old_data_record, "claimant", None) != self.claimant:
                raise

    def _item_to_data_record(self, item: dict[str, Any]) -> DataRecord:
        record = super()._item_to_data_record(item)
        record.claimant = item.get("claimant", {}).get("S")  # type: ignore[attr-defined]  # ours, beside Powertools' own
        return record
