"""`make redrive`: empties the stack's dead-letter queues. It starts uploads that could not be delivered and closes failed runs.

Safe to repeat and to interrupt: a message is removed only after it was handled. An execution has the name of its message, so
Step Functions starts it once; StartQC finds an upload that already has a run, and CloseRun a run that is already closed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from operations.stack import resources_of
from pipeline.execution import arn_in
from pipeline.request import is_upload, request_of

RESOURCES = {
    "UndeliveredUploads": "AWS::SQS::Queue",
    "UnclosedRuns": "AWS::SQS::Queue",
    "QC": "AWS::StepFunctions::StateMachine",
    "CloseRun": "AWS::Lambda::Function",
}
POLLING_SECONDS = 1
Handle = Callable[[Any], str]  # from a message to the reason why it has to stay, or "" if it was handled


def main(arguments: list[str] | None = None) -> int:
    """Prints what was done. Returns 0 if the queues are empty, 1 if messages had to stay, 2 if AWS refused."""
    parser = argparse.ArgumentParser(prog="make redrive", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stack", default="StreamQC", help="the CloudFormation stack (default: %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        resources = resources_of(asked.stack, RESOURCES)
        started, unread = redrive(resources["UndeliveredUploads"], lambda message: start(resources["QC"], message))
        closed, unclosed = redrive(resources["UnclosedRuns"], lambda message: close(resources["CloseRun"], message))
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"redrive: {error}", file=sys.stderr)
        return 2
    print(f"uploads started: {started}; runs closed: {closed}; left in the queues: {unread + unclosed}")
    return 1 if unread + unclosed else 0


def redrive(queue: str, handle: Handle) -> tuple[int, int]:
    """Handles every message of the queue. Returns how many were handled, and how many had to stay."""
    sqs, done = boto3.client("sqs"), 0
    hidden: dict[str, str] = {}
    # Long polling asks all of the queue's servers. The messages stay hidden for long enough to close ten runs.
    polling: Any = {
        "QueueUrl": queue,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": POLLING_SECONDS,
        "VisibilityTimeout": 3600,
    }
    try:
        while messages := sqs.receive_message(**polling).get("Messages"):
            hidden |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            for message in messages:
                if why := handle(message):
                    print(f"left in the queue: {message['MessageId']}: {why}")
                    continue
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                del hidden[message["MessageId"]]
                done += 1
    finally:  # what stays is visible at once, for the alarm and for the next attempt
        for receipt in hidden.values():
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    return done, len(hidden)


def start(machine: str, message: Any) -> str:
    """Starts the run of the upload in the message. Returns why it cannot be started, or "" if it was."""
    event = _json(message)
    if not is_upload(event):
        return f"not an upload: {message['Body'][:200]}"
    named = request_of(event).named
    sfn = boto3.client("stepfunctions")
    # It exists where an earlier attempt ended before it removed the message.
    with contextlib.suppress(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(stateMachineArn=machine, name=f"redrive-{message['MessageId']}", input=message["Body"])
    print(f"started: {named.key}")
    return ""


def close(function: str, message: Any) -> str:
    """Closes the run of the execution in the message. Returns why it cannot be closed, or "" if it was.

    EventBridge sends the event itself; Lambda wraps it.
    """
    try:
        record = _json(message)
        event = record.get("requestPayload", record)
        arn = arn_in(event)
    except (KeyError, TypeError, AttributeError):
        return f"not an execution: {message['Body'][:200]}"
    # Wait as long as CloseRun may take, and invoke it once: a second invocation beside the first could not know its result.
    patient = Config(read_timeout=330, retries={"total_max_attempts": 1})
    answer = boto3.client("lambda", config=patient).invoke(FunctionName=function, Payload=json.dumps(event))
    if "FunctionError" in answer:
        said = json.loads(answer["Payload"].read())
        if said.get("errorType") != "SummaryNotConfirmed":
            return f"{said.get('errorType')}: {said.get('errorMessage')}"
        print(f"the summary may not have been sent; notify the owner: {said.get('errorMessage')}")
    print(f"closed: {arn}")
    return ""


def _json(message: Any) -> Any:
    try:
        return json.loads(message["Body"])
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
