"""The API and the dashboard in the template: who may ask, what is logged, and what the metrics are called."""

from __future__ import annotations

import json
from typing import Any

from stacks.api import ROUTES
from tests.stacks.conftest import synthesised
from tests.stacks.template import Template, readable


def test_every_route_of_the_api_needs_iam(template: Template) -> None:
    routes = [one["Properties"] for one in template.of_type("AWS::ApiGatewayV2::Route").values()]
    assert sorted(one["RouteKey"] for one in routes) == sorted(ROUTES)
    assert {one["AuthorizationType"] for one in routes} == {"AWS_IAM"}


def test_api_is_throttled_and_logs_who_asked(template: Template) -> None:
    stage = template.properties("AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 100
    assert readable(stage["AccessLogSettings"]["DestinationArn"]) == "ApiLogs"
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged["caller"] == "$context.identity.userArn"
    assert not [name for name in logged.values() if "body" in name.lower() or "query" in name.lower()]


def widgets(template: Template) -> list[dict[str, Any]]:
    body = template.properties("AWS::CloudWatch::Dashboard")["DashboardBody"]
    found: list[dict[str, Any]] = json.loads(readable(body))["widgets"]
    return found


def test_dashboard_shows_the_streams_and_the_metrics(template: Template) -> None:
    streams, *graphs = widgets(template)
    assert streams["type"] == "custom"
    assert streams["properties"]["endpoint"] == "ShowStreams"
    assert [one["properties"]["title"] for one in graphs] == [
        "Runs by verdict",
        "Rows",
        "Bytes",
        "Seconds by process (99 of 100)",
        "Executions that did not succeed",
        "Errors of functions",
        "Throttles of functions",
        "Waiting in queues",
        "Streams that became overdue",
    ]
    assert all(one["x"] + one["width"] <= 24 for one in graphs)


def test_stack_without_api_and_dashboard_has_nothing_of_them(template: Template) -> None:
    without = synthesised(api="false", dashboard="false")
    kinds = {one["Type"] for one in without.resources.values()}
    assert not [kind for kind in kinds if "ApiGateway" in kind or "Dashboard" in kind]
    gone = {*template.content["Outputs"]} - {*without.content["Outputs"]}
    assert gone == {"ApiUrl", "DashboardUrl"}
    names = {readable(one["Properties"]["Role"]) for one in without.of_type("AWS::Lambda::Function").values()}
    assert not names & {"ServeApiRole", "ShowStreamsRole"}
