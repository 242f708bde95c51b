"""The API: what it answers, page by page, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote, urlencode

import pytest

import serve_api
from history import cursors, queries, reruns
from pipeline import aws, report
from pipeline.environment import environment
from stacks.api import ROUTES
from tests.functions.cloud import QUARTER, SETTINGS, Cloud, Context, client_error

BAD = QUARTER.replace("5.6", "99.5")
RULES = "schema: {fields: [{name: temp_max, type: number, constraints: {maximum: 60}}]}"


class Answer:
    def __init__(self, answer: dict[str, Any]) -> None:
        self.status, self.headers = answer["statusCode"], answer.get("headers", {})
        self.body: Any = json.loads(answer["body"]) if answer.get("body") else None


def ask(method: str, path: str, body: Any = None, *, token: str = "", **query: str) -> Answer:
    """Sends a request as API Gateway does, with its payload format 2.0."""
    given = {"from_": "from"}
    query = {given.get(name, name): value for name, value in query.items()}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": urlencode(query),
        "headers": {"content-type": "application/json", **({"idempotency-key": token} if token else {})},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "r-1",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return Answer(serve_api.handler(event, Context()))  # type: ignore[arg-type]


def pages(path: str, **query: str) -> Iterator[dict[str, Any]]:
    """Asks for every page."""
    cursor: dict[str, str] = {}
    while True:
        answer = ask("GET", path, **query, **cursor)
        assert answer.status == 200, answer.body
        yield answer.body
        if answer.body["Cursor"] is None:
            return
        cursor = {"cursor": answer.body["Cursor"]}


def put_streams(cloud: Cloud, statuses: dict[str, str]) -> None:
    with cloud.table("QCStreams").batch_writer() as batch:
        for index, (name, status) in enumerate(statuses.items()):
            group, stream = name.split("/")
            since = f"2026-11-{index // 1000 + 1:02}T00:{index % 1000 // 60:02}:{index % 60:02}.000000Z"
            batch.put_item(Item={"GroupID": group, "StreamID": stream, "Status": status, "Since": since})


def named(page: dict[str, Any]) -> list[str]:
    return [f"{one['GroupID']}/{one['StreamID']}" for one in page["Streams"]]


def test_streams_with_problems_come_first_and_of_those_the_newest(cloud: Cloud) -> None:
    put_streams(cloud, {"a/1": "PASS", "a/2": "FAIL", "b/1": "ERROR", "b/2": "PASS", "b/3": "FAIL", "b/4": "OVERDUE"})
    (page,) = pages("/streams")
    assert named(page) == ["b/1", "b/3", "a/2", "b/4", "b/2", "a/1"]
    assert page["Streams"][0]["Status"] == "ERROR"
    assert page["Streams"][0]["DueAt"] is None


def test_stream_without_a_state_is_left_out(cloud: Cloud) -> None:
    cloud.table("QCStreams").put_item(Item={"GroupID": "g", "StreamID": "s", "Due": "1", "DueAt": "2026"})
    assert ask("GET", "/streams").body["Streams"] == []
    assert ask("GET", "/streams", group="g", stream="s").body["Streams"] == []


@pytest.mark.parametrize("count", [99, 100, 101, 200, 350])
def test_pages_of_streams_hold_every_stream_once(cloud: Cloud, count: int) -> None:
    statuses = ("FAIL", "PASS", "PASS", "OVERDUE", "PASS", "ERROR", "PASS")
    put_streams(cloud, {f"g{index % 9}/s{index}": statuses[index % 7] for index in range(count)})
    found = [*pages("/streams")]
    assert all(len(page["Streams"]) <= 100 for page in found)
    names = [name for page in found for name in named(page)]
    assert len(names) == len({*names}) == count


def test_pages_end_where_a_status_does(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST", 3)
    put_streams(cloud, {f"g/{index}": "FAIL" if index < 3 else "PASS" for index in range(6)})
    assert [named(page) for page in pages("/streams")] == [["g/2", "g/1", "g/0"], ["g/5", "g/4", "g/3"]]


def test_streams_that_are_new_do_not_move_a_cursor(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST", 2)
    put_streams(cloud, {f"g/{index}": "FAIL" for index in range(4)})
    first = ask("GET", "/streams").body
    cloud.table("QCStreams").put_item(Item={"GroupID": "g", "StreamID": "new", "Status": "FAIL", "Since": "2026-12-01"})
    second = ask("GET", "/streams", cursor=first["Cursor"]).body
    assert named(first) + named(second) == ["g/3", "g/2", "g/1", "g/0"]


def test_stream_whose_status_changes_meanwhile_is_shown_once(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    put_streams(cloud, {"g/1": "ERROR", "g/2": "PASS"})
    read, reads = queries._Query.read, list[int]()

    def changing(query: Any, place: Any, limit: int | None = None) -> Any:
        found = read(query, place, limit)
        if not reads:  # after the first, which found it as ERROR
            put_streams(cloud, {"g/1": "FAIL"})
        reads.append(1)
        return found

    monkeypatch.setattr(queries._Query, "read", changing)
    assert sorted(named(ask("GET", "/streams").body)) == ["g/1", "g/2"]
    reads.clear()
    put_streams(cloud, {"g/1": "ERROR"})
    assert named(ask("GET", "/streams", status="ERROR").body) == []  # it is FAIL by now


def test_streams_are_filtered(cloud: Cloud) -> None:
    put_streams(cloud, {"north/Buoy1": "PASS", "north/buoy2": "FAIL", "south/mast": "PASS"})
    assert named(ask("GET", "/streams", group="north").body) == ["north/buoy2", "north/Buoy1"]
    assert named(ask("GET", "/streams", status="PASS", text="BUOY").body) == ["north/Buoy1"]
    assert named(ask("GET", "/streams", from_="2026-11-01T00:00:01").body) == ["north/buoy2", "south/mast"]
    assert named(ask("GET", "/streams", to="2026-11-01T00:00:01Z").body) == ["north/buoy2", "north/Buoy1"]
    assert named(ask("GET", "/streams", from_="2026-12-01", to="2026-11-01").body) == []
    assert len(named(ask("GET", "/streams", from_="2026-11-01", to="2026-11-01").body)) == 3  # to the end of the day
    assert named(ask("GET", "/streams", group="north", stream="buoy2").body) == ["north/buoy2"]
    assert named(ask("GET", "/streams", group="north", stream="buoy2", status="PASS").body) == []


def test_rare_match_reads_a_bounded_number_of_pages(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_READS", 2)
    read = queries._Query.read
    monkeypatch.setattr(queries._Query, "read", lambda query, place, limit=None: read(query, place, limit or 5))
    put_streams(cloud, {f"g/{index}": "PASS" for index in range(40)} | {"h/1": "PASS"})
    found = [*pages("/streams", status="PASS", text="g/7")]
    assert len(found) > 3
    assert found[0]["Streams"] == []
    assert [name for page in found for name in named(page)] == ["g/7"]


def test_runs_of_a_group_and_of_a_stream(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)
    ended = [
        cloud.checked(f"streams/g/{name}.csv", body) for name, body in [("a", QUARTER), ("a", BAD), ("b", QUARTER)]
    ]
    ids = [one.output["QCPID"] for one in ended]
    assert [run["QCPID"] for run in ask("GET", "/runs", group="g").body["Runs"]] == ids[::-1]
    of_a = ask("GET", "/runs", group="g", stream="a").body["Runs"]
    assert [(run["QCPID"], run["Status"]) for run in of_a] == [(ids[1], "FAIL"), (ids[0], "PASS")]
    assert of_a[0]["Process2Pass"] == 0
    assert [run["QCPID"] for run in ask("GET", "/runs", group="g", status="FAIL").body["Runs"]] == ids[1:2]
    since = of_a[0]["StartTime"]
    assert [run["QCPID"] for run in ask("GET", "/runs", group="g", from_=since).body["Runs"]] == [ids[2], ids[1]]
    assert ask("GET", "/runs", group="g", from_="2026-11-02", to="2026-11-01").body["Runs"] == []
    assert ask("GET", "/runs", group="nobody").body == {"Runs": [], "Cursor": None}


@pytest.mark.parametrize("query", [{"group": "g"}, {"group": "g", "stream": "s"}, {"group": "g", "status": "PASS"}])
def test_pages_of_runs_hold_every_run_once(
    cloud: Cloud, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST", 3)
    for _ in range(8):
        cloud.checked("streams/g/s.csv")
    found = [[run["QCPID"] for run in page["Runs"]] for page in pages("/runs", **query)]
    assert [len(page) for page in found if page] == [3, 3, 2]
    assert len({qcpid for page in found for qcpid in page}) == 8


def test_run_with_its_checks(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.upload("rules/g.yaml", RULES)
    qcpid = cloud.checked("streams/g/s.csv", BAD).output["QCPID"]
    run = ask("GET", f"/runs/{qcpid}").body
    assert (run["Status"], run["Rows"], run["Rules"]) == ("FAIL", 1, "file")
    assert {check["Check"] for check in run["Checks"]} == {*cloud.details(qcpid)}
    (failing,) = [check for check in run["Checks"] if not check["Pass"]]
    assert failing["Check"] == "2#temp_max#maximum"
    (example,) = failing["Examples"]
    assert (example["Row"], example["Line"], example["Value"]) == (1, 2, "99.5")
    read = queries._Query.read
    monkeypatch.setattr(queries._Query, "read", lambda query, place, _limit=None: read(query, place, 3))
    assert [check["Check"] for page in pages(f"/runs/{qcpid}") for check in page["Checks"]] == sorted(
        cloud.details(qcpid)
    )


@pytest.mark.usefixtures("cloud")
def test_unknown_run_is_not_found() -> None:
    qcpid = "00000000-0000-0000-0000-000000000000"
    assert (answer := ask("GET", f"/runs/{qcpid}")).status == 404
    assert answer.body == {"Error": "NotFound", "Cause": f"there is no run {qcpid}"}
    assert ask("GET", f"/runs/{qcpid}/report").status == 404


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-2"])
def test_link_to_a_report_is_signed_for_every_region(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    aws.s3_for_links.cache_clear()
    link = report.presigned("reports/g/s/x.html", 900)
    aws.s3_for_links.cache_clear()
    assert link.startswith(
        f"https://results.s3.{region}.amazonaws.com/reports/g/s/x.html?X-Amz-Algorithm=AWS4-HMAC-SHA256&"
    )
    assert parse_qs(link.partition("?")[2])["X-Amz-Expires"] == ["900"]


def test_report_is_a_link_for_a_quarter_of_an_hour(cloud: Cloud) -> None:
    qcpid = cloud.checked("streams/g/s.csv").output["QCPID"]
    answer = ask("GET", f"/runs/{qcpid}/report")
    assert answer.status == 302
    address = answer.headers["Location"]
    assert cloud.rows()[0]["ReportKey"] in unquote(address)
    asked = parse_qs(address.partition("?")[2])
    assert asked["X-Amz-Expires"] == ["900"]
    refused = cloud.execute({"GroupID": "g", "StreamID": "nothing"})
    without = ask("GET", f"/runs/{refused.output['QCPID']}/report")
    assert (without.status, "has no report" in without.body["Cause"]) == (404, True)


def test_run_is_started_with_the_input_of_a_rerun(cloud: Cloud) -> None:
    answer = ask("POST", "/runs", {"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "Comment": "again"})
    assert answer.status == 202
    started = cloud.sfn.describe_execution(executionArn=answer.body["ExecutionArn"])
    assert started["stateMachineArn"] == SETTINGS["STATE_MACHINE"]
    assert json.loads(started["input"]) == {"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv"}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"StreamID": "s"}, "GroupID: Field required"),
        ({"GroupID": "g", "StreamID": ""}, "StreamID is empty"),
        ({"GroupID": "g/h", "StreamID": "s"}, "GroupID 'g/h' contains a /"),
        ({"GroupID": "g\n", "StreamID": "s"}, "unprintable"),
        ({"GroupID": "g", "StreamID": 7}, "StreamID: "),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/other.csv"}, "does not belong to the stream g/s"),
        ({"GroupID": "g", "StreamID": "s", "VersionId": "v"}, "VersionId needs a Key"),
        ("{", "JSON"),
        ("[]", "body: "),
        (None, ""),
    ],
)
def test_invalid_run_request_is_refused(cloud: Cloud, body: Any, cause: str) -> None:
    answer = ask("POST", "/runs", body)
    assert (answer.status, answer.body["Error"]) == (422, "InvalidInput")
    assert cause in answer.body["Cause"]
    assert cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"] == []


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("path", "query", "cause"),
    [
        ("/streams", {"status": "GREAT"}, "status: "),
        ("/streams", {"from_": "yesterday"}, "from: "),
        ("/streams", {"from_": "2026-13-99"}, "from: "),
        ("/streams", {"from_": "٢٠٢٦-11-01"}, "from: "),
        ("/streams", {"GroupID": "g"}, "GroupID: unknown parameter; expected one of: group, "),
        ("/streams", {"stream": "s"}, "stream: needs a group"),
        ("/streams", {"cursor": "x"}, "cursor: it does not belong to this query"),
        ("/streams", {"cursor": "WzEsMl0"}, "cursor: it does not belong to this query"),
        ("/runs", {}, "group: Field required"),
        ("/runs", {"group": "g", "to": "2026-11-01T00:00:00+01:00"}, "to: "),
        ("/runs/nonsense", {}, "qcpid: "),
    ],
)
def test_invalid_query_is_refused(path: str, query: dict[str, str], cause: str) -> None:
    answer = ask("GET", path, **query)
    assert (answer.status, answer.body["Error"]) == (422, "InvalidInput")
    assert cause in answer.body["Cause"]


def test_cursor_is_good_for_its_own_query_only(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST", 1)
    put_streams(cloud, {"a/1": "PASS", "a/2": "PASS"})
    cursor = ask("GET", "/streams").body["Cursor"]
    assert ask("GET", "/streams", cursor=cursor).status == 200
    assert ask("GET", "/streams", group="a", cursor=cursor).status == 422
    handmade = cursors.encode({"GroupID": "a"}, (None,) * 6)
    assert ask("GET", "/streams", cursor=handmade).status == 422
    assert ask("GET", "/runs", group="a", cursor=cursor).status == 422


@pytest.mark.parametrize("kind", ["ThrottlingException", "AccessDeniedException"])
@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("Query", "/streams"),
        ("BatchGetItem", "/streams"),
        ("Query", "/runs"),
        ("Query", "/runs/{}"),
        ("GetItem", "/runs/{}"),
    ],
)
def test_failed_read_is_never_a_partial_answer(cloud: Cloud, operation: str, path: str, kind: str) -> None:
    qcpid = cloud.checked("streams/g/s.csv").output["QCPID"]
    query = {"group": "g"} if path == "/runs" else {}
    assert ask("GET", path.format(qcpid), **query).status == 200
    broken = cloud.break_calls(operation, client_error(operation, kind))
    answer = ask("GET", path.format(qcpid), **query)
    assert broken
    assert answer.status == {"ThrottlingException": 503, "AccessDeniedException": 500}[kind]


def test_request_with_a_key_starts_one_run_however_often_it_is_sent(cloud: Cloud) -> None:
    wanted = {"GroupID": "g", "StreamID": "s"}
    arns = [ask("POST", "/runs", wanted, token=token).body["ExecutionArn"] for token in ("a", "a", "b")]
    arns.append(ask("POST", "/runs", {**wanted, "StreamID": "t"}, token="a").body["ExecutionArn"])
    assert [arns.index(arn) for arn in arns] == [0, 0, 2, 3]
    assert len(cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]) == 3


def test_unknown_status_does_not_break_a_page_of_runs(cloud: Cloud) -> None:
    cloud.table("QCSummary").put_item(
        Item={"GroupID": "g", "StartTime": "2026", "QCPID": "q", "Status": "NEW", "ExecutionArn": "a"}
    )
    assert [run["Status"] for run in ask("GET", "/runs", group="g").body["Runs"]] == ["NEW"]


def test_throttled_start_is_answered_with_503(cloud: Cloud) -> None:
    cloud.break_calls("StartExecution", client_error("StartExecution", "ThrottlingException"))
    assert ask("POST", "/runs", {"GroupID": "g", "StreamID": "s"}).status == 503


def test_lost_answer_to_a_start_returns_the_started_run(cloud: Cloud) -> None:
    cloud.break_calls("StartExecution", client_error("StartExecution", "ExecutionAlreadyExists"), after=True)
    answer = ask("POST", "/runs", {"GroupID": "g", "StreamID": "s"})
    assert answer.status == 202
    (one,) = cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]
    assert one["executionArn"] == answer.body["ExecutionArn"]


def test_unprocessed_keys_are_read_again(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    put_streams(cloud, {f"g/{index}": "PASS" for index in range(5)})
    client, asked = cloud.table("QCStreams").meta.client, list[int]()
    whole = client.batch_get_item

    def some(*, RequestItems: Any) -> Any:  # noqa: N803  # boto3's name
        (keys,) = [one["Keys"] for one in RequestItems.values()]
        asked.append(len(keys))
        answer = whole(RequestItems={"QCStreams": {"Keys": keys[:2]}})
        left = {"QCStreams": {"Keys": keys[2:]}} if keys[2:] else {}
        return {**answer, "UnprocessedKeys": left}

    monkeypatch.setattr(client, "batch_get_item", some)
    assert len(ask("GET", "/streams").body["Streams"]) == 5
    assert asked == [5, 3, 1]


def test_transient_error_is_answered_with_503(cloud: Cloud) -> None:
    cloud.break_calls("Query", client_error("Query", "ThrottlingException"))
    answer = ask("GET", "/streams")
    assert (answer.status, answer.body["Error"]) == (503, "TemporaryFailure")


def test_other_errors_are_in_the_log(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    cloud.break_calls("Query", client_error("Query", "AccessDeniedException"))
    answer = ask("GET", "/streams")
    assert (answer.status, answer.body["Error"]) == (500, "InternalError")
    assert "AccessDenied" not in answer.body["Cause"]
    assert "AccessDeniedException" in caplog.text


@pytest.mark.usefixtures("cloud")
def test_openapi_document_has_the_routes_of_the_api() -> None:
    document = ask("GET", "/openapi.json").body
    described = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    assert described | {"GET /openapi.json"} == {*ROUTES}
    (wanted,) = [one for one in document["paths"]["/runs"]["get"]["parameters"] if one["name"] == "from"]
    assert wanted["description"].startswith("Not before this time")


@pytest.mark.usefixtures("cloud")
def test_reruns_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are those of the map run, which moto does not have."""
    assert ask("GET", "/reruns").body == {"Reruns": []}
    began = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    arn = "arn:aws:states:eu-central-2:123456789012:execution:StreamQC-Reruns:a"
    counts = {"total": 10, "pending": 3, "running": 2, "succeeded": 4, "failed": 1, "timedOut": 0, "aborted": 0}
    client = mock.Mock()
    client.list_executions.return_value = {"executions": [{"executionArn": arn}]}
    client.describe_execution.return_value = {"status": "RUNNING", "startDate": began, "input": '{"GroupID":"g"}'}
    client.list_map_runs.return_value = {"mapRuns": [{"mapRunArn": "m"}]}
    client.describe_map_run.return_value = {"itemCounts": counts}
    monkeypatch.setattr(reruns, "stepfunctions", lambda: client)
    monkeypatch.setenv("RERUN_MACHINE", "arn:aws:states:eu-central-2:123456789012:stateMachine:StreamQC-Reruns")
    environment.cache_clear()
    (one,) = ask("GET", "/reruns").body["Reruns"]
    assert (one["Status"], one["Selection"], one["StopDate"]) == ("RUNNING", '{"GroupID":"g"}', None)
    assert (one["Files"], one["Done"], one["Running"], one["Failed"]) == (10, 5, 2, 1)
    client.list_map_runs.return_value = {"mapRuns": []}
    (one,) = ask("GET", "/reruns").body["Reruns"]
    assert (one["Files"], one["Done"]) == (None, None)
    assert ask("GET", "/reruns", group="g").body["Cause"] == "group: unknown parameter; this takes none"
