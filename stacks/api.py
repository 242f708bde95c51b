"""The HTTP API: API Gateway before one function, with IAM authorisation, access logs and throttling."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from stacks.functions import Functions
from stacks.review import aws_managed_key, resource_of
from stacks.storage import Storage

ROUTES = (
    "GET /streams",
    "GET /runs",
    "GET /runs/{qcpid}",
    "GET /runs/{qcpid}/report",
    "POST /runs",
    "GET /reruns",
    "GET /openapi.json",
)
REQUESTS_PER_SECOND, BURST = 50, 100  # of all callers: people, and a few programs
LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "address": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.message",
}


class Api:
    """The API. url: where it is, or None without it. Whoever may `execute-api:Invoke` it can use it."""

    def __init__(self, scope: Construct, functions: Functions, storage: Storage) -> None:
        self.url: str | None = None
        if functions.serve_api is None:
            return
        api = apigateway.HttpApi(
            scope,
            "Api",
            create_default_stage=False,
            default_authorizer=HttpIamAuthorizer(),
            description="Stream QC: streams, runs and reports, and reruns",
        )
        self.url = api.api_endpoint
        integration = HttpLambdaIntegration("ServeApi", functions.serve_api)
        for route in ROUTES:
            method, path = route.split(" ")
            api.add_routes(path=path, methods=[apigateway.HttpMethod[method]], integration=integration)
        stage = apigateway.HttpStage(
            scope,
            "ApiStage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=REQUESTS_PER_SECOND, burst_limit=BURST),
            detailed_metrics_enabled=True,
        )
        resource = resource_of(stage)
        if isinstance(resource, apigateway.CfnStage):  # the construct's own access logs are not JSON
            resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=_log_group(scope, storage).log_group_arn, format=json.dumps(LOGGED)
            )


def _log_group(scope: Construct, storage: Storage) -> logs.LogGroup:
    log_group = logs.LogGroup(
        scope,
        "ApiLogs",
        # This prefix keeps the log group out of the account's resource policy, which has little room.
        log_group_name=f"/aws/vendedlogs/apigateway/{Stack.of(scope).stack_name}",
        encryption_key=storage.key,
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=RemovalPolicy.DESTROY,
    )
    if not storage.key:
        aws_managed_key(log_group, "CKV_AWS_158")
    return log_group
