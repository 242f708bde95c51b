"""One row and one summary, however often an upload is delivered, and whichever step breaks. See tests/functions as well."""

from __future__ import annotations

import contextlib
import copy
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from local.pipeline import Inbox, Pipeline, until
from tests.pipeline.conftest import QUARTER
from tests.samples import event


def test_deliveries_at_the_same_instant_make_one_run(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    key = f"streams/{group}/s.csv"
    delivered = copy.deepcopy(event("execution_upload"))
    version = pipeline.upload(key, QUARTER.encode())
    delivered["detail"]["object"] |= {"key": key, "version-id": version}
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(pipeline.start, [delivered] * 8))

    def of_the_rule() -> list[str]:
        others = set(pipeline.executions()) - set(started)
        return [arn for arn in others if version in str(pipeline.execution(arn).input)]

    ended = [pipeline.finished(arn) for arn in [*started, *until(of_the_rule, "the execution of the rule")]]
    assert Counter(one.output["Status"] for one in ended) == {"PASS": 1, "REPEATED": 8}
    (row,) = pipeline.rows(GroupID=group)
    assert {one.output["RepeatOf"] for one in ended if one.output["Status"] == "REPEATED"} == {row["QCPID"]}
    assert sum(len(inbox.all(one.arn)) for one in ended) == 1


@contextlib.contextmanager
def without_table(pipeline: Pipeline, function: str, variable: str) -> Iterator[None]:
    """Within it, the state machine invokes a version of a function that is given a table that does not exist."""
    client = pipeline.aws.client("lambda")
    names = [one["FunctionName"] for one in client.list_functions()["Functions"]]
    (name,) = [one for one in names if one.startswith(f"StreamQC-{function}")]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {"Variables": {**variables, variable: "no-such-table"}}
    client.update_function_configuration(FunctionName=name, Environment=broken)
    version = client.publish_version(FunctionName=name)["FunctionArn"]
    machine = pipeline.outputs["StateMachineArn"]
    definition = pipeline.sfn.describe_state_machine(stateMachineArn=machine)["definition"]
    changed, count = re.subn(rf"[^\"]*:function:{name}:\d+", version, definition)
    assert count
    pipeline.sfn.update_state_machine(stateMachineArn=machine, definition=changed)
    try:
        yield
    finally:
        pipeline.sfn.update_state_machine(stateMachineArn=machine, definition=definition)
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_process_that_breaks_does_not_stop_its_siblings(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    with without_table(pipeline, "QCProcess2", "DETAILS_TABLE"):
        execution = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    assert (execution.status, execution.error) == ("FAILED", "ResourceNotFoundException")
    assert execution.cause.startswith("values: ResourceNotFoundException: ")
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["Status"], row["TotalPass"]) == ("ERROR", 0)
    assert (row["Process1Pass"], row["Process2Pass"], row["Process3Pass"]) == (1, 0, 1)
    text = inbox.message(execution.arn)["Summary"]["Text"]
    assert "\n1 structure   pass\n" in text
    assert "\n2 values      could not run: ResourceNotFoundException: " in text
    assert "\n3 continuity  pass\n" in text


def test_end_qc_that_breaks_is_sent_and_fails_the_execution(pipeline: Pipeline, inbox: Inbox, group: str) -> None:
    with without_table(pipeline, "EndQC", "SUMMARY_TABLE"):
        execution = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    assert (execution.status, execution.error) == ("FAILED", "ResourceNotFoundException")
    message = inbox.message(execution.arn)
    assert message["Subject"] == f"[QC ERROR] {group}/s"
    (row,) = pipeline.rows(ExecutionArn=execution.arn)
    assert (row["Status"], row["Error"], row["TotalPass"]) == ("ERROR", "ResourceNotFoundException", 0)
    assert message["Summary"]["TotalPass"] == 0


def test_program_that_cannot_be_reached_keeps_nothing_from_the_others(
    pipeline: Pipeline, inbox: Inbox, group: str
) -> None:
    """It is SNS that tries again; the run and the other subscribers do not feel it."""
    pipeline.sqs.delete_queue(QueueUrl=pipeline.subscribe_queue("gone"))
    run = pipeline.checked(f"streams/{group}/s.csv", QUARTER.encode())
    assert (run.status, inbox.message(run.arn)["Summary"]["Status"]) == ("SUCCEEDED", "PASS")
    assert [(row["Status"], row["Notified"]) for row in pipeline.rows(GroupID=group)] == [("PASS", True)]
