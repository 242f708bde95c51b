"""Least privilege: with IAM enforced every kind of run works, and no function has a permission that it does not use."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from history.queries import RunFilter, StreamFilter
from local.assembly import synthesize
from local.page import Api
from local.pipeline import Inbox, Pipeline, until
from tests.observed.stack import observed_pipeline
from tests.pipeline.conftest import QUARTER, invoker, lose_the_end_of, undelivered
from tests.pipeline.faults import BREAKING_OFF
from tests.stacks.template import Template, as_list, readable

# Not called by the function's own code: its log, its traces, and the queue that Lambda sends its failures to.
BROKEN_AND_UNCLOSED = [
    {"function": name, "at": "enter", "kind": "raise", "times": 1000} for name in ("StartQC", "CloseRun")
]
LAMBDAS_OWN = ("logs:", "xray:")
TABLES = ("QCSummary", "QCDetails", "QCStreams", "Idempotency")


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[Pipeline, Path]]:
    """Yields the pipeline with IAM enforced: every function has the credentials of its role, and no others."""
    with observed_pipeline({"splitAboveMiB": "1"}, AUTH="true") as found:
        allow_what_is_named_otherwise(found[0])
        yield found


def allow_what_is_named_otherwise(pipeline: Pipeline) -> None:
    """Grants what the local AWS asks for in its own way.

    On AWS, DeleteMessage covers DeleteMessageBatch; here it is an action. Here, DescribeMapRun is about no resource.
    """
    iam = pipeline.aws.client("iam")
    asked = {
        "SendMail": "sqs:DeleteMessageBatch",
        **dict.fromkeys(("ListStreams", "ServeApi", "ShowStreams"), "states:DescribeMapRun"),
    }
    roles = [one["RoleName"] for page in iam.get_paginator("list_roles").paginate() for one in page["Roles"]]
    for function, action in asked.items():
        (role,) = [name for name in roles if f"{function}Role" in name]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=role, PolicyName="LocalAws", PolicyDocument=json.dumps(document))


def every_kind_of_run(pipeline: Pipeline, folder: Path) -> dict[str, str]:
    """Runs what takes every path of every function. Returns how each run ended."""
    inbox = Inbox(pipeline)
    pipeline.upload_rules()
    reconcile: Callable[[str, dict[str, Any]], Any] = invoker(pipeline)
    faults = {
        "unsent": [BREAKING_OFF],
        "unstarted": [{"function": "StartQC", "at": "PutItem 2", "kind": "before raise", "times": 1}],
        "unclaimed": [
            BREAKING_OFF,
            {"function": "CloseRun", "at": "Publish 1", "kind": "refuse", "times": 1},
        ],
    }
    for group, asked in faults.items():
        (folder / "faults" / f"{group}.json").write_text(json.dumps(asked))
    runs = {
        "pass": pipeline.checked("streams/good/s.csv", QUARTER.encode()),
        "fail": pipeline.checked("streams/bad/s.csv", QUARTER.replace("5.6", "hot").encode()),
        "rejected": pipeline.checked("streams/bad/s.pdf", b"x"),
        "rerun": pipeline.finished(pipeline.start({"GroupID": "good", "StreamID": "s"})),
        "nothing there": pipeline.finished(pipeline.start({"GroupID": "good", "StreamID": "no such"})),
        **{group: pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode()) for group in faults},
    }
    pipeline.upload("rules/split.yaml", b"split: true")
    runs["split"] = pipeline.checked("streams/split/s.csv", QUARTER.encode())
    pipeline.upload("rules/large.yaml", b"schema: {fields: [{name: v, type: number}]}")
    runs["large"] = pipeline.checked("streams/large/s.csv", b"v\n" + b"1.5\n" * 300_000)
    runs["again"] = pipeline.finished(pipeline.start(runs["pass"].input))
    for run in runs.values():
        if run is not runs["again"]:
            assert inbox.message(run.arn)
    with undelivered(pipeline, 1):
        pipeline.upload("streams/lost/s.csv", QUARTER.encode())
    lose_the_end_of(pipeline, "streams/unended/s.csv")
    (folder / "faults" / "untold.json").write_text(json.dumps([BREAKING_OFF]))
    with undelivered(pipeline, 3, to="FailedRunRule"):
        untold = pipeline.checked("streams/untold/s.csv", QUARTER.encode())
        pipeline.checked("streams/nameless.csv", QUARTER.encode())  # it has no row, and is told
        (folder / "faults" / "good.json").write_text(json.dumps(BROKEN_AND_UNCLOSED))
        pipeline.finished(pipeline.start(runs["pass"].input))  # a repeated delivery that breaks: no row either
        (folder / "faults" / "good.json").unlink()
    counts = reconcile("Reconcile", {"SettlingSeconds": 0})
    assert (counts["Started"], counts["Closed"]) == (1, 2)
    assert inbox.message(untold.arn)["Summary"]["Status"] == "PASS"
    counts = reconcile("Reconcile", {"SettlingSeconds": 0})
    assert (counts["Started"], counts["Closed"]) == (0, 0)
    assert len(pipeline.rows(GroupID="good", Key="streams/good/s.csv")) == 2  # the upload's and the rerun's
    watched_streams(pipeline, inbox, folder, reconcile)
    large_bucket(pipeline, reconcile)
    mailed(pipeline, reconcile)
    in_bulk(pipeline, reconcile)
    history(pipeline, reconcile, runs["pass"].output["QCPID"])
    long = {"executionArn": runs["pass"].arn, "status": "FAILED", "startDate": 0, "input": None}
    reconcile("CloseRun", {"source": "aws.states", "detail": long})  # an event without room for its input
    return {name: f"{run.status} {run.error}".strip() for name, run in runs.items()}


def history(pipeline: Pipeline, invoke: Callable[[str, dict[str, Any]], Any], qcpid: str) -> None:
    """Asks the API and the dashboard for everything that they can show, and for a run."""
    api = Api(pipeline)
    assert api.streams(StreamFilter()).Streams
    assert api.runs(RunFilter("good")).Runs
    assert api.runs(RunFilter("good", "s")).Runs
    assert api.run(qcpid).Checks
    assert api.report_address(qcpid)
    assert api.start({"GroupID": "good", "StreamID": "s"}).ExecutionArn
    assert api.reruns().Reruns
    asked = {"group": "good", "stream": "s", "qcpid": qcpid}
    for view in ("streams", "stream", "run", "start"):
        assert "That did not work" not in invoke("ShowStreams", {**asked, "view": view})


def in_bulk(pipeline: Pipeline, invoke: Callable[[str, dict[str, Any]], Any]) -> None:
    """Reruns streams in bulk: twice at once, stopped, resumed, by status; and tries rules on them."""
    machine = pipeline.outputs["RerunStateMachineArn"]

    def start(**given: Any) -> str:
        return str(pipeline.sfn.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"])

    pipeline.upload("rules/bulk.yaml", b"rows: {minimum: 1}")
    for number in range(8):
        pipeline.checked(f"streams/bulk/{number}.csv", QUARTER.encode())
    first = start(GroupID="bulk", MaxConcurrency=1)
    rerun = until(lambda: [row["RerunID"] for row in pipeline.rows(GroupID="bulk") if "RerunID" in row], "a run", 60)[0]
    second = pipeline.finished(start(GroupID="bulk"))
    assert second.error == "RerunUnderWay", second.cause
    pipeline.sfn.stop_execution(executionArn=first)
    assert pipeline.finished(start(GroupID="bulk", Resume=rerun)).output["PASS"] == 8
    assert pipeline.finished(start(GroupID="nobody")).error == "InvalidInput"
    assert pipeline.finished(start(Status="PASS", Since="2020-01-01", GroupID="bulk")).output["Files"] == 8
    pipeline.upload("candidates/x/bulk.yaml", b"rows: {minimum: 10}")
    assert pipeline.finished(start(GroupID="bulk", Rules="candidates/x/")).output["Changed"] == 8
    invoke("EndRerun", {"source": "aws.states", "detail": {"executionArn": first, "status": "ABORTED", "startDate": 0}})


def watched_streams(
    pipeline: Pipeline, inbox: Inbox, folder: Path, invoke: Callable[[str, dict[str, Any]], Any]
) -> None:
    """Uploads rules of each kind and has a stream be late."""
    refused = {"function": "CheckRules", "at": "Publish 1", "kind": "refuse", "times": 1}
    (folder / "faults" / "bad.yaml.json").write_text(json.dumps([refused]))
    rules = {"bad.yaml": "rows: 1", "good.yaml": "arrival: {every: 1 d}", "late/s.yaml": "arrival: {every: 1 s}"}
    for name, body in rules.items():
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=f"rules/{name}", Body=body.encode())

    def has_sent(status: str) -> bool:
        invoke("CheckArrivals", {})
        return status in {one["Summary"]["Status"] for one in inbox.everything()}

    for status in ("INVALID_RULES", "OVERDUE"):
        until(functools.partial(has_sent, status), status)


def large_bucket(pipeline: Pipeline, invoke: Callable[[str, dict[str, Any]], Any]) -> None:
    """Has Reconcile look through more versions than a page has, with no time for the second."""
    with undelivered(pipeline, 1001), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: pipeline.upload(f"streams/many/{number}/", b""), range(1001)))
    client = pipeline.aws.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    (name,) = [
        one["FunctionName"] for page in pages for one in page["Functions"] if "-Reconcile" in one["FunctionName"]
    ]
    client.update_function_configuration(FunctionName=name, Timeout=55)
    assert invoke("Reconcile", {"SettlingSeconds": 0, "Continue": True})["Continues"]
    client.update_function_configuration(FunctionName=name, Timeout=900)


def mailed(pipeline: Pipeline, invoke: Callable[[str, dict[str, Any]], Any]) -> None:
    """Has a mail sent, and one of its messages delivered again."""
    (outbox,) = [url for url in pipeline.sqs.list_queues()["QueueUrls"] if "Outbox" in url]
    events = pipeline.aws.client("events")
    (schedule,) = [one["Name"] for one in events.list_rules()["Rules"] if "MailSchedule" in one["Name"]]
    events.disable_rule(Name=schedule)
    for number in range(2):
        pipeline.checked(f"streams/mailed/{number}.csv", QUARTER.encode())
    asked = {"QueueUrl": outbox, "VisibilityTimeout": 0}
    copy = until(lambda: pipeline.sqs.receive_message(**asked).get("Messages"), "a message in the outbox")[0]
    assert invoke("SendMail", {"time": "a window"})["Mailed"] > 1
    pipeline.sqs.send_message(QueueUrl=outbox, MessageBody=copy["Body"])
    assert invoke("SendMail", {"time": "the next window"})["Repeated"] == 1


def of_objects(call: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yields what a call to S3 needs: a resource and an action."""
    bucket = "Results" if "results" in call["Bucket"] else "Streams"
    if call["operation"] != "ListObjectsV2":
        read = "s3:GetObjectVersion" if "VersionId" in call else "s3:GetObject"
        yield f"{bucket}/{call['Key'].split('/')[0]}/*", "s3:PutObject" if call["operation"] == "PutObject" else read
    if call["operation"] != "PutObject":
        yield bucket, "s3:ListBucket"  # without it an absent object is answered with 403


def of_states(call: dict[str, str]) -> str:
    """Returns the resource that a call to Step Functions is about."""
    places = {"DescribeExecution": "executions", "ListMapRuns": "executions", "DescribeMapRun": "map runs"}
    machine = "Reruns" if call.get("stateMachineArn", "").endswith("-Reruns") else "QC"
    return places.get(call["operation"], machine)


def needed(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Returns the permissions that each function's calls need, by resource."""
    found: dict[str, dict[str, set[str]]] = {}
    for call in map(json.loads, (folder / "calls.jsonl").read_text().splitlines()):
        mine = found.setdefault(call["function"], {})
        operation = call["operation"]
        if operation == "ListObjectVersions":
            mine.setdefault("Streams", set()).add("s3:ListBucketVersions")
        elif "Bucket" in call:
            for place, action in of_objects(call):
                mine.setdefault(place, set()).add(action)
        elif "TableName" in call:
            name = next(name for name in TABLES if name in call["TableName"])
            place = f"{name}/index/{call['IndexName']}" if "IndexName" in call else name
            mine.setdefault(place, set()).add(f"dynamodb:{operation}")
        elif "TopicArn" in call:
            topic = "QCEmail" if "QCEmail" in call["TopicArn"] else "QCResults"
            mine.setdefault(topic, set()).add(f"sns:{operation}")
        elif "QueueUrl" in call:
            mine.setdefault("Outbox", set()).add(f"sqs:{operation.removesuffix('Batch')}")
        elif operation == "Invoke":
            name = "Reconcile" if "Reconcile" in call["FunctionName"] else "CloseRun"
            mine.setdefault(name, set()).add("lambda:InvokeFunction")
        else:
            mine.setdefault(of_states(call), set()).add(f"states:{operation}")
    # It signs the links to reports, which whoever has one then uses.
    found["SendQCSummary"]["Results/reports/*"] = {"s3:GetObject"}
    found["ServeApi"]["Results/reports/*"] = found["ShowStreams"]["Results/reports/*"] = {"s3:GetObject"}
    # A file that is too large changes the state of its stream at once. Nobody uploads one here; tests/functions does as if.
    found["StartQC"]["QCStreams"] = {"dynamodb:GetItem", "dynamodb:UpdateItem"}
    found["StartQC"].setdefault("QCSummary", set()).add("dynamodb:UpdateItem")
    return found


def granted(template: Template) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for function in template.of_type("AWS::Lambda::Function").values():
        name = readable(function["Properties"]["Role"]).removesuffix("Role")
        for statement in template.statements(name):
            if "Condition" in statement:  # on keys that the stack has had; there are none here
                continue
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    is_dead_letters = action.startswith("sqs:") and readable(resource) != "Outbox"
                    if not action.startswith(LAMBDAS_OWN) and not is_dead_letters:
                        place = readable(resource)
                        place = "executions" if ":execution:" in place else "map runs" if ":mapRun:" in place else place
                        found.setdefault(name, {}).setdefault(place, set()).add(action)
    return found


def lines(permissions: dict[str, dict[str, set[str]]]) -> set[str]:
    return {
        f"{function} may {action} on {resource}"
        for function, resources in permissions.items()
        for resource, actions in resources.items()
        for action in actions
    }


def test_runs_use_exactly_the_permissions_that_are_granted(
    guarded: tuple[Pipeline, Path],
) -> None:
    pipeline, folder = guarded
    ended = every_kind_of_run(pipeline, folder)
    assert ended == {
        "pass": "SUCCEEDED",
        "fail": "SUCCEEDED",
        "rejected": "FAILED InvalidInput",
        "rerun": "SUCCEEDED",
        "nothing there": "FAILED StreamNotFound",
        "unsent": "FAILED AuthorizationErrorException",
        "unstarted": "FAILED RuntimeError",
        "unclaimed": "FAILED AuthorizationErrorException",
        "split": "SUCCEEDED",
        "large": "SUCCEEDED",
        "again": "SUCCEEDED",
    }
    template = Template(json.loads((synthesize() / "StreamQC.template.json").read_text()))
    used, allowed = lines(needed(folder)), lines(granted(template))
    assert (sorted(used - allowed), sorted(allowed - used)) == ([], [])  # nothing missing, nothing unused


def test_function_without_a_permission_is_refused(guarded: tuple[Pipeline, Path]) -> None:
    pipeline, _ = guarded
    iam = pipeline.aws.client("iam")
    (role,) = [one["RoleName"] for one in iam.list_roles()["Roles"] if "EndQCRole" in one["RoleName"]]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    kept = [one for one in document["Statement"] if "dynamodb:UpdateItem" not in as_list(one["Action"])]
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps({**document, "Statement": kept}))
    time.sleep(0.1)
    ended = pipeline.checked("streams/refused/s.csv", QUARTER.encode())
    assert (ended.status, "AccessDenied" in ended.cause) == ("FAILED", True)
