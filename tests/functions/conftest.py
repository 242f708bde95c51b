"""The functions against AWS in the process (moto): a bucket, the tables, the topic, and a queue that gets every summary."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from pipeline.environment import environment
from tests.functions.cloud import SETTINGS, Cloud


@pytest.fixture(scope="session")
def account() -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patched, mock_aws(config={"core": {"mock_credentials": False}}):
        for name, value in SETTINGS.items():
            patched.setenv(name, value)
        yield Cloud()


@pytest.fixture
def cloud(account: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {**SETTINGS, "OUTBOX": account.queues["outbox"]}.items():
        monkeypatch.setenv(name, value)
    environment.cache_clear()
    account.empty(monkeypatch)
    yield account
    environment.cache_clear()
