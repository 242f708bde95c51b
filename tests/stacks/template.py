"""A synthesised template, and short ways to ask it."""

from __future__ import annotations

import json
import re
from typing import Any

# The functions that the state machine invokes.
STEPS = [
    "StartQC",
    "PlanParts",
    "CountRows",
    "QCProcess1",
    "QCProcess2",
    "QCProcess3",
    "EndQC",
    "SendQCSummary",
    "WriteReport",
    "WriteFlags",
    "CloseRun",
]


# Those that the state machine of reruns invokes.
OF_RERUNS = ["ListStreams", "TryRules", "EndRerun"]


class Template:
    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.resources: dict[str, dict[str, Any]] = content["Resources"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical IDs and resources of a type."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def one(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """The only resource of a type whose logical ID begins so."""
        (found,) = [one for name, one in self.of_type(kind).items() if name.startswith(prefix)]
        return found

    def properties(self, kind: str, prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.one(kind, prefix)["Properties"]
        return found

    def definition(self, machine: str = "QC") -> dict[str, Any]:
        """A state machine's definition, with functions and partitions by the names of what they refer to."""
        found = self.properties("AWS::StepFunctions::StateMachine", machine)
        parsed: dict[str, Any] = json.loads(readable(found["DefinitionString"]))
        return parsed

    def statements(self, function: str) -> list[dict[str, Any]]:
        """The policy statements of the role of a function, by the function's name."""
        return [
            statement
            for policy in self.of_type("AWS::IAM::Policy").values()
            if [readable(role) for role in policy["Properties"]["Roles"]] == [f"{function}Role"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ]


def readable(value: Any) -> str:
    """An intrinsic function as text: a reference as the beginning of its logical ID, without the CDK's hash; a version as its function."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return str(value["Fn::Join"][0]).join(map(readable, value["Fn::Join"][1]))
    if "Fn::GetAtt" in value:
        return re.sub(r"[0-9A-F]{8}$", "", value["Fn::GetAtt"][0])
    if "Ref" in value:
        return re.sub(r"(CurrentVersion)?[0-9A-F]{8}([0-9a-f]{32})?$", "", value["Ref"])
    return json.dumps(value)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
