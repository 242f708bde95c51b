"""A claim stands until its claimant completes it or gives it up, and gives way to that claimant alone."""

from __future__ import annotations

import uuid

import pytest

from local.pipeline import Pipeline
from pipeline.claims import Claimed, Claims


@pytest.fixture
def claims(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Claims:
    table = next(name for name in pipeline.dynamodb.list_tables()["TableNames"] if "Idempotency" in name)
    for name, value in {**pipeline.aws.environment, "IDEMPOTENCY_TABLE": table}.items():
        monkeypatch.setenv(name, value)
    return Claims("Test")


@pytest.fixture
def what() -> dict[str, str]:
    return {"Something": str(uuid.uuid4())}


def test_a_claim_may_be_made_again_by_its_claimant_and_by_no_other(claims: Claims, what: dict[str, str]) -> None:
    assert claims.claim(what, "a") is None
    assert claims.claim(what, "a") is None
    with pytest.raises(Claimed):
        claims.claim(what, "b")


def test_nobody_gives_up_what_another_has_claimed(claims: Claims, what: dict[str, str]) -> None:
    claims.claim(what, "a")
    with pytest.raises(Claimed):
        claims.claim(what, "b")
    claims.give_up(what, RuntimeError())  # b's, which it has not
    with pytest.raises(Claimed):
        claims.claim(what, "b")
    assert claims.claim(what, "a") is None


def test_what_came_of_a_claim_is_found_by_everybody(claims: Claims, what: dict[str, str]) -> None:
    claims.claim(what, "a")
    claims.save_success(what, {"Result": 1})
    assert [claims.claim(what, claimant) for claimant in ("a", "b")] == [{"Result": 1}, {"Result": 1}]


def test_a_claim_that_is_given_up_is_free(claims: Claims, what: dict[str, str]) -> None:
    claims.claim(what, "a")
    claims.give_up(what, RuntimeError())
    claims.give_up(what, RuntimeError())  # as where the first answer was lost
    assert claims.claim(what, "b") is None
    with pytest.raises(Claimed):
        claims.claim(what, "a")
