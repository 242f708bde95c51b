"""The API behind API Gateway, as the template makes it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from local.page import Api
from local.pipeline import Pipeline, until
from tests.pipeline.conftest import QUARTER

ROOT = Path(__file__).resolve().parent.parent.parent
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20261127/eu-central-2/execute-api/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.fixture(scope="session")
def api(pipeline: Pipeline) -> Api:
    return Api(pipeline)


def test_run_is_started_and_found_by_the_api(pipeline: Pipeline, api: Api, group: str) -> None:
    pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    started = api.start({"GroupID": group, "StreamID": "s"})
    pipeline.finished(started.ExecutionArn)
    asked = {"group": group, "stream": "s"}
    runs = json.loads(api.request("GET", "/runs", asked).content)["Runs"]
    assert [run["ExecutionArn"] == started.ExecutionArn for run in runs] == [True, False]
    assert json.loads(api.request("GET", "/streams", asked).content)["Streams"][0]["QCPID"] == runs[0]["QCPID"]
    run = json.loads(api.request("GET", f"/runs/{runs[0]['QCPID']}").content)
    assert {check["Check"] for check in run["Checks"]} == {*pipeline.details(runs[0]["QCPID"])}
    until(lambda: pipeline.rows(QCPID=runs[0]["QCPID"])[0].get("ReportKey"), "the report")
    report = api.request("GET", f"/runs/{runs[0]['QCPID']}/report")
    assert report.status_code == 302
    assert "X-Amz-Signature=" in report.headers["Location"]


def test_request_that_is_not_signed_is_refused(pipeline: Pipeline) -> None:
    request = AWSRequest("GET", f"{pipeline.outputs['ApiUrl']}/streams").prepare()
    answer = URLLib3Session().send(request)
    assert (answer.status_code, json.loads(answer.content)) == (403, {"message": "Forbidden"})


def test_schemathesis_finds_nothing(api: Api, pipeline: Pipeline, tmp_path: Path, group: str) -> None:
    pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    (row,) = until(lambda: [one for one in pipeline.rows(GroupID=group) if "ReportKey" in one], "the report")
    (document := tmp_path / "openapi.json").write_bytes(api.request("GET", "/openapi.json").content)
    words = [
        "schemathesis",
        "run",
        str(document),
        "--url",
        pipeline.outputs["ApiUrl"],
        "-H",
        f"Authorization: {SIGNED}",
    ]
    words += ["--max-examples", os.environ.get("FUZZ", "5"), "--continue-on-failure", "--no-color"]
    words += ["--exclude-checks", "unsupported_method"]  # API Gateway answers 404 for a method without a route
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.pipeline.schemathesis_hooks",
        "QCPID": row["QCPID"],
    }
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
