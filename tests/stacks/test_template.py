"""What the emulator cannot show, asserted on the very template that goes to AWS."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.aws import CONFIG, SINGLE_ATTEMPT
from tests.stacks.conftest import synthesised
from tests.stacks.template import OF_RERUNS, STEPS, Template, as_list, readable

CONSOLE = "AWS::Region.console.aws.amazon.com"
RETAINED = ("RetainExceptOnCreate", "Retain")  # a first creation that fails leaves nothing behind
FUNCTIONS = [*STEPS, *OF_RERUNS, "SendMail", "CheckRules", "CheckArrivals", "Reconcile", "ServeApi", "ShowStreams"]
NEWEST, VERSION = {"s3:GetObject"}, {"s3:GetObjectVersion"}
CLAIM, GIVE_UP = {"dynamodb:PutItem", "dynamodb:UpdateItem"}, {"dynamodb:DeleteItem"}
FOLLOW = {"dynamodb:GetItem", "dynamodb:UpdateItem"}
DEAD_LETTERS = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}  # as an OnFailure destination
CHECK = {
    "Streams": {"s3:ListBucket"},
    "Streams/streams/*": VERSION,
    "Streams/rules/*": VERSION,
    "QCSummary": {"dynamodb:UpdateItem"},
    "QCDetails": {"dynamodb:BatchWriteItem"},
    "Results": {"s3:ListBucket"},
    "Results/parts/*": NEWEST | {"s3:PutObject"},
}
HISTORY = {
    "QCStreams": {"dynamodb:BatchGetItem"},
    "QCStreams/index/ByStatus": {"dynamodb:Query"},
    "QCSummary": {"dynamodb:GetItem"},
    "QCSummary/index/ByStream": {"dynamodb:Query"},
    "QCSummary/index/ByQCPID": {"dynamodb:Query"},
    "QCDetails": {"dynamodb:Query"},
    "Results/reports/*": NEWEST,
    "QC": {"states:StartExecution"},
    "Reruns": {"states:ListExecutions"},
    "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:StreamQC-Reruns:*": {
        "states:DescribeExecution",
        "states:ListMapRuns",
    },
    "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:mapRun:StreamQC-Reruns/*": {"states:DescribeMapRun"},
}
RERUNS = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:StreamQC-Reruns:*"
MAP_RUNS = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:mapRun:StreamQC-Reruns/*"
EXECUTIONS = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:StreamQC:*"
MATRIX = {
    "StartQC": {
        "Streams": {"s3:ListBucket"},
        "Streams/streams/*": NEWEST | VERSION,
        "Streams/rules/*": NEWEST,
        "QCSummary": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
        "QCStreams": FOLLOW,
        "Idempotency": CLAIM,
    },
    "PlanParts": {name: CHECK[name] for name in ("Streams", "Streams/rules/*", "Results", "Results/parts/*")},
    "CountRows": {
        "Streams": {"s3:ListBucket"},
        "Streams/streams/*": VERSION,
        "Results/parts/*": {"s3:PutObject"},
    },
    "QCProcess1": CHECK,
    "QCProcess2": CHECK,
    "QCProcess3": CHECK,
    "EndQC": {"QCSummary": {"dynamodb:UpdateItem"}, "QCStreams": FOLLOW},
    "SendQCSummary": {
        "QCSummary": {"dynamodb:UpdateItem"},
        "QCDetails": {"dynamodb:Query"},
        "Idempotency": CLAIM | GIVE_UP,
        "QCResults": {"sns:Publish"},
    },
    "WriteReport": {
        "Results": {"s3:ListBucket"},
        "Results/parts/*": NEWEST,
        "Results/reports/*": {"s3:PutObject"},
        "QCSummary": {"dynamodb:UpdateItem"},
    },
    "WriteFlags": {
        "Streams": {"s3:ListBucket"},
        "Streams/streams/*": VERSION,
        "Streams/rules/*": VERSION,
        "Results": {"s3:ListBucket"},
        "Results/parts/*": NEWEST,
        **{f"Results/{prefix}/*": {"s3:PutObject"} for prefix in ("flags", "clean", "quarantine")},
        "QCSummary": {"dynamodb:UpdateItem"},
    },
    "SendMail": {
        "Outbox": {"sqs:ReceiveMessage", "sqs:DeleteMessage"},
        "Idempotency": CLAIM | {"dynamodb:GetItem"},
        "QCEmail": {"sns:Publish"},
    },
    "CheckRules": {
        "Streams": {"s3:ListBucket"},
        "Streams/rules/*": NEWEST | VERSION,
        "QCStreams": FOLLOW | {"dynamodb:Query", "dynamodb:Scan"},
        "Idempotency": CLAIM | GIVE_UP,
        "QCResults": {"sns:Publish"},
        "UncheckedRules": DEAD_LETTERS,
    },
    "CheckArrivals": {
        "Streams": {"s3:ListBucket"},
        "Streams/rules/*": NEWEST | VERSION,
        "QCStreams": FOLLOW,
        "QCStreams/index/ByDue": {"dynamodb:Query"},
        "Idempotency": CLAIM | GIVE_UP,
        "QCResults": {"sns:Publish"},
    },
    "CloseRun": {
        "QCSummary": {"dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "QCStreams": FOLLOW,
        "QCDetails": {"dynamodb:Query"},
        "Idempotency": CLAIM | GIVE_UP,
        "QCResults": {"sns:Publish"},
        EXECUTIONS: {"states:DescribeExecution"},
        "UnclosedRuns": DEAD_LETTERS,
    },
    "Reconcile": {
        "Streams": {"s3:ListBucketVersions"},
        "QCSummary": {"dynamodb:Query"},
        "QCSummary/index/ByStream": {"dynamodb:Query"},
        "Idempotency": {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"},
        "QC": {"states:StartExecution", "states:ListExecutions"},
        EXECUTIONS: {"states:DescribeExecution"},
        "CloseRun": {"lambda:InvokeFunction"},
        "Reconcile": {"lambda:InvokeFunction"},  # to go on
    },
    "ListStreams": {
        "Streams": {"s3:ListBucket", "s3:ListBucketVersions"},
        "QCStreams": {"dynamodb:BatchGetItem"},
        "QCStreams/index/ByStatus": {"dynamodb:Query"},
        "Idempotency": CLAIM | GIVE_UP | {"dynamodb:GetItem", "dynamodb:BatchGetItem"},
        "Results": {"s3:ListBucket"},
        "Results/reruns/*": NEWEST | {"s3:PutObject"},
        RERUNS: {"states:DescribeExecution", "states:ListMapRuns"},
        MAP_RUNS: {"states:DescribeMapRun"},
        "QC": {"states:ListExecutions"},
    },
    "TryRules": {
        "Streams": {"s3:ListBucket"},
        "Streams/streams/*": VERSION,
        **{f"Streams/{prefix}/*": NEWEST | VERSION for prefix in ("rules", "candidates")},
        "Results/parts/*": {"s3:PutObject"},
    },
    "EndRerun": {
        "Idempotency": CLAIM | GIVE_UP | {"dynamodb:BatchGetItem"},
        "Results": {"s3:ListBucket"},
        "Results/parts/*": NEWEST,
        "Results/reruns/*": NEWEST | {"s3:PutObject"},
        "QCResults": {"sns:Publish"},
        RERUNS: {"states:DescribeExecution"},
    },
    "ServeApi": {**HISTORY, "QCSummary": {"dynamodb:Query", "dynamodb:GetItem"}},
    "ShowStreams": HISTORY,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_has_the_permissions_of_the_matrix_only(template: Template, function: str) -> None:
    own = {
        f"{function}Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    }
    found: dict[str, set[str]] = {}
    for statement in template.statements(function):
        assert statement["Effect"] == "Allow"
        if "Condition" in statement:
            assert_only_former_keys(statement)
            continue
        assert set(statement) == {"Action", "Effect", "Resource"}
        for resource in as_list(statement["Resource"]):
            found.setdefault(readable(resource), set()).update(as_list(statement["Action"]))
    assert found == {**MATRIX[function], **own}


def assert_only_former_keys(statement: dict[str, Any]) -> None:
    """The only conditional permission: to read what was written while the stack had a key of its own."""
    assert statement["Action"] == "kms:Decrypt"
    conditions = statement["Condition"]["StringEquals"]
    assert conditions["aws:ResourceTag/StreamQC"] == "StreamQC"
    assert readable(conditions["kms:ViaService"]).startswith("s3.")


def test_function_has_a_role_of_its_own_without_managed_policies(template: Template) -> None:
    roles = [readable(one["Properties"]["Role"]) for one in template.of_type("AWS::Lambda::Function").values()]
    assert sorted(roles) == sorted(f"{name}Role" for name in FUNCTIONS)
    for role in template.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_state_machine_may_invoke_its_functions_only(template: Template) -> None:
    policy = template.properties("AWS::IAM::Policy", "QCRoleDefaultPolicy")["PolicyDocument"]
    invoked = set()
    for statement in policy["Statement"]:
        actions = set(as_list(statement["Action"]))
        if "lambda:InvokeFunction" in actions:
            assert actions == {"lambda:InvokeFunction"}
            invoked |= {readable(resource).removesuffix(":*") for resource in as_list(statement["Resource"])}
        elif actions == {"s3:GetObject"}:  # the lists of its maps
            assert {readable(one) for one in as_list(statement["Resource"])} == {"arn:AWS::Partition:s3:::Results/*"}
        else:  # tracing, and the delivery of its log, which AWS takes on `*` only
            assert all(action.startswith(("xray:", "logs:")) for action in actions)
    assert invoked == set(STEPS)


def test_bucket_is_versioned_encrypted_private_and_sends_events(template: Template) -> None:
    bucket = next(one for name, one in template.of_type("AWS::S3::Bucket").items() if name.startswith("Streams"))
    properties = bucket["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == RETAINED
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    assert rules["OldVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rules["UnfinishedUploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_bucket_of_reports_is_encrypted_and_private(template: Template) -> None:
    bucket = next(one for name, one in template.of_type("AWS::S3::Bucket").items() if name.startswith("Results"))
    properties = bucket["Properties"]
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == RETAINED
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    assert (rules["Parts"]["Prefix"], rules["Parts"]["ExpirationInDays"]) == ("parts/", 2)


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_requests_without_tls_are_denied(template: Template, kind: str) -> None:
    for policy in template.of_type(kind).values():
        refused = [
            one
            for one in policy["Properties"]["PolicyDocument"]["Statement"]
            if one["Effect"] == "Deny" and one["Condition"].get("Bool") == {"aws:SecureTransport": "false"}
        ]
        assert refused
        assert all(one["Principal"] in ({"AWS": "*"}, "*") for one in refused)


def test_stack_has_no_custom_resource(template: Template) -> None:
    assert not [
        name
        for name, one in template.resources.items()
        if one["Type"].startswith(("Custom::", "AWS::CloudFormation::"))
    ]
    assert len(template.of_type("AWS::Lambda::Function")) == len(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("QCSummary", ["GroupID", "StartTime"]),
        ("QCDetails", ["QCPID", "Check"]),
        ("QCStreams", ["GroupID", "StreamID"]),
    ],
)
def test_tables_are_on_demand_encrypted_recoverable_and_retained(
    template: Template, name: str, keys: list[str]
) -> None:
    table = template.one("AWS::DynamoDB::Table", name)
    properties = table["Properties"]
    assert [key["AttributeName"] for key in properties["KeySchema"]] == keys
    assert [key["KeyType"] for key in properties["KeySchema"]] == ["HASH", "RANGE"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert "SSESpecification" not in properties  # encrypted under a key of AWS's own, which costs nothing
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == RETAINED
    assert "TimeToLiveSpecification" not in properties


def test_claims_expire(template: Template) -> None:
    properties = template.properties("AWS::DynamoDB::Table", "Idempotency")
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}


def test_details_expire_if_days_are_set() -> None:
    template = synthesised(detailsDays=30)
    properties = template.properties("AWS::DynamoDB::Table", "QCDetails")
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ExpiresAt", "Enabled": True}
    for number in (1, 2, 3):
        function = template.properties("AWS::Lambda::Function", f"QCProcess{number}")
        assert function["Environment"]["Variables"]["DETAILS_DAYS"] == "30"


def test_topic_is_encrypted_and_has_no_subscription_by_default(template: Template) -> None:
    assert readable(template.properties("AWS::SNS::Topic", "QCResults")["KmsMasterKeyId"]).endswith(":alias/aws/sns")
    (only,) = template.of_type("AWS::SNS::Subscription").values()
    assert (only["Properties"]["Protocol"], readable(only["Properties"]["Endpoint"])) == ("sqs", "Outbox")


@pytest.mark.parametrize(
    "given",
    ["ann@example.org,bob@example.org", ["ann@example.org", "bob@example.org", "ann@example.org"]],
    ids=["a string", "a list"],
)
def test_alert_emails_are_subscribed_once_each(given: Any) -> None:
    subscribed = synthesised(alertEmail=given).of_type("AWS::SNS::Subscription").values()
    mails = [one["Properties"] for one in subscribed if one["Properties"]["Protocol"] == "email"]
    assert sorted((readable(one["TopicArn"]), one["Endpoint"]) for one in mails) == [
        ("Alarms", "ann@example.org"),  # who gets the mails gets the alarms, unless others are named
        ("Alarms", "bob@example.org"),
        ("QCEmail", "ann@example.org"),
        ("QCEmail", "bob@example.org"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alertEmail", "ann at example.org"),
        ("detailsDays", -1),
        ("detailsDays", "soon"),
        ("processMemoryMiB", 64),
        ("target", "azure"),
        ("name", "my stack"),
        ("emailFor", "nobody"),
        ("emailWindowSeconds", 90),
        ("emailWindowSeconds", 30),
    ],
)
def test_invalid_setting_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        synthesised(**{name: value})


def test_upload_rule_starts_the_state_machine_with_retries_and_dead_letters(template: Template) -> None:
    rule = template.properties("AWS::Events::Rule", "UploadRule")
    assert rule["EventPattern"]["source"] == ["aws.s3"]
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert readable(rule["EventPattern"]["detail"]["bucket"]["name"][0]) == "Streams"
    assert rule["EventPattern"]["detail"]["object"]["key"] == [{"prefix": "streams/"}]
    (target,) = rule["Targets"]
    assert readable(target["Arn"]) == "QC"
    assert readable(target["DeadLetterConfig"]["Arn"]) == "UndeliveredUploads"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)  # the event as S3 sent it
    queue = template.properties("AWS::SQS::Queue", "UndeliveredUploads")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 86400
    allowed = [
        one
        for one in template.properties("AWS::SQS::QueuePolicy", "UndeliveredUploads")["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]
    assert [(one["Action"], one["Principal"]) for one in allowed] == [
        ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
    ]
    assert readable(allowed[0]["Condition"]["ArnEquals"]["aws:SourceArn"]) == "UploadRule"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_runs_python_3_13_on_arm64_with_traces_and_json_logs(template: Template, function: str) -> None:
    properties = template.properties("AWS::Lambda::Function", function)
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert readable(properties["LoggingConfig"]["LogGroup"]) == f"{function}Logs"
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert template.properties("AWS::Logs::LogGroup", f"{function}Logs")["RetentionInDays"] == 90
    module, _, name = properties["Handler"].rpartition(".")
    source = Path(__file__).parents[2] / "functions" / f"{module}.py"
    assert f"\ndef {name}(" in source.read_text() or f"\n{name} = " in source.read_text()


def test_outputs_are_those_of_the_contract(template: Template) -> None:
    assert {name: readable(output["Value"]) for name, output in template.content["Outputs"].items()} == {
        "StreamBucketName": "Streams",
        "ResultsBucketName": "Results",
        "StateMachineArn": "QC",
        "RerunStateMachineArn": "Reruns",
        "QCSummaryTableName": "QCSummary",
        "QCDetailsTableName": "QCDetails",
        "QCStreamsTableName": "QCStreams",
        "QCResultsTopicArn": "QCResults",
        "QCEmailTopicArn": "QCEmail",
        "ApiUrl": "Api",
        "DashboardUrl": f"https://{CONSOLE}/cloudwatch/home?region=AWS::Region#dashboards/dashboard/StreamQC",
    }


def test_cfn_lint_finds_nothing(template: Template, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template.content))
    done = subprocess.run(
        ["cfn-lint", "--regions", "eu-west-1", "--", str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_unanswered_calls_fit_into_every_timeout(template: Template) -> None:
    attempts = CONFIG.retries["total_max_attempts"]  # type: ignore[attr-defined]
    waits = sum(min(2**number, 20) for number in range(attempts - 1))  # the SDK's own, between them
    longest = attempts * CONFIG.read_timeout + waits  # type: ignore[attr-defined]
    timeouts = {
        name: one["Properties"]["Timeout"]
        for name, one in template.of_type("AWS::Lambda::Function").items()
        if "Timeout" in one["Properties"]
    }
    assert len(timeouts) == len(FUNCTIONS)
    assert min(timeouts.values()) > longest + SINGLE_ATTEMPT.read_timeout  # type: ignore[attr-defined]


def test_indexes_are_those_of_the_contract(template: Template) -> None:
    found = {
        name: [
            (
                index["IndexName"],
                [key["AttributeName"] for key in index["KeySchema"]],
                index["Projection"]["ProjectionType"],
            )
            for index in template.properties("AWS::DynamoDB::Table", name)["GlobalSecondaryIndexes"]
        ]
        for name in ("QCSummary", "QCStreams")
    }
    assert found == {
        "QCSummary": [("ByStream", ["StreamKey", "StartTime"], "ALL"), ("ByQCPID", ["QCPID"], "KEYS_ONLY")],
        "QCStreams": [("ByDue", ["Due", "DueAt"], "KEYS_ONLY"), ("ByStatus", ["Status", "Since"], "KEYS_ONLY")],
    }


def test_state_machine_invokes_versions_so_that_an_execution_keeps_its_code(template: Template) -> None:
    versions = template.of_type("AWS::Lambda::Version")
    assert {readable(one["Properties"]["FunctionName"]) for one in versions.values()} == {*STEPS, *OF_RERUNS}
    assert {one["DeletionPolicy"] for one in versions.values()} == {"Retain"}
    machines = template.of_type("AWS::StepFunctions::StateMachine").values()
    definitions = json.dumps([machine["Properties"]["DefinitionString"] for machine in machines])
    assert all(name in definitions for name in versions)


def test_what_exists_is_used_under_its_name() -> None:
    template = synthesised(streamBucket="ours", summaryTable="Runs", detailsTable="Checks", streamsTable="States")
    assert [name[:7] for name in template.of_type("AWS::S3::Bucket")] == ["Results"]
    assert [name[:11] for name in template.of_type("AWS::DynamoDB::Table")] == ["Idempotency"]
    outputs = {name: readable(one["Value"]) for name, one in template.content["Outputs"].items()}
    assert (outputs["StreamBucketName"], outputs["QCSummaryTableName"]) == ("ours", "Runs")
    rule = template.properties("AWS::Events::Rule", "UploadRule")
    assert rule["EventPattern"]["detail"]["bucket"]["name"] == ["ours"]


def test_reports_can_be_left_out() -> None:
    template = synthesised(reports="false")
    assert [name[:7] for name in template.of_type("AWS::S3::Bucket")] == ["Streams"]
    assert not [name for name in template.of_type("AWS::Lambda::Function") if name.startswith("Write")]
    assert template.definition()["States"]["SendQCSummary"]["Next"] == "Verdict?"
    assert "ResultsBucketName" not in template.content["Outputs"]
    assert "RESULTS_BUCKET" not in json.dumps(template.content)


def test_links_that_need_no_account_are_signed_by_the_sender() -> None:
    template = synthesised(reportLinkHours=2)
    (signed,) = [one for one in template.statements("SendQCSummary") if one["Action"] == "s3:GetObject"]
    assert readable(signed["Resource"]) == "Results/reports/*"
    variables = template.properties("AWS::Lambda::Function", "SendQCSummary")["Environment"]["Variables"]
    assert variables["REPORT_LINK_HOURS"] == "2"


def test_two_stacks_share_no_name() -> None:
    named = [synthesised(name=name) for name in ("StreamQC", "Buoys")]
    names = [
        {
            value
            for one in template.resources.values()
            for key, value in one.get("Properties", {}).items()
            if isinstance(value, str)
            and key
            in ("StateMachineName", "LogGroupName", "FunctionName", "TableName", "BucketName", "QueueName", "TopicName")
        }
        for template in named
    ]
    assert names[0]
    assert not names[0] & names[1]
    variables = named[1].properties("AWS::Lambda::Function", "StartQC")["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Buoys"


@pytest.mark.parametrize(
    ("schedule", "function", "rate", "given"),
    [
        ("MailSchedule", "SendMail", "rate(1 minute)", {}),
        ("MailSchedule", "SendMail", "rate(5 minutes)", {"emailWindowSeconds": 300}),
        ("ArrivalSchedule", "CheckArrivals", "rate(1 minute)", {}),
    ],
)
def test_schedules(schedule: str, function: str, rate: str, given: dict[str, Any]) -> None:
    rule = synthesised(**given).properties("AWS::Events::Rule", schedule)
    assert rule["ScheduleExpression"] == rate
    assert readable(rule["Targets"][0]["Arn"]) == function
    assert rule["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 0}


def test_rerun_machine_runs_the_other_one_at_the_pace_of_its_input(template: Template) -> None:
    states = template.definition("Reruns")["States"]
    for name in ("RerunFiles", "TryFiles"):
        assert states[name]["MaxConcurrency"] == "{% $rerun.MaxConcurrency %}"
        assert states[name]["ToleratedFailurePercentage"] == "{% $rerun.ToleratedFailurePercentage %}"
        assert states[name]["ItemReader"]["Arguments"] == {"Bucket": "Results", "Key": "{% $rerun.List %}"}
        (catch,) = states[name]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "EndStoppedRerun")
        assert states[name]["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    run = states["RerunFiles"]["ItemProcessor"]["States"]["RerunFile"]
    assert run["Resource"].endswith(":states:::states:startExecution.sync:2")
    assert run["Arguments"]["StateMachineArn"] == "QC"
    assert run["Output"] == "{% 1 %}"  # the answers of 100,000 children are one payload
    waits = [retry for retry in states["ListStreams"]["Retry"] if retry["ErrorEquals"] == ["RunsStillEnding"]]
    assert len(waits) == 1


def test_runs_of_a_rerun_are_not_mailed_one_by_one(template: Template) -> None:
    subscriptions = template.of_type("AWS::SNS::Subscription").values()
    (outbox,) = [one["Properties"] for one in subscriptions if one["Properties"]["Protocol"] == "sqs"]
    assert outbox["FilterPolicy"] == {"RerunID": [{"exists": False}]}


def test_rerun_that_was_stopped_is_told(template: Template) -> None:
    rule = template.properties("AWS::Events::Rule", "FailedRerunRule")
    detail = rule["EventPattern"]["detail"]
    assert [readable(one) for one in detail["stateMachineArn"]] == ["Reruns"]
    assert detail["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    (target,) = rule["Targets"]
    assert readable(target["Arn"]) == "EndRerun"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
