"""What an upload sets off: an execution for a stream file, CheckRules for rules; each with retries and a dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.encryption import use_of
from stacks.functions import Functions
from stacks.queues import dead_letters, send_failures_to
from stacks.storage import Storage

LONGEST, TRIES = Duration.hours(24), 185  # as much as EventBridge offers


class Triggers:
    """Starts the state machine for every object created under streams/, with the event of S3 as its input, and CheckRules for
    every object under rules/.

    upload_rule, rules_rule: the EventBridge rules. undelivered, unchecked: the queues of the events that could not be handled.
    """

    def __init__(self, scope: Construct, storage: Storage, functions: Functions, machine: sfn.StateMachine) -> None:
        self.undelivered = dead_letters(scope, "UndeliveredUploads", storage)
        role = iam.Role(scope, "UploadRuleRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        if storage.key:  # under which executions are, from their start
            role.add_to_policy(use_of(storage.key))
        start = targets.SfnStateMachine(
            machine, role=role, dead_letter_queue=self.undelivered, max_event_age=LONGEST, retry_attempts=TRIES
        )
        self.upload_rule = _on_upload(
            scope, "UploadRule", "A stream file was uploaded: check it", storage, "streams/", start
        )

        self.unchecked = dead_letters(scope, "UncheckedRules", storage)
        check = targets.LambdaFunction(
            functions.check_rules, dead_letter_queue=self.unchecked, max_event_age=LONGEST, retry_attempts=TRIES
        )
        self.rules_rule = _on_upload(scope, "RulesRule", "Rules were uploaded: check them", storage, "rules/", check)
        send_failures_to(functions.check_rules, self.unchecked)


def _on_upload(
    scope: Construct, name: str, description: str, storage: Storage, prefix: str, target: events.IRuleTarget
) -> events.Rule:
    """Returns the rule for every object created under a prefix of the stream bucket."""
    return events.Rule(
        scope,
        name,
        description=description,
        event_pattern=events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={
                "bucket": {"name": [storage.streams.bucket_name]},
                "object": {"key": [{"prefix": prefix}]},
            },
        ),
        targets=[target],
    )
