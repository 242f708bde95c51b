"""SendQCSummary: one summary for one run, or an error that says that nobody can know."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from pipeline.claims import Done, claim, claim_id, find
from pipeline.environment import environment
from pipeline.publishing import Progress, progress
from step_4_send_qc_summary import handler
from tests.functions.cloud import Cloud, LambdaError, client_error, invoke
from tests.samples import event

RUN: dict[str, Any] = event("send_qc_summary")
ARN = RUN["ExecutionArn"]


def test_retry_neither_sends_nor_counts_twice(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    first = invoke(handler, RUN)
    assert invoke(handler, RUN) == first
    (message,) = cloud.messages(ARN)
    assert message["MessageId"] == first["MessageId"]
    assert capsys.readouterr().out.count('"Runs":[1.0]') == 1
    assert progress(ARN) == Progress.SENT


def test_attempt_that_did_not_finish_is_not_repeated(cloud: Cloud) -> None:
    claim(claim_id("Summary", ARN), "an attempt that died")
    with pytest.raises(LambdaError, match="may already have been published, so it is not published again") as failed:
        invoke(handler, RUN)
    assert failed.value.error == "SummaryNotConfirmed"
    assert cloud.messages() == []
    assert progress(ARN) == Progress.UNKNOWN


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="sns"),
        client_error("Publish", "InternalError", 500),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_unanswered_publish_is_remembered_and_not_repeated(cloud: Cloud, error: Exception, after: bool) -> None:
    cloud.break_calls("Publish", error, times=1, after=after)
    for _ in range(2):
        with pytest.raises(LambdaError) as failed:
            invoke(handler, RUN)
        assert failed.value.error == "SummaryNotConfirmed"
        assert type(error).__name__ in failed.value.cause
    assert len(cloud.messages()) == int(after)
    assert progress(ARN) == Progress.UNKNOWN


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (client_error("Publish", "Throttled", 400), "TemporaryFailure"),
        (client_error("Publish", "AuthorizationError", 403), "ClientError"),
        (EndpointConnectionError(endpoint_url="sns"), "TemporaryFailure"),
    ],
)
def test_refused_publish_may_be_repeated(cloud: Cloud, error: Exception, name: str) -> None:
    cloud.break_calls("Publish", error)
    with pytest.raises(LambdaError) as failed:
        invoke(handler, RUN)
    assert failed.value.error == name
    assert progress(ARN) == Progress.NOT_STARTED
    cloud.mend_calls()
    invoke(handler, RUN)
    assert len(cloud.messages(ARN)) == 1


def test_claim_remembers_what_was_sent(cloud: Cloud) -> None:
    sent = invoke(handler, RUN)
    assert find(claim_id("Summary", ARN)) == Done({**sent, "Status": "FAIL"})
    assert cloud.messages(ARN)[0]["Subject"] == "[QC FAIL] sandbox/gap"


def test_error_before_publishing_releases_the_claim(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.delenv("RESULTS_TOPIC")
        environment.cache_clear()
        with pytest.raises(LambdaError) as failed:
            invoke(handler, RUN)
    assert failed.value.error == "MissingSetting"
    assert progress(ARN) == Progress.NOT_STARTED
    environment.cache_clear()
    invoke(handler, RUN)
    assert len(cloud.messages(ARN)) == 1
