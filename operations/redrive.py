"""`make redrive`: does what the stack's dead-letter queues hold: starts uploads that could not be delivered, closes broken runs.

Safe to repeat, and to break off: a message is removed only after it has been seen to. An execution has the name of its message,
so Step Functions starts it once, StartQC knows an upload that has a run already, and CloseRun a run that is closed and told.
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

RESOURCES = {
    "UndeliveredUploads": "AWS::SQS::Queue",
    "UnclosedRuns": "AWS::SQS::Queue",
    "QC": "AWS::StepFunctions::StateMachine",
    "CloseRun": "AWS::Lambda::Function",
}
Redriven = tuple[int, int]  # how many messages were seen to, and how many had to stay


def main(arguments: list[str] | None = None) -> int:
    """Prints what it did; 0 where the queues are empty in the end, 1 where messages had to stay, 2 where AWS said no."""
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


def redrive(queue: str, see_to: Callable[[Any], str]) -> Redriven:
    """Sees to every message of the queue. `see_to` returns why a message has to stay, or nothing."""
    sqs, done = boto3.client("sqs"), 0
    hidden: dict[str, str] = {}
    # Long polling asks all of the queue's servers. The messages stay hidden for long enough to close ten runs.
    polling: Any = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 3600}
    try:
        while messages := sqs.receive_message(**polling).get("Messages"):
            hidden |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            for message in messages:
                if why := see_to(message):
                    print(f"left in the queue: {message['MessageId']}: {why}")
                    continue
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                del hidden[message["MessageId"]]
                done += 1
    finally:  # what stays is there at once for the alarm, and for whoever tries again
        for receipt in hidden.values():
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    return done, len(hidden)


def start(machine: str, message: Any) -> str:
    """Starts the run of the upload that the message is about."""
    try:
        event = json.loads(message["Body"])
        key = event["detail"]["object"]["key"]
        if event["source"] != "aws.s3":
            raise KeyError("source")
    except (ValueError, KeyError, TypeError):
        return f"not an upload: {message['Body'][:200]}"
    sfn = boto3.client("stepfunctions")
    # It exists already where an earlier attempt broke off before it removed the message.
    with contextlib.suppress(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(stateMachineArn=machine, name=f"redrive-{message['MessageId']}", input=message["Body"])
    print(f"started: {key}")
    return ""


def close(function: str, message: Any) -> str:
    """Closes the run of the execution that the message is about. EventBridge sends the event itself, Lambda wraps it."""
    try:
        record = json.loads(message["Body"])
        event = record.get("requestPayload", record)
        arn = event["detail"]["executionArn"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"not an execution: {message['Body'][:200]}"
    # As long as CloseRun may take, and once: a second invocation beside the first could not know what came of that.
    patient = Config(read_timeout=330, retries={"total_max_attempts": 1})
    answer = boto3.client("lambda", config=patient).invoke(FunctionName=function, Payload=json.dumps(event))
    if "FunctionError" in answer:
        said = json.loads(answer["Payload"].read())
        if said.get("errorType") != "SummaryNotConfirmed":
            return f"{said.get('errorType')}: {said.get('errorMessage')}"
        print(f"tell whoever waits for it, nobody else may have: {said.get('errorMessage')}")
    print(f"closed: {arn}")
    return ""


if __name__ == "__main__":
    sys.exit(main())
