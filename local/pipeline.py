"""The deployed pipeline, as the demo and the tests use it: upload, rerun, follow an execution, read what it left."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer

from local.aws import ROOT, LocalAws, running
from local.deploy import deploy, synthesize

SAMPLES = ROOT / "sample_data"
STEPS = ("StartQC", "QCProcess1", "QCProcess2", "QCProcess3", "EndQC", "SendQCSummary")
WAIT_SECONDS = 120


@contextlib.contextmanager
def deployed(port: int, assembly: Path | None = None, extra: dict[str, str] | None = None) -> Iterator[Pipeline]:
    """A local AWS on the port, with these extra environment variables, and the pipeline deployed from the template."""
    folder = assembly or synthesize()
    with running(port, extra) as aws:
        yield Pipeline(aws, deploy(aws, folder))


@dataclass
class Execution:
    """An execution of the state machine. `steps`: each state that was entered, and whether it has been left."""

    arn: str
    status: str
    input: Any
    output: Any = None
    error: str = ""
    cause: str = ""
    steps: dict[str, bool] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status != "RUNNING"


@dataclass
class Pipeline:
    aws: LocalAws
    outputs: dict[str, str]

    def __post_init__(self) -> None:
        self.s3 = self.aws.client("s3")
        self.sfn = self.aws.client("stepfunctions")
        self.dynamodb = self.aws.client("dynamodb")
        self.sqs = self.aws.client("sqs")
        self.sns = self.aws.client("sns")

    @property
    def bucket(self) -> str:
        return self.outputs["StreamBucketName"]

    def command(self, *words: str) -> str:
        """Runs the `aws` client of this project's environment against the local AWS; returns what it printed."""
        done = subprocess.run(
            ["aws", *words],
            cwd=ROOT,
            env=self.aws.command_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"aws {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def upload(self, key: str, body: bytes) -> str:
        """Puts the object and returns its version ID."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"])

    def upload_rules(self) -> None:
        """Puts the sample rules into the bucket."""
        for path in sorted((SAMPLES / "rules").rglob("*.yaml")):
            self.s3.put_object(Bucket=self.bucket, Key=str(path.relative_to(SAMPLES)), Body=path.read_bytes())

    def start(self, request: Any) -> str:
        """Starts an execution by hand, as a rerun; returns its ARN."""
        text = request if isinstance(request, str) else json.dumps(request)
        return str(
            self.sfn.start_execution(stateMachineArn=self.outputs["StateMachineArn"], input=text)["executionArn"]
        )

    def executions(self) -> list[str]:
        """The ARNs of every execution, the newest first."""
        pages = self.sfn.get_paginator("list_executions").paginate(stateMachineArn=self.outputs["StateMachineArn"])
        return [item["executionArn"] for page in pages for item in page["executions"]]

    def execution(self, arn: str) -> Execution:
        found = self.sfn.describe_execution(executionArn=arn)
        return Execution(
            arn,
            found["status"] if "stopDate" in found else "RUNNING",  # MiniStack sets the output after the status
            json.loads(found["input"]),
            json.loads(found["output"]) if "output" in found and found["status"] == "SUCCEEDED" else None,
            found.get("error", ""),
            found.get("cause", ""),
            self._steps(arn),
        )

    def finished(self, arn: str, seconds: float = WAIT_SECONDS) -> Execution:
        """The execution when it has ended. Raises TimeoutError."""
        return until(lambda: (one := self.execution(arn)).ended and one, f"the end of {arn}", seconds)  # type: ignore[no-any-return]

    def started_by(self, key: str, version_id: str, seconds: float = WAIT_SECONDS) -> str:
        """The ARN of the execution that the upload of this version started. Raises TimeoutError."""

        def look() -> str | None:
            for arn in self.executions():
                uploaded = self.sfn.describe_execution(executionArn=arn)["input"]
                if version_id in uploaded and json.loads(uploaded)["detail"]["object"]["key"] == key:
                    return arn
            return None

        return str(until(look, f"an execution for {key}", seconds))

    def checked(self, key: str, body: bytes) -> Execution:
        """Uploads, and waits for the end of the execution that this starts."""
        return self.finished(self.started_by(key, self.upload(key, body)))

    def rows(self, **equal: Any) -> list[dict[str, Any]]:
        """The QCSummary rows whose attributes equal these."""
        return [
            row
            for row in self._items("scan", "QCSummaryTableName")
            if all(row.get(name) == value for name, value in equal.items())
        ]

    def all_details(self) -> Iterator[dict[str, Any]]:
        """The QCDetails items of every run."""
        return self._items("scan", "QCDetailsTableName")

    def details(self, qcpid: str) -> dict[str, dict[str, Any]]:
        """The QCDetails items of a run, by check."""
        its = {"KeyConditionExpression": "QCPID = :qcpid", "ExpressionAttributeValues": {":qcpid": {"S": qcpid}}}
        return {item["Check"]: item for item in self._items("query", "QCDetailsTableName", **its)}

    def subscribe_queue(self, name: str, filter_policy: dict[str, Any] | None = None) -> str:
        """A new queue that gets the summaries; returns its URL."""
        url = str(self.sqs.create_queue(QueueName=name)["QueueUrl"])
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self.outputs["QCResultsTopicArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        attributes = {"FilterPolicy": json.dumps(filter_policy)} if filter_policy else {}
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url

    def take(self, queue_url: str) -> list[str]:
        """Takes what lies in the queue: the bodies."""
        taken = []
        while found := self.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                taken.append(message["Body"])
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Takes what lies in a queue that gets the summaries: SNS's envelopes, each with the fields under `Summary`."""
        envelopes = [json.loads(body) for body in self.take(queue_url)]
        return [{**envelope, "Summary": json.loads(envelope["Message"])} for envelope in envelopes]

    def log_lines(self, function: str) -> Iterator[str]:
        """All that stands in the log of a function, by its name in the template."""
        client = self.aws.client("logs")
        for group in client.describe_log_groups()["logGroups"]:
            if f"{function}Logs" in group["logGroupName"]:
                for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                    yield from (event["message"] for event in page["events"])

    def logs(self, function: str) -> list[dict[str, Any]]:
        """The JSON lines that a function has logged, by its name in the template."""
        return [json.loads(line) for line in self.log_lines(function) if line.startswith("{")]

    def _steps(self, arn: str) -> dict[str, bool]:
        steps: dict[str, bool] = {}
        for page in self.sfn.get_paginator("get_execution_history").paginate(executionArn=arn):
            for event in page["events"]:
                if "stateEnteredEventDetails" in event:
                    steps[event["stateEnteredEventDetails"]["name"]] = False
                elif "stateExitedEventDetails" in event:
                    steps[event["stateExitedEventDetails"]["name"]] = True
        return steps

    def _items(self, operation: Literal["scan", "query"], output: str, **asked: Any) -> Iterator[dict[str, Any]]:
        deserialize = TypeDeserializer().deserialize
        pages = self.dynamodb.get_paginator(operation)
        for page in pages.paginate(TableName=self.outputs[output], ConsistentRead=True, **asked):
            for item in page["Items"]:
                yield {name: deserialize(value) for name, value in item.items()}


class Inbox:
    """A queue that is subscribed to the topic, as an address would be: the messages by execution."""

    def __init__(self, pipeline: Pipeline, name: str = "inbox", filter_policy: dict[str, Any] | None = None) -> None:
        self._pipeline = pipeline
        self._queue = pipeline.subscribe_queue(name, filter_policy)
        self._received: dict[str, list[dict[str, Any]]] = {}

    def message(self, execution_arn: str, seconds: float = 30) -> dict[str, Any]:
        """The message of an execution: SNS's envelope, with its fields under `Summary`. Raises TimeoutError."""
        found: list[dict[str, Any]] = until(lambda: self.all(execution_arn), f"a message from {execution_arn}", seconds)
        return found[0]

    def all(self, execution_arn: str) -> list[dict[str, Any]]:
        """Every message that has come from an execution."""
        for message in self._pipeline.messages(self._queue):
            self._received.setdefault(message["Summary"]["ExecutionArn"], []).append(message)
        return self._received.get(execution_arn, [])

    def everything(self) -> list[dict[str, Any]]:
        """Every message that has come."""
        self.all("")
        return [message for messages in self._received.values() for message in messages]


def until(look: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """What a look finds, as soon as it finds something. Raises TimeoutError, which names what was looked for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {seconds:g} s")
