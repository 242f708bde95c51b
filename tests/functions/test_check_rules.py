"""Rules are checked when they are uploaded."""

from __future__ import annotations

import json
import shlex

import pytest

import check_rules
from tests.functions.cloud import Cloud, Payload, invoke


def check(cloud: Cloud, key: str, body: str) -> Payload:
    return invoke(check_rules.handler, cloud.event(key, cloud.upload(key, body)))


def test_valid_rules_send_nothing(cloud: Cloud) -> None:
    assert check(cloud, "rules/default.yaml", "rows: {minimum: 1}") == {"Status": "VALID"}
    assert cloud.messages() == []


def test_mistakes_are_sent_at_once_with_their_places_and_streams(cloud: Cloud) -> None:
    cloud.checked("streams/g/a.csv")
    cloud.checked("streams/g/b.csv")
    cloud.upload("rules/g/b.yaml", "rows: {minimum: 1}")
    cloud.messages()
    body = "rows: {minimum: -1}\nlimits: {max_fail_share: 2}\n"
    answer = check(cloud, "rules/g.yaml", body)
    message = cloud.messages()[-1]
    assert answer == {"Status": "INVALID_RULES", "MessageId": message["MessageId"]}
    assert message["Subject"] == "[QC INVALID_RULES] rules/g.yaml"
    summary = message["Summary"]
    assert (summary["GroupID"], summary["Key"], summary["Streams"]) == ("g", "rules/g.yaml", 1)
    assert summary["Mistakes"] == [
        "rows.minimum: -1 is negative",
        "limits.max_fail_share: a share must be from 0 to 1, not 2.0",
    ]
    lines = summary["Text"].splitlines()
    assert lines[0] == "INVALID_RULES: rules/g.yaml (2 mistakes)"
    assert "  rows.minimum: -1 is negative" in lines
    assert "Streams that they judge: g/a" in lines
    assert lines[-1] == "stream-qc rules g.yaml"


def test_repeated_event_sends_one_message(cloud: Cloud) -> None:
    event = cloud.event("rules/g.yaml", cloud.upload("rules/g.yaml", "rows: 1"))
    assert invoke(check_rules.handler, event) == invoke(check_rules.handler, event)
    assert len(cloud.messages()) == 1


@pytest.mark.parametrize("key", ["rules/g/s/more.yaml", "rules/g.yml", "rules/.yaml", "rules//s.yaml"])
def test_key_in_which_no_rules_are_looked_up_is_a_mistake(cloud: Cloud, key: str) -> None:
    assert check(cloud, key, "rows: {minimum: 1}")["Status"] == "INVALID_RULES"
    assert "rules/<GroupID>/<StreamID>.yaml" in cloud.messages()[0]["Summary"]["Mistakes"][0]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("rules/statoin1/s.yaml", "station1/s"),
        ("rules/station1/tempp.yaml", "station1/temp"),
        ("rules/statoin1.yaml", "station1"),
        ("rules/station1/temp.yaml", ""),
        ("rules/station1.yaml", ""),
        ("rules/buoy7/wind.yaml", ""),  # like nothing that is known: a new one
        ("rules/default.yaml", ""),
    ],
)
def test_name_like_another_that_sends_files_may_be_a_typing_mistake(cloud: Cloud, key: str, hint: str) -> None:
    cloud.upload("streams/station1/temp.csv")
    answer = check(cloud, key, "rows: {minimum: 1}")
    assert answer["Status"] == ("UNKNOWN_STREAM" if hint else "VALID")
    texts = [one["Summary"]["Text"].splitlines()[0] for one in cloud.messages()]
    assert texts == ([f"UNKNOWN_STREAM: {key} (did you mean {hint}?)"] if hint else [])


def test_folder_and_rules_that_are_gone_are_ignored(cloud: Cloud) -> None:
    assert "Ignored" in invoke(check_rules.handler, cloud.event("rules/", "v"))
    assert "Ignored" in invoke(check_rules.handler, cloud.event("rules/g.yaml", "11111111-1111-1111-1111-111111111111"))


def test_very_long_mistakes_fit_into_a_message(cloud: Cloud) -> None:
    fields = ", ".join(f"{{name: f{number}, type: {'x' * 20_000}}}" for number in range(30))
    key = "rules/g.yaml"
    invoke(check_rules.handler, cloud.event(key, cloud.upload(key, f"schema: {{fields: [{fields}]}}")))
    (message,) = cloud.messages()
    assert message["Summary"]["Status"] == "INVALID_RULES"
    assert len(json.dumps(message["Summary"])) < 100_000


def test_command_of_a_strange_key_is_one_word(cloud: Cloud) -> None:
    key = "rules/$(touch pwned) ; id.yaml"
    invoke(check_rules.handler, cloud.event(key, cloud.upload(key, "{rows: many}")))
    command = cloud.messages()[0]["Summary"]["Text"].splitlines()[-1]
    assert shlex.split(command) == ["stream-qc", "rules", "$(touch pwned) ; id.yaml"]


def test_numbered_neighbour_is_no_typing_mistake(cloud: Cloud) -> None:
    cloud.upload("streams/g/station01.csv")
    key = "rules/g/station02.yaml"
    assert invoke(check_rules.handler, cloud.event(key, cloud.upload(key, "rows: {minimum: 1}")))["Status"] == "VALID"
