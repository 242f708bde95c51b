"""Object keys, IDs, and that the state machine takes the same IDs from a key as the functions do."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonata import Jsonata

from pipeline.errors import InvalidInput
from pipeline.keys import check_id, check_key, check_text, ids_in, named_in, prefixes_of, rules_keys
from stacks.state_machine import FOLDER_MARKER, IDS_FROM_INPUT, IDS_FROM_KEY, UPLOADED

CONTRACT = {
    "streams/group1/streamA.csv": ("group1", "streamA"),
    "streams/group1/streamA/2026/11/23.csv.gz": ("group1", "streamA"),
    "streams/group1/v1.2.csv": ("group1", "v1.2"),
    "streams/Zürich 3/a+b 100%25.csv": ("Zürich 3", "a+b 100%25"),
}
CONTEXT = {"Execution": {"Id": "arn:execution", "StartTime": "2026-11-23T08:00:00.000Z"}}


def evaluated(expression: str, state_input: object) -> object:
    """What the state machine makes of an expression; Step Functions' variables by their own names."""
    frame = Jsonata(expression)
    frame.assign("states", {"input": state_input, "context": CONTEXT})
    return frame.evaluate(None)


def upload_event(key: str) -> dict[str, object]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"object": {"key": key, "size": 3, "version-id": "v1", "sequencer": "0A"}},
    }


@pytest.mark.parametrize(("key", "ids"), CONTRACT.items())
def test_the_ids_are_in_the_key(key: str, ids: tuple[str, str]) -> None:
    assert ids_in(key) == ids


LONG_S = "\u017f"  # an s to whoever ignores case in all of Unicode
pieces = [*f"a.bCcSs{LONG_S}Vv +%25ü/😀", ".csv", ".GZ", ".parquet", ".ndjson", ".jsonl", ".zst"]
key_part = st.lists(st.sampled_from(pieces), max_size=10).map("".join)


@given(rest=key_part)
@example(rest="streamA.csv")
@example(rest="group1/streamA.CSV.GZ")
@example(rest="group1/a.b.Parquet")
@example(rest="group1//x.csv")
@example(rest="group1/.csv")
@example(rest=f"group1/x.c{LONG_S}v")
@example(rest="group1/streamA.csv/part.csv")
@example(rest="")
def test_the_state_machine_takes_the_ids_that_the_functions_take(rest: str) -> None:
    key = f"streams/{rest}"
    found = evaluated(IDS_FROM_KEY, upload_event(key))
    assert isinstance(found, dict)
    assert (found.get("GroupID"), found.get("StreamID")) == ids_in(key)
    assert (found["Key"], found["VersionId"], found["Sequencer"], found["Trigger"]) == (key, "v1", "0A", "upload")
    assert (found["ExecutionArn"], found["ExecutionStart"]) == ("arn:execution", "2026-11-23T08:00:00.000Z")


@pytest.mark.parametrize(
    ("given_input", "taken"),
    [
        ({"GroupID": "g", "StreamID": "s", "More": 1}, {"GroupID": "g", "StreamID": "s"}),
        (
            {"GroupID": "g", "StreamID": "s", "Key": "k", "VersionId": "v"},
            {"GroupID": "g", "StreamID": "s", "Key": "k", "VersionId": "v"},
        ),
        ({"GroupID": 3, "StreamID": None}, {"GroupID": 3, "StreamID": None}),
        ({"Trigger": "upload", "ExecutionArn": "x"}, {}),
        ({}, {}),
        ([], {}),
        ("text", {}),
    ],
)
def test_a_rerun_takes_its_own_fields_from_the_input_and_no_others(
    given_input: object, taken: dict[str, object]
) -> None:
    found = evaluated(IDS_FROM_INPUT, given_input)
    own = {"Trigger": "rerun", "ExecutionArn": "arn:execution", "ExecutionStart": "2026-11-23T08:00:00.000Z"}
    assert found == {**taken, **own}


def test_an_upload_is_told_from_a_rerun_and_from_a_folder_marker() -> None:
    assert evaluated(UPLOADED, upload_event("streams/g/s.csv")) is True
    assert evaluated(UPLOADED, {"GroupID": "g", "StreamID": "s"}) is False
    assert evaluated(UPLOADED, []) is False
    assert evaluated(FOLDER_MARKER, upload_event("streams/g/folder/")) is True
    assert evaluated(FOLDER_MARKER, upload_event("streams/g/s.csv")) is False


@pytest.mark.parametrize("value", ["a", "x" * 128, "Zürich 3", "a+b 100%25", "عربي", "测站", "🌧️".rstrip("\ufe0f"), " "])
def test_an_id_is_1_to_128_printable_characters(value: str) -> None:
    assert check_id("GroupID", value) == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "StreamID is missing"),
        ("", "StreamID is empty"),
        (3, "StreamID must be a string, not 3"),
        (["x"], "StreamID must be a string, not ['x']"),
        ("x" * 129, "StreamID has 129 characters; at most 128 are allowed"),
        ("a/b", "StreamID 'a/b' contains a /"),
        ("a\nb", "StreamID 'a\\nb' contains a character that cannot be printed"),
        ("a\u202eb", "contains a character that cannot be printed"),
    ],
)
def test_what_is_no_id_is_refused_with_the_fields_name(value: object, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id("StreamID", value)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("rules/default.yaml", "is not under streams/"),
        ("streams/g/s.txt", "does not end in one of .csv, .ndjson"),
        ("streams/g/other.csv", "does not belong to the stream g/s"),
        ("streams/h/s.csv", "does not belong to the stream g/s"),
    ],
)
def test_a_key_that_is_named_by_hand_must_be_the_streams(key: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_key(key, "g", "s")
    assert check_key("streams/g/s/2026/x.csv", "g", "s") == "streams/g/s/2026/x.csv"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (7, "Key must be a string that is not empty, not 7"),
        ("", "Key must be a string that is not empty, not ''"),
        ("é" * 513, "Key has 1,026 bytes; at most 1,024 are allowed: 'é"),
        ("\ud800" * 400, "Key has 1,200 bytes; at most 1,024 are allowed"),
    ],
)
def test_a_key_is_as_long_as_s3_has_any(value: object, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_text("Key", value)
    assert why in str(caught.value)
    assert len(str(caught.value)) <= 300
    assert check_text("Key", "é" * 512) == "é" * 512
    assert named_in({"Key": value, "StreamID": "s"}) == {"StreamID": "s"} | ({"Key": ""} if value == "" else {})


def test_objects_and_rules_are_looked_for_where_the_contract_says() -> None:
    assert prefixes_of("g", "s") == ["streams/g/s.", "streams/g/s/"]
    assert rules_keys("g", "s") == ["rules/g/s.yaml", "rules/g.yaml", "rules/default.yaml"]
