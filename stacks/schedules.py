"""What is done at regular times: mails to people, and looking for files that did not come. Reconcile is in safety_net.py."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.functions import Functions
from stacks.settings import Settings


class Schedules:
    """SendMail sends one mail a window, and CheckArrivals looks every minute."""

    def __init__(self, scope: Construct, settings: Settings, functions: Functions) -> None:
        window = Duration.seconds(settings.email_window_seconds)
        invoke_every(scope, "MailSchedule", functions.send_mail, window, "Send one mail for the messages of a window")
        minute = Duration.minutes(1)
        invoke_every(scope, "ArrivalSchedule", functions.check_arrivals, minute, "Look for files that did not come")


def invoke_every(
    scope: Construct, name: str, function: lambda_.Function, period: Duration, description: str
) -> events.Rule:
    """Invokes a function at regular times. It is not invoked again where it fails: its next time comes."""
    function.configure_async_invoke(retry_attempts=0)
    return events.Rule(
        scope,
        name,
        description=description,
        schedule=events.Schedule.rate(period),
        targets=[targets.LambdaFunction(function, retry_attempts=0)],
    )
