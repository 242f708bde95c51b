"""Reruns in bulk and what-ifs, with AWS in the process, in the order in which their state machine calls the functions."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import close_run
import end_rerun
import list_streams
import step_1_start_qc
import try_rules
from pipeline.errors import InvalidInput
from pipeline.execution import Execution
from pipeline.outcomes import Outcome
from pipeline.request import Delivery
from pipeline.uploads import forget
from reruns import listing, progress
from reruns.progress import Rerun
from reruns.selection import Selection, selection_of
from reruns.summary import RerunSummary
from tests.functions.cloud import Cloud, LambdaError, Payload, client_error, invoke

RULES = "schema: {fields: [{name: n, type: integer, constraints: {maximum: %d}}]}"


@dataclass
class Machine:
    """The state machine of reruns. running: the executions that have not ended."""

    cloud: Cloud
    running: set[str] = field(default_factory=set)
    broken: dict[str, Callable[[], Any]] = field(default_factory=dict)  # what is done before a step, by its name
    count: int = 0
    ending: int = 0  # runs of the rerun that have not ended

    def start(self, stopped_after: int | None = None, *, stop_run: bool = False, **given: Any) -> tuple[str, Payload]:
        """Runs an execution with this input. Returns its ARN and its output, or what it failed with.

        stopped_after: how many files are done when it is stopped. stop_run: whether it stops the run of the next one.
        """
        self.count += 1
        payload = self.cloud.payload(given, f"rerun{self.count}")
        arn = payload["ExecutionArn"]
        self.running.add(arn)
        try:
            plan = self.step("ListStreams", payload)
            for index, item in enumerate(self.listed(plan)):
                if index == stopped_after:
                    if stop_run:
                        self.stop_one({**item, "RerunID": plan["RerunID"]}, f"{plan['Name']}-{index}")
                    return arn, self.failed(payload, "ABORTED", "ExecutionAborted")
                self.do(item, plan, index)
            return arn, self.step("EndRerun", payload)
        except LambdaError as failed:
            return arn, self.failed(payload, "FAILED", failed.error, failed.cause)
        finally:
            self.running.discard(arn)

    def step(self, name: str, payload: Payload) -> Payload:
        """Invokes a step, with what is broken in it."""
        self.broken.get(name, lambda: None)()
        try:
            return invoke({"ListStreams": list_streams.handler, "EndRerun": end_rerun.handler}[name], payload)
        finally:
            self.cloud.mend_calls()

    def listed(self, plan: Payload) -> list[Payload]:
        found = self.cloud.s3.get_object(Bucket="results", Key=plan["List"])["Body"].read()
        return list(json.loads(found))

    def do(self, item: Payload, plan: Payload, index: int) -> None:
        if "Rules" in plan:
            given = {**item, "RerunID": plan["RerunID"], "Rules": plan["Rules"], "Number": index}
            with contextlib.suppress(LambdaError):
                invoke(try_rules.handler, given)
            return
        self.cloud.execute({**item, "RerunID": plan["RerunID"]}, f"{plan['Name']}-{index}")

    def stop_one(self, given: Payload, name: str) -> None:
        """Starts a run and stops it before its first step."""
        payload = self.cloud.payload(given, name)
        detail = {
            "executionArn": payload["ExecutionArn"],
            "startDate": payload["ExecutionStart"],
            "status": "ABORTED",
            "input": json.dumps(given),
        }
        invoke(close_run.handler, {"source": "aws.states", "detail": detail})

    def failed(self, payload: Payload, status: str, error: str, cause: str = "") -> Payload:
        """Tells EndRerun, as EventBridge does."""
        detail = {
            "executionArn": payload["ExecutionArn"],
            "startDate": payload["ExecutionStart"],
            "status": status,
            "input": json.dumps(payload["Input"]),
            "error": error,
            "cause": cause,
        }
        self.running.discard(payload["ExecutionArn"])
        with contextlib.suppress(LambdaError):
            self.step("EndRerun", {"source": "aws.states", "detail": detail})
        return {"Error": error, "Cause": cause}


@pytest.fixture
def machine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine(cloud)
    monkeypatch.setattr(progress, "is_running", lambda arn: arn in found.running)
    monkeypatch.setattr(progress, "_running", lambda _: found.ending)
    monkeypatch.setattr(progress, "progress", lambda _: "1 of 3 files are done, 1 are running")
    return found


def streams(cloud: Cloud, count: int = 5, group: str = "g") -> list[str]:
    """Uploads as many streams of a group and has them checked: `s0`, with the value 0, and so on; above 2 they fail."""
    cloud.upload(f"rules/{group}.yaml", RULES % 2)
    names = [f"s{number}" for number in range(count)]
    for number, name in enumerate(names):
        cloud.checked(f"streams/{group}/{name}.csv", f"n\n{number}\n")
    return names


def verdicts(cloud: Cloud, rerun_id: str) -> Counter[str]:
    """The streams with a verdict in a rerun, as often as they have one."""
    return Counter(row["StreamID"] for row in cloud.rows(RerunID=rerun_id) if row["Status"] in ("PASS", "FAIL"))


def told(cloud: Cloud, arn: str) -> Payload:
    """The only message about an execution."""
    (message,) = cloud.messages(arn)
    return dict(message["Summary"])


def test_a_rerun_has_one_run_for_each_stream_and_one_message(cloud: Cloud, machine: Machine) -> None:
    names = streams(cloud)
    cloud.upload("rules/g.yaml", RULES % 3)
    arn, done = machine.start(GroupID="g")
    assert (done["Files"], done["PASS"], done["FAIL"]) == (5, 4, 1)
    assert verdicts(cloud, done["RerunID"]) == Counter(names)
    message = told(cloud, arn)
    assert (message["Status"], message["Ended"], message["Changed"]) == ("RERUN", {"PASS": 4, "FAIL": 1}, 1)
    assert "FAIL to PASS: g/s3" in message["Text"]
    assert "FAIL n#maximum: 1 stream\n  g/s4" in message["Text"]


def test_runs_of_a_rerun_say_so_to_programs(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 1)
    _, done = machine.start(GroupID="g")
    (envelope,) = [one for one in cloud.messages() if one["Summary"].get("RerunID") and "QCPID" in one["Summary"]]
    assert envelope["MessageAttributes"]["RerunID"]["Value"] == done["RerunID"]


def test_a_second_rerun_of_the_same_is_told_what_the_first_is_doing(cloud: Cloud, machine: Machine) -> None:
    streams(cloud)
    first = cloud.payload({"GroupID": "g"}, "first")
    invoke(list_streams.handler, first)
    machine.running.add(first["ExecutionArn"])
    _, refused = machine.start(GroupID="g")
    assert refused["Error"] == "RerunUnderWay"
    assert refused["Cause"] == f"{first['ExecutionArn']} is doing this: 1 of 3 files are done, 1 are running"
    _, other = machine.start(GroupID="g", Files="all")
    assert other["Files"] == 5
    assert not [one for one in cloud.messages() if "Error" in one["Summary"]]


@pytest.mark.parametrize("stop_run", [False, True])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_rerun_that_was_stopped_can_be_resumed(cloud: Cloud, machine: Machine, after: int, stop_run: bool) -> None:
    names = streams(cloud)
    arn, _ = machine.start(stopped_after=after, stop_run=stop_run, GroupID="g")
    message = told(cloud, arn)
    assert (message["Error"], message["NotRun"]) == ("ExecutionAborted", 5 - after - stop_run)
    assert f'"Resume": "{message["RerunID"]}"' in message["Text"].splitlines()[-1]
    arn, done = machine.start(GroupID="g", Resume=message["RerunID"])
    assert (done["Files"], done["PASS"], done["FAIL"]) == (5, 3, 2)
    assert verdicts(cloud, message["RerunID"]) == Counter(names)
    assert told(cloud, arn)["NotRun"] == 0
    _, again = machine.start(GroupID="g", Resume=message["RerunID"])
    assert again["Cause"].startswith(f"Resume: there is no rerun {message['RerunID']} of these files that was stopped")


def test_the_same_rerun_without_resume_is_a_new_one(cloud: Cloud, machine: Machine) -> None:
    streams(cloud)
    arn, _ = machine.start(stopped_after=2, GroupID="g")
    stopped = told(cloud, arn)["RerunID"]
    cloud.upload("rules/g.yaml", RULES % 9)
    cloud.checked("streams/g/new.csv", "n\n1\n")
    _, done = machine.start(GroupID="g")
    assert done["RerunID"] != stopped
    assert (done["Files"], done["PASS"]) == (6, 6)


def test_only_the_rerun_that_was_stopped_can_be_resumed(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    arn, _ = machine.start(stopped_after=1, GroupID="g")
    _, refused = machine.start(GroupID="g", Resume="other")
    assert (
        refused["Cause"]
        == f"Resume: the rerun of these files that was stopped is {told(cloud, arn)['RerunID']}, not other"
    )
    _, refused = machine.start(GroupID="h", Resume="other")
    assert refused["Cause"].startswith("Resume: there is no rerun other of these files")


def test_resuming_runs_what_ended_as_error_again(cloud: Cloud, machine: Machine) -> None:
    names = streams(cloud, 3)
    cloud.upload("rules/g/s0.yaml", "schema: 1")
    arn, _ = machine.start(stopped_after=2, GroupID="g")
    cloud.upload("rules/g/s0.yaml", RULES % 5)
    rerun = told(cloud, arn)["RerunID"]
    _, done = machine.start(GroupID="g", Resume=rerun)
    assert (done["PASS"], done.get("ERROR")) == (3, None)
    assert verdicts(cloud, rerun) == Counter(names)


def test_a_resumed_rerun_tells_changes_since_before_it_began(cloud: Cloud, machine: Machine) -> None:
    """s0 and s1 end as ERROR at first, as what is stopped does. s0 then has the verdict that it had before."""
    streams(cloud, 3)
    for name in ("s0", "s1"):
        cloud.upload(f"rules/g/{name}.yaml", "schema: 1")
    arn, _ = machine.start(stopped_after=2, GroupID="g")
    message = told(cloud, arn)
    assert "PASS to ERROR: g/s0, g/s1" in message["Text"]
    cloud.upload("rules/g/s0.yaml", RULES % 5)
    cloud.upload("rules/g/s1.yaml", RULES % 0)
    arn, _ = machine.start(GroupID="g", Resume=message["RerunID"])
    message = told(cloud, arn)
    assert message["Changed"] == 1
    assert "PASS to FAIL: g/s1\n" in message["Text"]


def test_a_run_that_is_stopped_before_it_began_leaves_the_file_to_the_next(cloud: Cloud, machine: Machine) -> None:
    """The stopped run is closed only after the rerun was resumed, and while its file runs again."""
    names = streams(cloud, 2)
    first = cloud.payload({"GroupID": "g"}, "first")
    plan = invoke(list_streams.handler, first)
    machine.failed(first, "ABORTED", "ExecutionAborted")
    item = {**machine.listed(plan)[0], "RerunID": plan["RerunID"]}
    machine.broken["EndRerun"] = lambda: machine.stop_one(item, f"{plan['Name']}-0")
    _, done = machine.start(GroupID="g", Resume=plan["RerunID"])
    assert done["PASS"] == 2
    assert verdicts(cloud, plan["RerunID"]) == Counter(names)


def test_an_execution_that_lives_on_takes_no_run_from_another(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 1)
    cloud.upload("rules/g.yaml", "schema: 1")
    _, done = machine.start(GroupID="g")
    (failed,) = cloud.rows(RerunID=done["RerunID"])
    delivery = Delivery(failed["Key"], failed["VersionId"], done["RerunID"])
    forget(delivery, failed["QCPID"])
    cloud.upload("rules/g.yaml", RULES % 5)
    item = {"GroupID": "g", "StreamID": "s0", "Key": failed["Key"], "VersionId": failed["VersionId"]}
    cloud.execute({**item, "RerunID": done["RerunID"]})
    forget(delivery, failed["QCPID"])  # as that execution does when it comes to it
    cloud.execute({**item, "RerunID": done["RerunID"]})
    assert verdicts(cloud, done["RerunID"]) == Counter({"s0": 1})


def test_runs_that_are_not_closed_are_waited_for(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    first = cloud.payload({"GroupID": "g"}, "first")
    plan = invoke(list_streams.handler, first)
    item = machine.listed(plan)[0]
    invoke(step_1_start_qc.handler, cloud.payload({**item, "RerunID": plan["RerunID"]}, "run"))
    _, refused = machine.start(GroupID="g", Resume=plan["RerunID"])
    assert refused["Error"] == "RunsStillEnding"
    assert refused["Cause"] == f"runs of this rerun that are not closed yet: 1, such as that of {item['Key']}"
    machine.ending = 1
    _, refused = machine.start(GroupID="g", Resume=plan["RerunID"])
    assert refused["Cause"] == "runs of this rerun that have not ended yet: 1"


@pytest.mark.parametrize("number", range(1, 4))
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "operation", ["PutItem", "BatchGetItem", "PutObject", "GetObject", "Publish", "UpdateItem", "DeleteItem"]
)
@pytest.mark.parametrize("step", ["ListStreams", "EndRerun"])
def test_a_call_that_fails_loses_and_doubles_nothing(
    cloud: Cloud, machine: Machine, step: str, operation: str, after: bool, number: int
) -> None:
    names = streams(cloud)
    error = ReadTimeoutError(endpoint_url="https://aws") if after else client_error(operation, "Throttling")
    machine.broken[step] = lambda: cloud.break_calls(operation, error, number=number, times=3, after=after)
    arn, done = machine.start(GroupID="g")
    starts = [arn]
    machine.broken.clear()
    if "Error" in done:
        arn, done = machine.start(GroupID="g")
        starts.append(arn)
    assert (done["PASS"], done["FAIL"]) == (3, 2), done
    assert verdicts(cloud, done["RerunID"]) == Counter(names)
    assert [len(cloud.messages(arn)) for arn in starts][-1] == 1
    assert all(len(cloud.messages(arn)) <= 1 for arn in starts)


def test_a_what_if_writes_no_row_and_names_the_verdicts_of_the_rerun(cloud: Cloud, machine: Machine) -> None:
    streams(cloud)
    rows, states = cloud.rows(), cloud._items("QCStreams")
    cloud.upload("candidates/x/g.yaml", RULES % 0)
    cloud.upload("candidates/x/g/s4.yaml", RULES % 4)
    cloud.upload("candidates/x/g/s0.yaml", "schema: 1")
    arn, tried = machine.start(GroupID="g", Rules="candidates/x")
    assert (cloud.rows(), cloud._items("QCStreams")) == (rows, states)
    message = told(cloud, arn)
    changes = {one["StreamID"]: (one["Before"], one["After"]) for one in message["Changes"]}
    for name in ("g.yaml", "g/s4.yaml", "g/s0.yaml"):
        content = cloud.s3.get_object(Bucket="streams", Key=f"candidates/x/{name}")["Body"].read()
        cloud.upload(f"rules/{name}", content)
    before = {row["StreamID"]: row["Status"] for row in rows}
    _, done = machine.start(GroupID="g")
    after = {row["StreamID"]: row["Status"] for row in cloud.rows(RerunID=done["RerunID"])}
    assert changes == {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    assert changes == {"s0": ("PASS", "ERROR"), "s1": ("PASS", "FAIL"), "s2": ("PASS", "FAIL"), "s4": ("FAIL", "PASS")}
    assert tried["Changed"] == 4
    page = cloud.s3.get_object(Bucket="results", Key=f"reruns/{tried['RerunID']}/what-if.html")["Body"].read().decode()
    assert "schema.fields.n.constraints.maximum: 2" in page
    assert "PASS to ERROR: InvalidRules: candidates/x/g/s0.yaml" in page


def test_a_what_if_reports_invalid_rules_and_keeps_whole_numbers(cloud: Cloud, machine: Machine) -> None:
    """More series than can be told apart are found only when the file is read."""
    cloud.upload("rules/g.yaml", "schema: {fields: [{name: n, type: integer}]}")
    cloud.checked("streams/g/many.csv", "n\n" + "".join(f"{number}\n" for number in range(20_001)))
    cloud.checked("streams/g/odd.csv", f"n\n{2**53 + 1}\n")
    candidate = f"series: n\n{RULES % 5}\nstreams: {{n: {{qartod: {{spike_test: {{fail_threshold: 5}}}}}}}}"
    cloud.upload("candidates/x/g.yaml", candidate)
    arn, tried = machine.start(GroupID="g", Rules="candidates/x")
    changes = {one["StreamID"]: one for one in told(cloud, arn)["Changes"]}
    assert (changes["many"]["After"], changes["many"]["Error"]) == ("ERROR", "InvalidRules")
    assert changes["many"]["Cause"].startswith("candidates/x/g.yaml: series: the file has more than 20,000")
    nearest = [one for check in changes["odd"]["Checks"] for one in check["WouldPass"]]
    assert {"Place": "schema.fields.n.constraints.maximum", "Value": 2**53 + 1} in nearest
    page = cloud.s3.get_object(Bucket="results", Key=f"reruns/{tried['RerunID']}/what-if.html")["Body"].read().decode()
    assert "<h1>2 of 2 verdicts would change</h1>" in page


def test_a_file_that_a_what_if_could_not_check_has_no_verdict(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    cloud.upload("candidates/x/g.yaml", RULES % 5)
    machine.do = lambda *_: None  # type: ignore[method-assign]
    arn, tried = machine.start(GroupID="g", Rules="candidates/x/")
    message = told(cloud, arn)
    assert (tried["NotChecked"], message["NotChecked"], message["Changed"]) == (2, 2, 0)
    assert "0 of 0 verdicts would change; 2 files not checked" in message["Text"]
    assert "Not checked: g/s0, g/s1\n  NotChecked: the step that checks it has failed" in message["Text"]


def test_a_what_if_reads_the_last_versions_of_each_stream(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 1)
    for value in (7, 8, 1):
        cloud.checked("streams/g/s0.csv", f"n\n{value}\n")
    cloud.upload("candidates/x/g.yaml", RULES % 7)
    _, tried = machine.start(GroupID="g", Rules="candidates/x/", Versions=3)
    assert (tried["Files"], tried["Changed"]) == (3, 1)


def test_a_selection_by_status_takes_the_streams_that_stand_so(cloud: Cloud, machine: Machine) -> None:
    streams(cloud)
    streams(cloud, 4, "h")
    assert machine.start(Status="FAIL")[1]["Files"] == 3
    assert machine.start(Status="FAIL", GroupID="g")[1]["Files"] == 2
    assert machine.start(Status="FAIL", Since="2020-01-01")[1]["Files"] == 3
    _, nothing = machine.start(Status="FAIL", Since="2999-01-01T00:00:00Z")
    assert nothing["Error"] == "InvalidInput"
    assert nothing["Cause"].startswith(
        "there is nothing to check: the newest file of each stream that is FAIL and ran since 2999"
    )


def test_a_selection_takes_the_newest_file_of_each_stream_or_all(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    for key in (
        "streams/g/s0/2026/a.csv",
        "streams/g/s0/2026/b.csv",
        "streams/g/x.unknown",
        "streams/g/folder/",
        "streams/loose.csv",
    ):
        cloud.upload(key, "n\n1\n")
    cloud.age("streams/g/s0.csv", 1)
    cloud.age("streams/g/s0/2026/b.csv", 0.5)
    newest = {file.key for file in listing.files_of(Selection(group_id="g"))}
    assert newest == {"streams/g/s0/2026/a.csv", "streams/g/s1.csv"}
    assert machine.start(GroupID="g", Files="all")[1]["Files"] == 4
    assert machine.start(Prefix="streams/g/s0/2026/", Files="all")[1]["Files"] == 2
    cloud.s3.delete_object(Bucket="streams", Key="streams/g/s0/2026/a.csv")
    assert {file.key for file in listing.files_of(Selection(group_id="g"))} == {
        "streams/g/s0/2026/b.csv",
        "streams/g/s1.csv",
    }


def test_too_many_files_are_refused_with_what_to_do(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    streams(cloud, 3)
    monkeypatch.setattr(listing, "MOST_FILES", 2)
    _, refused = machine.start()
    assert refused["Cause"] == "these are more than the 2 files that a rerun takes; narrow it by GroupID or Prefix"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "the input must be a JSON object; got list"),
        ({"GroupId": "g"}, "there is no field 'GroupId'; the fields are GroupID, Prefix, Status"),
        ({"GroupID": ""}, "GroupID is empty"),
        ({"GroupID": "g", "Prefix": "streams/h/"}, "Prefix 'streams/h/' is not under streams/g/"),
        ({"Prefix": "rules/"}, "Prefix 'rules/' is not under streams/"),
        ({"Status": "RUNNING"}, "Status is 'RUNNING'; it must be one of PASS, FAIL, ERROR, OVERDUE"),
        ({"Since": "2026-11-01"}, "Since needs a Status"),
        ({"Status": "ERROR", "Since": "yesterday"}, "Since: 'yesterday' is not a valid time"),
        ({"Files": "some"}, "Files is 'some'; it must be newest or all"),
        ({"Rules": "rules/"}, "Rules 'rules/' is not under candidates/"),
        ({"Versions": 2}, "Versions needs Rules"),
        ({"Rules": "candidates/x", "Resume": "y"}, "Resume and Rules exclude each other"),
        ({"Rules": "candidates/x", "Versions": 0}, "Versions is 0; it must be a whole number from 1 to 100"),
        ({"MaxConcurrency": True}, "MaxConcurrency is True; it must be a whole number from 1 to 1,000"),
        (
            {"ToleratedFailurePercentage": 101},
            "ToleratedFailurePercentage is 101; it must be a whole number from 0 to 100 percent",
        ),
    ],
)
def test_a_selection_that_makes_no_sense_names_the_field(given: Any, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        selection_of(given, 40)
    assert str(refused.value).startswith(why)


def test_the_pace_is_that_of_the_stack_unless_it_is_given() -> None:
    given = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "x"}
    assert selection_of(given, 40)[1].at_once == 40
    assert selection_of({"MaxConcurrency": 3}, 40)[1].at_once == 3


def test_a_what_if_that_was_stopped_says_so(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 3)
    cloud.upload("candidates/x/g.yaml", RULES % 0)
    arn, _ = machine.start(stopped_after=1, GroupID="g", Rules="candidates/x/")
    message = told(cloud, arn)
    assert (message["Error"], message["NotChecked"], message["Changed"]) == ("ExecutionAborted", 2, 0)
    assert "0 of 1 verdict would change; 2 files not checked" in message["Text"]
    assert "Not checked: g/s1, g/s2\n  ExecutionAborted" in message["Text"]


def test_a_message_that_may_have_been_sent_is_not_sent_again(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 1)
    cloud.upload("candidates/x/g.yaml", RULES % 0)
    lost = ReadTimeoutError(endpoint_url="https://aws")
    machine.broken["EndRerun"] = lambda: cloud.break_calls("Publish", lost)
    assert machine.start(GroupID="g")[1]["Error"] == "SummaryNotConfirmed"
    assert machine.start(GroupID="g", Rules="candidates/x")[1]["Error"] == "SummaryNotConfirmed"


def test_candidates_that_judge_nobody_are_refused(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    cloud.upload("candidates/x/rules/g.yaml", RULES % 0)
    _, refused = machine.start(GroupID="g", Rules="candidates/x/")
    assert refused["Cause"].startswith(
        "no rules under candidates/x/ judge any of these 2 files; lay them out as under rules/"
    )


def test_what_an_old_file_says_is_no_change_of_its_stream(cloud: Cloud, machine: Machine) -> None:
    cloud.upload("rules/g.yaml", RULES % 2)
    cloud.checked("streams/g/s/old.csv", "n\n9\n")
    cloud.age("streams/g/s/old.csv", 1)
    cloud.checked("streams/g/s/new.csv", "n\n1\n")
    arn, done = machine.start(GroupID="g", Files="all")
    assert (done["PASS"], done["FAIL"]) == (1, 1)
    assert told(cloud, arn)["Changed"] == 0


def test_the_message_fits_into_sns_whatever_the_names(cloud: Cloud, machine: Machine) -> None:
    """Two hundred streams with the longest IDs, each with a cause of its own."""
    group = "\u6c34" * 128
    cloud.upload(f"rules/{group}.yaml", "schema: 1")
    execution = Execution("arn:aws:states:x:1:execution:m-Reruns:n", dt.datetime.now(dt.UTC), {"GroupID": group})
    outcomes = [
        Outcome(
            group,
            f"{number:03}" + "\u6c34" * 125,
            "k",
            "v",
            "FAIL",
            "q",
            changed_from="PASS",
            checks=(f"{'c' * 200}{number}",),
        )
        for number in range(200)
    ]
    summary = RerunSummary(Rerun("r", execution.arn, Selection(group_id=group)), execution, outcomes, "s3://b/k")
    assert len(summary.body().encode()) < 262_144
    assert machine.count == 0


def test_a_second_run_that_was_stopped_and_is_not_closed_is_waited_for(cloud: Cloud, machine: Machine) -> None:
    streams(cloud, 2)
    cloud.upload("rules/g.yaml", "schema: 1")
    arn, _ = machine.start(stopped_after=1, GroupID="g")
    rerun = told(cloud, arn)["RerunID"]
    plan = invoke(list_streams.handler, cloud.payload({"GroupID": "g", "Resume": rerun}, "again"))
    item = {**machine.listed(plan)[0], "RerunID": rerun}
    again = cloud.payload(item, "stopped")
    invoke(step_1_start_qc.handler, again)
    assert machine.start(GroupID="g", Resume=rerun)[1]["Error"] == "RunsStillEnding"
    machine.stop_one(item, "stopped")
    cloud.upload("rules/g.yaml", RULES % 5)
    assert machine.start(GroupID="g", Resume=rerun)[1]["PASS"] == 2
