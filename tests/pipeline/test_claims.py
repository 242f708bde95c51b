"""A claim whose answer was lost is the claimant's own."""

from __future__ import annotations

import uuid

import pytest
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyItemAlreadyExistsError
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from local.pipeline import Pipeline
from pipeline.claims import Claims


def test_a_claim_that_is_sent_again_is_told_from_that_of_another(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = next(name for name in pipeline.dynamodb.list_tables()["TableNames"] if "Idempotency" in name)
    for name, value in {**pipeline.aws.environment, "IDEMPOTENCY_TABLE": table}.items():
        monkeypatch.setenv(name, value)
    key = str(uuid.uuid4())

    def claim(claimant: str) -> None:
        claims = Claims()
        claims.configure(config=IdempotencyConfig(), function_name="f")
        claims.claimant = claimant
        claims._put_record(DataRecord(idempotency_key=key, status="INPROGRESS", expiry_timestamp=2_000_000_000))

    claim("request 1")
    claim("request 1")  # the SDK sends it again
    with pytest.raises(IdempotencyItemAlreadyExistsError):
        claim("request 2")
