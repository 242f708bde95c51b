"""What catches broken runs and lost uploads, where only AWS could show it at work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.conftest import synthesised
from tests.stacks.template import Template, readable


def test_unsuccessful_executions_reach_close_run(template: Template) -> None:
    rule = template.properties("AWS::Events::Rule", "FailedRunRule")
    detail = rule["EventPattern"]["detail"]
    assert [readable(arn) for arn in detail.pop("stateMachineArn")] == ["QC"]
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }
    (target,) = rule["Targets"]
    assert readable(target["Arn"]) == "CloseRun"
    assert readable(target["DeadLetterConfig"]["Arn"]) == "UnclosedRuns"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    invoke = template.properties("AWS::Lambda::EventInvokeConfig", "CloseRun")
    assert readable(invoke["DestinationConfig"]["OnFailure"]["Destination"]) == "UnclosedRuns"


def test_reconcile_runs_every_few_hours() -> None:
    for given, schedule in (({}, "rate(6 hours)"), ({"reconcileHours": 24}, "rate(1 day)")):
        rule = synthesised(**given).properties("AWS::Events::Rule", "ReconcileSchedule")
        assert (rule["ScheduleExpression"], rule["State"]) == (schedule, "ENABLED")
        assert readable(rule["Targets"][0]["Arn"]) == "Reconcile"


@pytest.mark.parametrize(
    ("alarm", "metric", "watched"),
    [
        ("UndeliveredUploads", "ApproximateNumberOfMessagesVisible", "UndeliveredUploads"),
        ("UnclosedRuns", "ApproximateNumberOfMessagesVisible", "UnclosedRuns"),
        ("FailedRuns", "ExecutionsFailed", "QC"),
        ("TimedOutRuns", "ExecutionsTimedOut", "QC"),
        ("StoppedRuns", "ExecutionsAborted", "QC"),
        ("ReconcileErrors", "Errors", "Reconcile"),
        ("ArrivalErrors", "Errors", "CheckArrivals"),
        ("MailErrors", "Errors", "SendMail"),
        ("UncheckedRules", "ApproximateNumberOfMessagesVisible", "UncheckedRules"),
        ("UndeliveredResults", "NumberOfNotificationsFailed", "QCResults"),
        ("UndeliveredEmail", "NumberOfNotificationsFailed", "QCEmail"),
        ("UploadRuleLost", "InvocationsFailedToBeSentToDlq", "UploadRule"),
        ("RulesRuleLost", "InvocationsFailedToBeSentToDlq", "RulesRule"),
        ("FailedRunRuleLost", "InvocationsFailedToBeSentToDlq", "FailedRunRule"),
    ],
)
def test_alarm_goes_off_at_1(template: Template, alarm: str, metric: str, watched: str) -> None:
    found = template.properties("AWS::CloudWatch::Alarm", f"{alarm}Alarm")
    assert (found["MetricName"], readable(found["Dimensions"][0]["Value"])) == (metric, watched)
    assert (found["Threshold"], found["EvaluationPeriods"]) == (1, 1)
    assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert found["TreatMissingData"] == "notBreaching"
    assert [readable(action) for action in found["AlarmActions"]] == ["Alarms"]


def test_alarm_goes_off_when_reconcile_no_longer_runs(template: Template) -> None:
    found = template.properties("AWS::CloudWatch::Alarm", "ReconcileStoppedAlarm")
    assert (found["MetricName"], found["Period"], found["Threshold"]) == ("Invocations", 86400, 1)
    assert (found["ComparisonOperator"], found["TreatMissingData"]) == ("LessThanThreshold", "breaching")


def test_alarm_goes_off_when_mail_waits(template: Template) -> None:
    found = template.properties("AWS::CloudWatch::Alarm", "MailDelayedAlarm")
    assert (found["MetricName"], found["Threshold"]) == ("ApproximateAgeOfOldestMessage", 60 + 1800)


def test_alarm_topic_policy_lets_alarms_publish(template: Template) -> None:
    allowed = [
        one
        for policy in template.of_type("AWS::SNS::TopicPolicy").values()
        for one in policy["Properties"]["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]
    assert [one["Principal"] for one in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    assert (allowed[0]["Action"], readable(allowed[0]["Resource"])) == ("sns:Publish", "Alarms")


def test_alarm_emails_are_subscribed() -> None:
    template = synthesised(alarmEmail="ops@example.org", alertEmail="ann@example.org")
    subscribed = template.of_type("AWS::SNS::Subscription").values()
    mails = [one["Properties"] for one in subscribed if one["Properties"]["Protocol"] == "email"]
    assert sorted((readable(one["TopicArn"]), one["Endpoint"]) for one in mails) == [
        ("Alarms", "ops@example.org"),
        ("QCEmail", "ann@example.org"),
    ]


@pytest.fixture(scope="module")
def encrypted() -> Template:
    return synthesised(kms="true")


def keys_in(template: Template) -> dict[str, str]:
    """The key of everything that is stored, by logical name; without one: nothing."""

    def key(kind: str, properties: dict[str, Any]) -> Any:
        if kind == "AWS::S3::Bucket":
            (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            return rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
        if kind == "AWS::DynamoDB::Table":
            return properties.get("SSESpecification", {}).get("KMSMasterKeyId")
        return properties.get("KmsKeyId", properties.get("KmsMasterKeyId"))

    stored = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Logs::LogGroup")
    return {
        name: readable(found)
        for kind in stored
        for name, one in template.of_type(kind).items()
        if (found := key(kind, one["Properties"]))
    }


def test_kms_encrypts_everything_that_is_stored(template: Template, encrypted: Template) -> None:
    stored = {
        name
        for kind in ("S3::Bucket", "DynamoDB::Table", "SNS::Topic", "SQS::Queue", "Logs::LogGroup")
        for name in encrypted.of_type(f"AWS::{kind}")
    }
    assert keys_in(encrypted) == dict.fromkeys(stored, "Key")
    assert not template.of_type("AWS::KMS::Key")
    key = encrypted.one("AWS::KMS::Key")
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == "RetainExceptOnCreate"
    for name in ("QC", "Reruns"):
        machine = encrypted.properties("AWS::StepFunctions::StateMachine", name)["EncryptionConfiguration"]
        assert (readable(machine["KmsKeyId"]), machine["Type"]) == ("Key", "CUSTOMER_MANAGED_KMS_KEY")
    conditions = {
        statement["Sid"]: "Condition" in statement
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if "Sid" in statement
    }
    assert conditions["EventBridge"] is False  # it supports none here
    assert conditions["CloudWatch"]
    assert {"Key": "StreamQC", "Value": "StreamQC"} in key["Properties"]["Tags"]


def test_kms_key_is_used_through_services_only(encrypted: Template) -> None:
    for function in encrypted.of_type("AWS::Lambda::Function").values():
        name = readable(function["Properties"]["Role"]).removesuffix("Role")
        allowed = [
            one
            for one in encrypted.statements(name)
            if "kms:Encrypt" in one["Action"] and "Condition" in one  # not the one for former keys
        ]
        assert len(allowed) == 1, name
        assert readable(allowed[0]["Resource"]) == "Key"
        services = allowed[0]["Condition"]["StringEquals"]["kms:ViaService"]
        assert [readable(service).split(".")[0] for service in services] == ["s3", "dynamodb", "sns", "sqs", "states"]
    actions = {
        action
        for policy in encrypted.of_type("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith("kms:")
    }
    assert not {action for action in actions if action == "kms:*" or "Grant" in action or "Delete" in action}
