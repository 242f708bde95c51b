"""The stack, from an upload to a message."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.alarms import Alarms
from stacks.api import Api
from stacks.dashboard import Dashboard
from stacks.functions import Functions
from stacks.permissions import grant
from stacks.reruns import RerunStateMachine
from stacks.safety_net import SafetyNet
from stacks.schedules import Schedules
from stacks.settings import Settings
from stacks.state_machine import QCStateMachine
from stacks.storage import Storage
from stacks.topics import Topics
from stacks.trigger import Triggers


class StreamQCStack(cdk.Stack):
    """Everything that Stream QC needs in one account and region."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        # The CDK states the dependency of a function on its role twice: as a reference and in DependsOn.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        storage = Storage(self, settings)
        topics = Topics(self, settings, storage)
        functions = Functions(self, storage, topics, settings)
        machine = QCStateMachine(self, functions, storage, settings)
        triggers = Triggers(self, storage, functions, machine)
        safety_net = SafetyNet(self, settings, storage, functions, machine)
        reruns = RerunStateMachine(self, functions.reruns, storage, machine) if functions.reruns else None
        Schedules(self, settings, functions)
        Alarms(self, settings, storage, topics, functions, machine, triggers, safety_net)
        api = Api(self, functions, storage)
        dashboard = Dashboard(self, functions, machine, topics, triggers, safety_net)
        grant(functions, storage, topics, machine, settings, reruns)

        for function in (
            functions.serve_api,
            functions.show_streams,
            functions.reruns and functions.reruns.list_streams,
        ):
            if function:
                function.add_environment("STATE_MACHINE", machine.state_machine_arn)
        for function in (functions.serve_api, functions.show_streams):
            if function and reruns:
                function.add_environment("RERUN_MACHINE", reruns.state_machine_arn)
        chosen = {
            "ResultsBucketName": storage.results.bucket_name if storage.results else None,
            "RerunStateMachineArn": reruns.state_machine_arn if reruns else None,
            "ApiUrl": api.url,
            "DashboardUrl": dashboard.url,
        }
        for output, value in {
            "StreamBucketName": storage.streams.bucket_name,
            "StateMachineArn": machine.state_machine_arn,
            "QCSummaryTableName": storage.summary.table_name,
            "QCDetailsTableName": storage.details.table_name,
            "QCStreamsTableName": storage.states.table_name,
            "QCResultsTopicArn": topics.results.topic_arn,
            "QCEmailTopicArn": topics.email.topic_arn,
            **{output: value for output, value in chosen.items() if value},
        }.items():
            cdk.CfnOutput(self, output, value=value)
