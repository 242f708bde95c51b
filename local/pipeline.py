"""The deployed pipeline as the demo and the tests use it: uploads, reruns, executions, rows, messages and logs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer

from local.assembly import synthesize
from local.aws import ROOT, LocalAws, running
from local.deploy import deploy

SAMPLES = ROOT / "sample_data"
STEPS = ("StartQC", "QCProcess1", "QCProcess2", "QCProcess3", "EndQC", "SendQCSummary", "WriteReport")
WAIT_SECONDS = 120


@contextlib.contextmanager
def deployed(
    port: int,
    extra: dict[str, str] | None = None,
    module: str = "local.ministack",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Pipeline]:
    """Starts a local AWS on the port, deploys the pipeline with these settings to it and yields it. See `local.aws.running`."""
    assembly = synthesize(settings=settings)
    with running(port, extra, module) as aws:
        yield Pipeline(aws, deploy(aws, assembly))


@dataclass
class Execution:
    """An execution of the state machine. `steps` holds every state that it entered, and whether it has left it."""

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
    """The pipeline on a local AWS, and the outputs of its stack by name."""

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
        """Runs this project's `aws` client against the local AWS; returns its output. Raises RuntimeError if it fails."""
        environment = self.aws.command_environment()
        done = subprocess.run(["aws", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"aws {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def upload(self, key: str, body: bytes) -> str:
        """Uploads an object and returns its version ID."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"])

    def upload_rules(self) -> None:
        """Uploads the sample rules."""
        for path in sorted((SAMPLES / "rules").rglob("*.yaml")):
            self.s3.put_object(Bucket=self.bucket, Key=str(path.relative_to(SAMPLES)), Body=path.read_bytes())

    def start(self, request: Any) -> str:
        """Starts an execution with this input and returns its ARN."""
        text = request if isinstance(request, str) else json.dumps(request)
        return str(
            self.sfn.start_execution(stateMachineArn=self.outputs["StateMachineArn"], input=text)["executionArn"]
        )

    def executions(self) -> list[str]:
        """Returns the ARNs of all executions, newest first."""
        pages = self.sfn.get_paginator("list_executions").paginate(stateMachineArn=self.outputs["StateMachineArn"])
        return [item["executionArn"] for page in pages for item in page["executions"]]

    def execution(self, arn: str) -> Execution:
        """Returns the execution as it is now."""
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
        """Waits until the execution has ended and returns it. Raises TimeoutError."""
        return until(lambda: (one := self.execution(arn)).ended and one, f"the end of execution {arn}", seconds)  # type: ignore[no-any-return]

    def started_by(self, key: str, version_id: str, seconds: float = WAIT_SECONDS) -> str:
        """Waits for the execution that this version of the object starts; returns its ARN. Raises TimeoutError."""

        def look() -> str | None:
            for arn in self.executions():
                uploaded = self.sfn.describe_execution(executionArn=arn)["input"]
                if version_id in uploaded and json.loads(uploaded)["detail"]["object"]["key"] == key:
                    return arn
            return None

        return str(until(look, f"an execution for {key}", seconds))

    def checked(self, key: str, body: bytes) -> Execution:
        """Uploads an object, waits until its execution has ended and returns the execution. Raises TimeoutError."""
        return self.finished(self.started_by(key, self.upload(key, body)))

    def rows(self, **equal: Any) -> list[dict[str, Any]]:
        """Returns the QCSummary rows whose attributes have these values."""
        return [
            row
            for row in self._items("scan", "QCSummaryTableName")
            if all(row.get(name) == value for name, value in equal.items())
        ]

    def state(self, group_id: str, stream_id: str) -> dict[str, Any]:
        """Returns the QCStreams item of a stream, or {}."""
        items = self._items("scan", "QCStreamsTableName")
        return next((item for item in items if (item["GroupID"], item["StreamID"]) == (group_id, stream_id)), {})

    def all_details(self) -> Iterator[dict[str, Any]]:
        """Returns the QCDetails items of all runs."""
        return self._items("scan", "QCDetailsTableName")

    def states(self) -> Iterator[dict[str, Any]]:
        """Returns the items of QCStreams."""
        return self._items("scan", "QCStreamsTableName")

    def details(self, qcpid: str) -> dict[str, dict[str, Any]]:
        """Returns the QCDetails items of a run by check."""
        query = {"KeyConditionExpression": "QCPID = :qcpid", "ExpressionAttributeValues": {":qcpid": {"S": qcpid}}}
        return {item["Check"]: item for item in self._items("query", "QCDetailsTableName", **query)}

    def subscribe_queue(
        self, name: str, filter_policy: dict[str, Any] | None = None, topic: str = "QCResultsTopicArn"
    ) -> str:
        """Creates a queue that is subscribed to the topic in this output; returns its URL."""
        url = str(self.sqs.create_queue(QueueName=name)["QueueUrl"])
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic_arn = self.outputs[topic]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        attributes = {"FilterPolicy": json.dumps(filter_policy)} if filter_policy else {}
        self.sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url

    def take(self, queue_url: str) -> list[str]:
        """Removes all messages from the queue and returns their bodies."""
        taken = []
        while found := self.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                taken.append(message["Body"])
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Removes all summaries from a subscribed queue; returns SNS's envelopes, each with the parsed message in `Summary`."""
        envelopes = [json.loads(body) for body in self.take(queue_url)]
        return [{**envelope, "Summary": json.loads(envelope["Message"])} for envelope in envelopes]

    def log_lines(self, function: str) -> Iterator[str]:
        """Yields every line of a function's log. The function is named as in the template."""
        client = self.aws.client("logs")
        for group in client.describe_log_groups()["logGroups"]:
            if f"{function}Logs" in group["logGroupName"]:
                for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                    yield from (event["message"] for event in page["events"])

    def logs(self, function: str) -> list[dict[str, Any]]:
        """Returns the JSON lines of a function's log, parsed."""
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

    def _items(self, operation: Literal["scan", "query"], output: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        deserialize = TypeDeserializer().deserialize
        pages = self.dynamodb.get_paginator(operation)
        for page in pages.paginate(TableName=self.outputs[output], ConsistentRead=True, **parameters):
            for item in page["Items"]:
                yield {name: deserialize(value) for name, value in item.items()}


class Inbox:
    """Receives messages through a subscribed queue, and keeps them by execution; under "" those that are not about one."""

    def __init__(self, pipeline: Pipeline, name: str = "inbox", filter_policy: dict[str, Any] | None = None) -> None:
        self._pipeline = pipeline
        self._queue = pipeline.subscribe_queue(name, filter_policy)
        self._received: dict[str, list[dict[str, Any]]] = {}

    def message(self, execution_arn: str, seconds: float = 30) -> dict[str, Any]:
        """Waits for the message of an execution and returns it, as `Pipeline.messages` does. Raises TimeoutError."""
        received: list[dict[str, Any]] = until(
            lambda: self.all(execution_arn), f"a message from {execution_arn}", seconds
        )
        return received[0]

    def all(self, execution_arn: str) -> list[dict[str, Any]]:
        """Returns all messages received so far from an execution."""
        for message in self._pipeline.messages(self._queue):
            self._received.setdefault(message["Summary"].get("ExecutionArn", ""), []).append(message)
        return self._received.get(execution_arn, [])

    def everything(self) -> list[dict[str, Any]]:
        """Returns all messages received so far."""
        self.all("")
        return [message for messages in self._received.values() for message in messages]


def until(look: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """Calls `look` until it returns something true, and returns that. Raises TimeoutError, which names `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds:g} s for {what}")
