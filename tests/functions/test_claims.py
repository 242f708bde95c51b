"""A claim stays with its owner until the owner completes or releases it, and yields to no other."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from pipeline.claims import REMEMBERED_DAYS, Done, Held, Won, claim, claim_id, complete, find, release
from pipeline.environment import environment

WORK = claim_id("Test", "a", "b")

pytestmark = pytest.mark.usefixtures("cloud")


def test_claim_may_be_repeated_by_its_owner_only() -> None:
    assert find(WORK) is None
    assert [claim(WORK, owner) for owner in ("a", "a", "b")] == [Won(), Won(), Held("a")]
    assert find(WORK) == Held("a")


def test_completed_claim_gives_its_result_to_everybody() -> None:
    claim(WORK, "a")
    complete(WORK, "a", {"Result": [1, "é"]})
    done = Done({"Result": [1, "é"]})
    assert [claim(WORK, "a"), claim(WORK, "b"), find(WORK)] == [done, done, done]


def test_only_the_owner_completes() -> None:
    claim(WORK, "a")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        complete(WORK, "b", 1)
    complete(WORK, "a", 1)
    complete(WORK, "a", 1)  # as where the first answer was lost
    assert find(WORK) == Done(1)


def test_only_the_owner_releases() -> None:
    claim(WORK, "a")
    release(WORK, "b")
    assert claim(WORK, "b") == Held("a")
    release(WORK, "a")
    release(WORK, "a")
    assert [claim(WORK, "b"), claim(WORK, "a")] == [Won(), Held("b")]


def test_completed_claim_cannot_be_released() -> None:
    claim(WORK, "a")
    complete(WORK, "a", 1)
    release(WORK, "a")
    assert claim(WORK, "b") == Done(1)


def test_expired_claim_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(WORK, "a")
    later = time.time() + REMEMBERED_DAYS * 86400 + 2
    monkeypatch.setattr(time, "time", lambda: later)
    assert claim(WORK, "b") == Won()


def test_error_of_the_table_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMS_TABLE", "no-such-table")
    environment.cache_clear()
    for call in (lambda: claim(WORK, "a"), lambda: complete(WORK, "a", 1), lambda: release(WORK, "a")):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            call()


def test_ids_of_different_work_differ() -> None:
    assert len({claim_id("k", "a", "b"), claim_id("k", "ab"), claim_id("k", "a,b"), claim_id("l", "a", "b")}) == 4
    assert len(claim_id("Upload", "k" * 1024, "v" * 1024)) < 100
