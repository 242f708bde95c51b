"""The plain `aws` client against the local AWS: the contract's sections 1, 2 and 5, as the pages show them."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Mapping

import pytest

from local.pipeline import Inbox, Pipeline
from tests.docs.pages import PAGES
from tests.pipeline.conftest import QUARTER


def test_plain_client_uploads_reruns_and_queries(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    target = f"s3://{pipeline.bucket}/streams/{group}/gap.csv"
    pipeline.command("s3", "cp", "--only-show-errors", "sample_data/streams/sandbox/gap.csv", target)
    key = target.split("/", 3)[3]
    version = pipeline.s3.head_object(Bucket=pipeline.bucket, Key=key)["VersionId"]
    execution = pipeline.finished(pipeline.started_by(key, version))
    command = inbox.message(execution.arn)["Summary"]["Text"].splitlines()[-1]
    assert command.startswith("aws stepfunctions start-execution --state-machine-arn ")

    answer = json.loads(pipeline.command(*shlex.split(command)[1:], "--output", "json"))
    again = pipeline.finished(answer["executionArn"])
    assert (again.output["Status"], again.output["VersionId"]) == ("FAIL", version)

    queried = pipeline.command(
        "dynamodb", "query", "--table-name", pipeline.outputs["QCSummaryTableName"], "--output", "json",
        "--key-condition-expression", "GroupID = :g", "--expression-attribute-values", json.dumps({":g": {"S": group}}),
    )  # fmt: skip
    assert [item["Status"]["S"] for item in json.loads(queried)["Items"]] == ["FAIL", "FAIL"]


def test_queue_with_filter_policy_gets_matching_summaries_only(pipeline: Pipeline, group: str) -> None:
    queue = json.loads(pipeline.command("sqs", "create-queue", "--queue-name", "only-mine", "--output", "json"))[
        "QueueUrl"
    ]
    attributes = pipeline.command(
        "sqs", "get-queue-attributes", "--queue-url", queue, "--attribute-names", "QueueArn", "--output", "json"
    )
    pipeline.command(
        "sns", "subscribe", "--topic-arn", pipeline.outputs["QCResultsTopicArn"], "--protocol", "sqs",
        "--notification-endpoint", json.loads(attributes)["Attributes"]["QueueArn"],
        "--attributes", json.dumps({"FilterPolicy": json.dumps({"GroupID": [group], "Status": ["FAIL", "ERROR"]})}),
    )  # fmt: skip
    bad = b"date\nsoon\n"
    pipeline.checked(f"streams/{group}/good.csv", QUARTER.encode())
    pipeline.checked(f"streams/other {group}/bad.csv", bad)
    pipeline.checked(f"streams/{group}/bad.csv", bad)
    time.sleep(0.3)
    assert [message["Subject"] for message in pipeline.messages(queue)] == [f"[QC FAIL] {group}/bad"]


def test_failed_client_command_raises(pipeline: Pipeline) -> None:
    with pytest.raises(RuntimeError, match=r"aws s3 ls s3://no-such-bucket-here: .*NoSuchBucket"):
        pipeline.command("s3", "ls", "s3://no-such-bucket-here")


def test_aws_commands_of_the_pages_run(pipeline: Pipeline) -> None:
    queue = pipeline.sqs.create_queue(QueueName="readme")["QueueUrl"]
    arn = pipeline.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    (undelivered,) = [url for url in pipeline.sqs.list_queues()["QueueUrls"] if "UndeliveredUploads" in url]
    pipeline.sqs.send_message(QueueUrl=undelivered, MessageBody='{"GroupID": "group1", "StreamID": "streamA"}')
    values = {**pipeline.outputs, "queue ARN": arn, "QCPID": "none", "UndeliveredUploads URL": undelivered}
    lines = [line for page in PAGES for block in page.blocks("sh") for line in block.lines]
    commands = [line for line in lines if line.startswith("aws ") and not line.startswith("aws s3 ")]
    assert {command.split()[1] for command in commands} == {"stepfunctions", "dynamodb", "sns", "sqs"}
    for command in commands:
        answer = pipeline.command(*words_of(command, values)[1:], "--output", "json")
        if command.startswith("aws sqs receive-message"):  # the next commands name what it returns
            (message,) = json.loads(answer)["Messages"]
            values |= message
    assert not pipeline.messages(undelivered)


def words_of(command: str, values: Mapping[str, str]) -> list[str]:
    """Returns the words of a page's command, with the values in the place of variables and of names in angle brackets."""
    command = re.sub(r"\$(\w+)", lambda name: values[name[1]], command)
    words = shlex.split(re.sub(r"<[^<>]+>", lambda name: name[0].replace(" ", "_"), command))
    return [re.sub(r"<(\w+)>", lambda name: values[name[1].replace("_", " ")], word) for word in words]
