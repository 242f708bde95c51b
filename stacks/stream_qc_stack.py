"""The stack, from an upload to a message."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.alarms import Alarms
from stacks.functions import Functions
from stacks.permissions import grant
from stacks.safety_net import SafetyNet
from stacks.settings import Settings
from stacks.state_machine import QCStateMachine
from stacks.storage import Storage
from stacks.trigger import UploadTrigger


class StreamQCStack(cdk.Stack):
    """Everything that Stream QC needs in one account and region."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        # The CDK states the dependency of a function on its role twice: as a reference and in DependsOn.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        storage = Storage(self, settings)
        functions = Functions(self, storage, settings)
        machine = QCStateMachine(self, functions, storage)
        trigger = UploadTrigger(self, storage, machine)
        safety_net = SafetyNet(self, settings, storage, functions, machine)
        Alarms(self, settings, storage, functions, machine, trigger, safety_net)
        grant(functions, storage, machine)

        for output, value in {
            "StreamBucketName": storage.streams.bucket_name,
            "StateMachineArn": machine.state_machine_arn,
            "QCSummaryTableName": storage.summary.table_name,
            "QCDetailsTableName": storage.details.table_name,
            "QCResultsTopicArn": storage.results.topic_arn,
        }.items():
            cdk.CfnOutput(self, output, value=value)
