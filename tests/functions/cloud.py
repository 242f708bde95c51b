"""AWS in the process, and the order in which the state machine calls the functions.

What crosses a boundary of AWS (the state machine's own definition, events, permissions) is tested in tests/pipeline.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.client
import polars as pl
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

import close_run
import count_rows
import plan_parts
import reconcile
import step_1_start_qc
import step_2_qc_process
import step_3_end_qc
import step_4_send_qc_summary
import step_5_write_report
import step_6_write_flags
from pipeline import aws, reconciling
from pipeline.execution import arn_in

REGION = "eu-central-2"
ACCOUNT = "123456789012"
QUARTER = "date,precipitation,temp_max,temp_min,wind,weather\n2015/01/01,0.0,5.6,-3.2,1.2,sun\n"
SETTINGS = {
    "RESULTS_BUCKET": "results",
    "REPORT_LINK_HOURS": "0",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "STREAM_BUCKET": "streams",
    "SUMMARY_TABLE": "QCSummary",
    "DETAILS_TABLE": "QCDetails",
    "CLAIMS_TABLE": "Claims",
    "STREAMS_TABLE": "QCStreams",
    "EMAIL_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:QCEmail",
    "EMAIL_FOR": "all",
    "RESULTS_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:QCResults",
    "STATE_MACHINE": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:StreamQC",
    "CLOSE_RUN": "CloseRun",
    "DETAILS_DAYS": "0",
    "SPLIT_ABOVE_MIB": "1024",
    "RERUNS_AT_ONCE": "2",
}
# As the stack creates them; tests/stacks/test_template.py compares the keys.
TABLES = {
    "QCSummary": ("GroupID", "StartTime"),
    "QCDetails": ("QCPID", "Check"),
    "QCStreams": ("GroupID", "StreamID"),
    "Claims": ("id",),
}
INDEXES: dict[str, dict[str, tuple[str, ...]]] = {
    "QCSummary": {"ByStream": ("StreamKey", "StartTime"), "ByQCPID": ("QCPID",)},
    "QCStreams": {"ByDue": ("Due", "DueAt"), "ByStatus": ("Status", "Since")},
}
TRANSIENT = ("TemporaryFailure", "UploadBeingStarted", "RunsStillEnding")  # what the state machine retries
RETRIES = 3
PROCESSES = (step_2_qc_process.structure, step_2_qc_process.values, step_2_qc_process.continuity)

ORIGINAL_CALL = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # no public name

Payload = dict[str, Any]


@functools.cache
def client(service: str) -> Any:
    """A client for the tests. Creating one takes longer than a test, so all tests share them, as the functions do."""
    return boto3.client(service)  # type: ignore[call-overload]


@dataclass
class Context:
    """What a handler sees of its invocation."""

    milliseconds: int = 60_000
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Tested"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class LambdaError(Exception):
    """An error of a function as the state machine sees it: the name of its type, and its message."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error, self.cause = type(error).__name__, str(error)


@dataclass
class Ended:
    """How an execution ended. arn, output, and error with cause where it failed. started, given: when, and with what input."""

    arn: str
    output: Payload
    error: str = ""
    cause: str = ""
    started: str = ""
    given: Any = None


class Cloud:
    """The account of all tests, empty at the beginning of each."""

    def __init__(self) -> None:
        self.s3, self.sqs, self.sfn = client("s3"), client("sqs"), client("stepfunctions")
        self.queues: dict[str, str] = {}
        self.s3.create_bucket(Bucket="streams", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket="streams", VersioningConfiguration={"Status": "Enabled"})
        self.s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": REGION})
        for name, keys in TABLES.items():
            indexes = [_index(index, on) for index, on in INDEXES.get(name, {}).items()]
            attributes = {*keys, *(key for on in INDEXES.get(name, {}).values() for key in on)}
            client("dynamodb").create_table(
                TableName=name,
                **_schema(keys),
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in sorted(attributes)],
                BillingMode="PAY_PER_REQUEST",
                **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
            )
        for topic, queues in {"RESULTS_TOPIC": ("inbox", "outbox"), "EMAIL_TOPIC": ("mailbox",)}.items():
            client("sns").create_topic(Name=SETTINGS[topic].rsplit(":", 1)[-1])
            for name in queues:
                self.queues[name] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
                endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
                client("sns").subscribe(TopicArn=SETTINGS[topic], Protocol="sqs", Endpoint=endpoint)
        role = f"arn:aws:iam::{ACCOUNT}:role/StreamQC"
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        self.sfn.create_state_machine(name="StreamQC", definition=definition, roleArn=role)

    def empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Removes what another test left. Through the API this would take longer than the tests."""
        for bucket in ("streams", "results"):
            s3_backends[ACCOUNT]["aws"].buckets[bucket].keys.clear()
        for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
            table.items.clear()
        for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
            machine.executions.clear()
        self._monkeypatch = monkeypatch
        self._received: list[Payload] = []
        for queue in self.queues.values():
            sqs_backends[ACCOUNT][REGION].queues[queue.rsplit("/", 1)[-1]]._messages.clear()
        self.unclosed: list[str] = []
        # Reconcile's asynchronous invocation of CloseRun, at once and in this process.
        monkeypatch.setattr(reconciling, "lambdas", lambda: Functions(self))

    def table(self, name: str) -> Any:
        """A table, as the functions see it."""
        return aws.table(name)

    def upload(self, key: str, body: str | bytes = QUARTER) -> str:
        """Puts an object, a stream file or rules. Returns its version."""
        content = body.encode() if isinstance(body, str) else body
        return str(self.s3.put_object(Bucket="streams", Key=key, Body=content)["VersionId"])

    def age(self, key: str, days: float) -> None:
        """Has the object be written so many days ago."""
        found = s3_backends[ACCOUNT]["aws"].buckets["streams"].keys[key]
        found.last_modified -= dt.timedelta(days=days)

    def event(self, key: str, version: str) -> Payload:
        """The event of an upload."""
        found = {"key": key, "version-id": version, "sequencer": "0A"}
        return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": found}}

    def checked(self, key: str, body: str | bytes = QUARTER) -> Ended:
        """Uploads a file and run what its event starts."""
        return self.execute(self.event(key, self.upload(key, body)))

    def payload(self, given: Any, name: str = "") -> Payload:
        """What the state machine passes to StartQC for a new execution with this input."""
        arn = f"{SETTINGS['STATE_MACHINE'].replace('stateMachine', 'execution')}:{name or uuid.uuid4()}"
        started = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        return {"ExecutionArn": arn, "ExecutionStart": started, "Input": given}

    def execute(self, given: Any, name: str = "") -> Ended:
        """Runs an execution with this input: the functions in the state machine's order, with its retries and catches."""
        payload = self.payload(given, name)
        ended = Ended(payload["ExecutionArn"], {}, started=payload["ExecutionStart"], given=given)
        try:
            run = invoke(step_1_start_qc.handler, payload)
            if run["Status"] == "REPEATED":
                return Ended(ended.arn, run)
            if run.get("InParts"):
                run = self._planned(run)
            if run["Status"] == "RUNNING":
                results = [self._process(number, run) for number in (1, 2, 3)]
                run = invoke(step_3_end_qc.handler, {**run, "Results": results})
        except LambdaError as failed:
            ended.error, ended.cause = failed.error, failed.cause
            with contextlib.suppress(LambdaError):  # EventBridge invokes it again
                invoke(close_run.handler, {**payload, "Error": ended.error, "Cause": ended.cause})
            self.close(self.status_event(payload, ended))
            return ended
        try:
            invoke(step_4_send_qc_summary.handler, run)
        except LambdaError as failed:
            ended.error, ended.cause = failed.error, failed.cause
        else:
            with contextlib.suppress(LambdaError):
                invoke(step_5_write_report.handler, run)
            if any(result.get("Flags") for result in run.get("Results", ())):
                with contextlib.suppress(LambdaError):
                    invoke(step_6_write_flags.handler, run)
        if not ended.error and run["Status"] in ("ERROR", "REJECTED"):
            ended.error, ended.cause = run["Error"], run["Cause"]
        ended.output = run
        if ended.error:
            self.close(self.status_event(payload, ended))
        return ended

    def close(self, event: Payload) -> None:
        """Invokes CloseRun as EventBridge does. Where it fails, the execution is in `unclosed`, the dead-letter queue."""
        try:
            invoke(close_run.handler, event)
        except LambdaError:
            self.unclosed.append(arn_in(event))

    def status_event(self, payload: Payload, ended: Ended, status: str = "FAILED") -> Payload:
        """EventBridge's event when an execution has ended without success."""
        detail = {
            "executionArn": payload["ExecutionArn"],
            "startDate": int(dt.datetime.fromisoformat(payload["ExecutionStart"]).timestamp() * 1000),
            "status": status,
            "input": json.dumps(payload["Input"]),
            "error": ended.error or None,
            "cause": ended.cause or None,
        }
        return {"source": "aws.states", "detail": detail}

    def rows(self, **equal: Any) -> list[Payload]:
        """The QCSummary rows whose attributes equal these."""
        return [row for row in self._items("QCSummary") if all(row.get(name) == value for name, value in equal.items())]

    def details(self, qcpid: str) -> dict[str, Payload]:
        """The QCDetails items of a run, by check."""
        return {item["Check"]: item for item in self._items("QCDetails") if item["QCPID"] == qcpid}

    def messages(self, execution_arn: str = "") -> list[Payload]:
        """Every summary sent so far, or those of one execution: SNS's envelopes, each with its fields under `Summary`."""
        for envelope in self._taken_from("inbox"):
            self._received.append({**envelope, "Summary": json.loads(envelope["Message"])})
        return [one for one in self._received if execution_arn in ("", one["Summary"].get("ExecutionArn"))]

    def report(self, row: Payload) -> str:
        """The page of a run, given its row."""
        content: bytes = self.s3.get_object(Bucket="results", Key=row["ReportKey"])["Body"].read()
        return content.decode()

    def table_of(self, row: Payload, kind: str) -> pl.DataFrame:
        """A table of a run, given its row: `Flags`, `Clean` or `Quarantine`."""
        return pl.read_parquet(self.s3.get_object(Bucket="results", Key=row[f"{kind}Key"])["Body"].read())

    def mails(self) -> list[Payload]:
        """The mails that were sent since the last call: SNS's envelopes."""
        return [*self._taken_from("mailbox")]

    def _taken_from(self, queue: str) -> Iterator[Payload]:
        url = self.queues[queue]
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                yield json.loads(one["Body"])

    def pages_of(self, count: int) -> None:
        """Has listings of versions come in pages of so many."""

        def make_api_call(client: Any, name: str, params: Any) -> Any:
            return ORIGINAL_CALL(client, name, {**params, "MaxKeys": count} if name == "ListObjectVersions" else params)

        self._monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make_api_call)

    def break_calls(
        self, operation: str, error: Exception, *, number: int = 1, times: int = 1_000_000, after: bool = False
    ) -> list[str]:
        """Has calls of an AWS operation raise from the given one on. Returns a list that will hold those that did.

        after: they raise when the call is done, as where its answer is lost.
        """
        broken: list[str] = []
        seen = itertools.count(1)

        def make_api_call(client: Any, name: str, params: Any) -> Any:
            due = name == operation and number <= next(seen) < number + times
            if due:
                broken.append(name)
            if due and not after:
                raise error
            answer = ORIGINAL_CALL(client, name, params)
            if due:
                raise error
            return answer

        self._monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make_api_call)
        return broken

    def mend_calls(self) -> None:
        """Ends what break_calls began."""
        self._monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", ORIGINAL_CALL)

    def _items(self, table: str) -> list[Payload]:
        page = self.table(table).scan(ConsistentRead=True)
        items: list[Payload] = page["Items"]
        while "LastEvaluatedKey" in page:
            page = self.table(table).scan(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"])
            items += page["Items"]
        return items

    def _planned(self, run: Payload) -> Payload:
        """The run of a large file when its rows were counted."""
        run = invoke(plan_parts.handler, run)
        if not run.get("InParts"):
            return run
        for cut in self._listed(run, "cuts"):
            invoke(count_rows.handler, {**run, "Cut": cut})
        return invoke(plan_parts.handler, {**run, "Counted": True})

    def _listed(self, run: Payload, name: str) -> list[Any]:
        found = self.s3.get_object(Bucket="results", Key=f"parts/{run['QCPID']}/{name}.json")
        listed: list[Any] = json.loads(found["Body"].read())
        return listed

    def _process(self, number: int, run: Payload) -> Payload:
        try:
            for part in self._listed(run, str(number)) if run.get("InParts") else ():
                invoke(PROCESSES[number - 1], {**run, "Part": part})
            return invoke(PROCESSES[number - 1], run)
        except LambdaError as failed:
            return {"Process": number, "Pass": 0, "Error": failed.error, "Cause": failed.cause}


def _schema(keys: tuple[str, ...]) -> dict[str, Any]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return {"KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in kinds]}


def _index(name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    projected = "ALL" if name == "ByStream" else "KEYS_ONLY"
    return {**_schema(keys), "IndexName": name, "Projection": {"ProjectionType": projected}}


class Functions:
    """Lambda, for Reconcile: an asynchronous invocation of CloseRun."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803  # boto3's names
        assert (FunctionName, InvocationType) == ("CloseRun", "Event")
        self._cloud.close(json.loads(Payload))


def invoke(handler: Callable[[Payload, Any], Payload], payload: Payload) -> Payload:
    """Invokes a handler as the state machine does: payloads are JSON, and transient errors are retried."""
    for attempt in range(RETRIES):
        try:
            answer: Payload = json.loads(json.dumps(handler(json.loads(json.dumps(payload)), Context())))
        except Exception as error:
            if type(error).__name__ not in TRANSIENT or attempt == RETRIES - 1:
                raise LambdaError(error) from error
        else:
            return answer
    raise AssertionError


def reconciled(**event: Any) -> Payload:
    """Invokes Reconcile for what was written just now. Returns its counts."""
    return invoke(reconcile.handler, {"SettlingSeconds": 0, "Days": 1, **event})


def client_error(operation: str, code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "a fault of the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)
