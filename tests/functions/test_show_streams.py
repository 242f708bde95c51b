"""The widget of the dashboard: what CloudWatch sends, and the HTML that it gets."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

import show_streams
from tests.functions.cloud import QUARTER, SETTINGS, Cloud, Context, client_error

HOSTILE = "<img src=x onerror=alert(1)> \"'&"


def shown(typed: Any = None, theme: Any = "light", **asked: Any) -> str:
    """Returns what the function answers to CloudWatch."""
    event = {**asked, "widgetContext": {"theme": theme, "forms": {"all": typed or {}}}}
    answer = show_streams.handler(event, Context())  # type: ignore[arg-type]
    assert isinstance(answer, str)
    return answer


def actions(page: str) -> list[dict[str, str]]:
    """Returns what the links of a page ask for."""
    found = re.findall(r"<cwdb-action [^>]*>(.*?)</cwdb-action>", page)
    return [json.loads(html.unescape(one)) for one in found]


def test_widget_describes_itself() -> None:
    answer = show_streams.handler({"describe": True}, Context())  # type: ignore[arg-type]
    assert isinstance(answer, dict)
    assert answer["markdown"].startswith("## Streams")


def test_links_lead_from_the_streams_to_a_run_and_its_report(cloud: Cloud) -> None:
    qcpid = cloud.checked("streams/g/s.csv").output["QCPID"]
    page = shown(view="streams")
    assert f'endpoint="{Context().invoked_function_arn}"' in page
    (stream,) = [one for one in actions(page) if one["view"] == "stream"]
    assert stream == {"view": "stream", "group": "g", "stream": "s"}
    (run,) = {one["qcpid"] for one in actions(shown(**stream)) if one["view"] == "run"}
    assert run == qcpid
    page = shown(view="run", qcpid=run)
    assert "Open the report" in page
    assert "X-Amz-Signature" in page
    assert "<script" not in page


def test_what_is_typed_into_the_form_filters(cloud: Cloud) -> None:
    for group in ("north", "south"):
        cloud.checked(f"streams/{group}/s.csv")
    (form,) = [one for one in actions(shown(view="streams")) if "form" in one]
    assert [one["group"] for one in actions(shown({"group": "south"}, **form)) if one["view"] == "stream"] == ["south"]
    assert "No streams match" in shown({"group": "east", "status": ""}, **form)


def test_links_ignore_form_values_that_were_not_submitted(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", "schema: {fields: [{name: wind, type: number, constraints: {maximum: 3}}]}")
    for wind in ("1.2", "9.9"):
        cloud.checked("streams/g/s.csv", QUARTER.replace("1.2", wind))
    page = shown({"status": "FAIL", "text": "else"}, view="stream", group="g", stream="s")
    assert len([one for one in actions(page) if one["view"] == "run"]) == 4  # in the strip and in the table


def test_ids_with_spaces_at_their_ends_stay_as_they_are(cloud: Cloud) -> None:
    cloud.checked("streams/odd/ a .csv")
    (stream,) = [one for one in actions(shown(view="streams")) if one["view"] == "stream"]
    assert stream["stream"] == " a "
    page = shown(**stream)
    assert {one["stream"] for one in actions(page) if one["view"] == "ask"} == {" a "}
    assert "This stream has no run yet" not in page


def test_aws_failure_is_shown_in_plain_words(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    cloud.break_calls("Query", client_error("Query", "ThrottlingException"))
    page = shown(view="streams")
    assert "AWS did not answer as it should" in page
    assert "ThrottlingException" not in page
    assert "ThrottlingException" in caplog.text


def test_page_that_is_shown_again_starts_no_second_run(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")
    (start,) = [one for one in actions(shown(view="ask", group="g", stream="s")) if one["view"] == "start"]
    for _ in range(3):
        assert "A run has been started" in shown(**start)
    assert len(cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]) == 1
    assert "A run has been started" not in shown(view="stream", group="g", stream="s", started="arn:bogus")


@pytest.mark.parametrize(("name", "value"), [("from", "yesterday"), ("to", "01/11/2026")])
def test_invalid_time_is_refused(cloud: Cloud, name: str, value: str) -> None:  # noqa: ARG001
    assert f"{name}: &#39;{value}&#39; is not a valid time" in shown(view="streams", **{name: value})


def test_rerun_is_started_by_its_own_link_only(cloud: Cloud) -> None:
    cloud.checked("streams/g/s.csv")

    def started() -> list[Any]:
        found: list[Any] = cloud.sfn.list_executions(stateMachineArn=SETTINGS["STATE_MACHINE"])["executions"]
        return found

    asked = {"view": "ask", "group": "g", "stream": "s"}
    page = shown(**asked)
    assert started() == []
    (start,) = [one for one in actions(page) if one["view"] == "start"]
    assert start.pop("form", None) is None
    page = shown(**start)
    (execution,) = started()
    assert json.loads(cloud.sfn.describe_execution(executionArn=execution["executionArn"])["input"]) == {
        "GroupID": "g",
        "StreamID": "s",
    }
    assert "A run has been started" in page
    assert "StreamID is missing" in shown(view="start", group="g")


@pytest.mark.parametrize(("theme", "kind"), [("light", "light"), ("dark", "dark")])
def test_widget_has_the_colours_of_the_dashboard(cloud: Cloud, theme: str, kind: str) -> None:  # noqa: ARG001
    assert f'<main class="qc {kind}">' in shown(theme=theme)


def test_hostile_names_stay_text(cloud: Cloud) -> None:
    name = HOSTILE.replace("/", "")
    cloud.checked(f"streams/{name}/{name}.csv", QUARTER)
    views: list[dict[str, str]] = [
        {},
        {"view": "stream", "group": name, "stream": name},
        {"view": name, "cursor": name},
    ]
    for asked in views:
        page = shown(**asked)
        assert "<img" not in page
    (stream,) = [one for one in actions(shown()) if one["view"] == "stream"]
    assert stream["group"] == name


def test_run_with_an_error_says_which(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", "rows: many")
    qcpid = cloud.checked("streams/g/s.csv").output["QCPID"]
    page = shown(view="run", qcpid=qcpid)
    assert "InvalidRules" in page
    assert "did not pass" in page
    assert "there is no run nothing" in shown(view="run", qcpid="nothing")
    assert "qcpid: is missing" in shown(view="run")
    assert "the pages are streams, stream, run, ask" in shown(view="elsewhere")
