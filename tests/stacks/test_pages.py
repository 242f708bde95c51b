"""The pages name what the template has: alarms, outputs, state transitions."""

from __future__ import annotations

import re

from tests.docs.pages import OPERATIONS, README, page
from tests.stacks.template import Template


def test_alarms_are_described(template: Template) -> None:
    alarms = {name.partition("Alarm")[0] for name in template.of_type("AWS::CloudWatch::Alarm")}
    for section in ("An alarm", "Alarms"):
        assert alarms <= set(re.findall(r"`(\w+)`", OPERATIONS.section(section)))


def test_outputs_are_described(template: Template) -> None:
    named = set(re.findall(r"`(\w+)`", README.section("Deploy to AWS")))
    assert set(template.content["Outputs"]) - {"BootstrapVersion"} == named & set(template.content["Outputs"])


def test_costs_count_the_states_of_a_run(template: Template) -> None:
    definition = template.definition()
    processes = len(definition["States"]["QCProcesses"]["Branches"])
    name, entered = definition["StartAt"], 0
    path = {"Folder?": "StartQC", "Started?": "QCProcesses", "Verdict?": "Passed"}
    while name:
        entered += 1 + (processes if name == "QCProcesses" else 0)
        name = path.get(name, definition["States"][name].get("Next"))
    assert entered == 12
    assert "twelve state transitions" in page("docs/costs.md").text
