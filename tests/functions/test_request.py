"""What an execution's input asks for: an upload, a rerun, or an invalid request that names the field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import StreamId
from pipeline.request import Delivery, Invalid, Named, Rerun, Upload, is_upload, request_of, upload_event


def event(key: Any, **found: Any) -> dict[str, Any]:
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": key, **found}}}


@pytest.mark.parametrize(
    ("key", "group_id", "stream_id"),
    [
        ("streams/group1/streamA.csv", "group1", "streamA"),
        ("streams/group1/streamA/2026/11/23.csv.gz", "group1", "streamA"),
        ("streams/group1/v1.2.csv", "group1", "v1.2"),
        ("streams/Zürich 3/a+b 100%25.csv", "Zürich 3", "a+b 100%25"),
        ("streams/group1/v1.2.CSV", "group1", "v1.2"),
        ("streams/محطة/测站😀.parquet", "محطة", "测站😀"),
    ],
)
def test_upload_takes_ids_from_raw_key(key: str, group_id: str, stream_id: str) -> None:
    request = request_of(event(key, **{"version-id": "v1", "sequencer": "0A"}))
    assert request == Upload(
        Named(group_id, stream_id, key, "v1"), StreamId(group_id, stream_id), key, "v1", Delivery(key, "v1")
    )


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("streams/group1/notes.md", "does not end in one of .csv, .tsv, .ndjson, .jsonl, .json, .parquet"),
        ("streams/group1/data.parquet.gz", "does not end in one of"),
        ("streams/streamA.csv", "has no GroupID; upload to streams/<GroupID>/<StreamID>.<ext>"),
        ("streams//streamA.csv", "has no GroupID"),
        ("streams/group1/.csv", "has no StreamID"),
        (f"streams/{'g' * 129}/s.csv", "GroupID has 129 characters; at most 128 are allowed"),
        ("streams/group1/a\tb.csv", "StreamID 'a\\tb' contains an unprintable character"),
        ("rules/g/s.csv", "is not under streams/"),
        (5, "Key must be a non-empty string; got 5"),
        (None, "Key must be a non-empty string; got None"),
    ],
)
def test_upload_with_invalid_key_says_what_is_wrong(key: Any, reason: str) -> None:
    request = request_of(event(key, **{"version-id": "v1"}))
    assert isinstance(request, Invalid)
    assert reason in request.reason
    assert request.delivery == (Delivery(key, "v1") if isinstance(key, str) else None)


@pytest.mark.parametrize("detail", [None, "text", {}, {"object": None}, {"object": []}])
def test_upload_event_without_object_is_invalid(detail: Any) -> None:
    request = request_of({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    assert isinstance(request, Invalid)
    assert request.reason.startswith("Key must be a non-empty string")


def test_delivery_without_version_uses_sequencer_or_is_unknown() -> None:
    assert request_of(event("streams/g/s.csv", sequencer="0A")).delivery == Delivery("streams/g/s.csv", "0A")
    assert request_of(event("streams/g/s.csv")).delivery is None


def test_upload_event_of_reconcile_is_the_same_delivery() -> None:
    lost = request_of(event("streams/g/s.csv", **{"version-id": "v1", "sequencer": "0A"}))
    assert request_of(upload_event("bucket", "streams/g/s.csv", "v1")) == lost


@pytest.mark.parametrize(
    ("given_input", "request_"),
    [
        ({"GroupID": "g", "StreamID": "s", "More": 1}, Rerun(Named("g", "s"), StreamId("g", "s"), None, None)),
        (
            {"GroupID": "g", "StreamID": "s", "Key": "streams/g/s/1.csv", "VersionId": "v"},
            Rerun(Named("g", "s", "streams/g/s/1.csv", "v"), StreamId("g", "s"), "streams/g/s/1.csv", "v"),
        ),
        ({"source": "aws.s3", "GroupID": "g", "StreamID": "s"}, Rerun(Named("g", "s"), StreamId("g", "s"), None, None)),
    ],
)
def test_rerun_takes_its_fields_and_ignores_others(given_input: Any, request_: Rerun) -> None:
    assert request_of(given_input) == request_


@pytest.mark.parametrize(
    ("given_input", "reason"),
    [
        ({"StreamID": "s"}, "GroupID is missing"),
        ({"GroupID": "g"}, "StreamID is missing"),
        ({"GroupID": "", "StreamID": "s"}, "GroupID is empty"),
        ({"GroupID": "g", "StreamID": 7}, "StreamID must be a string; got 7"),
        ({"GroupID": None, "StreamID": "s"}, "GroupID is missing"),
        ({"GroupID": "g", "StreamID": ["s"]}, "StreamID must be a string; got ['s']"),
        ({"GroupID": "g/h", "StreamID": "s"}, "GroupID 'g/h' contains a /"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/t.csv"}, "Key 'streams/g/t.csv' does not belong to the stream g/s"),
        ({"GroupID": "g", "StreamID": "s", "Key": 1}, "Key must be a non-empty string"),
        ({"GroupID": "g", "StreamID": "s", "Key": None}, "Key must be a non-empty string; got None"),
        ({"GroupID": "g", "StreamID": "s", "VersionId": "v"}, "VersionId needs a Key"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "VersionId": ""}, "VersionId must be a non-empty string"),
        ({"GroupID": "\"" * 100_000, "StreamID": "s"}, "GroupID has 100000 characters; at most 128 are allowed"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s/" + "x" * 200_000 + ".csv"}, "Key has 200,016 bytes; at most 1,024 are allowed"),
        ({"GroupID": "g", "StreamID": "s", "Key": "streams/g/s.csv", "VersionId": "v" * 200_000}, "VersionId has 200,000 bytes"),
        ([], "GroupID is missing"),
        ("text", "GroupID is missing"),
        (None, "GroupID is missing"),
    ],
    ids=lambda given: None if isinstance(given, str) else str(given)[:60],
)  # fmt: skip
def test_rerun_that_identifies_no_stream_names_the_field(given_input: Any, reason: str) -> None:
    request = request_of(given_input)
    assert isinstance(request, Invalid)
    assert request.reason.startswith(reason)
    assert len(request.reason) < 400
    assert request.delivery is None


@pytest.mark.parametrize("value", ["é" * 513, "\ud800", "\ud800" * 400, 7, None, ["x"]])
def test_value_that_cannot_be_written_is_not_named(value: Any) -> None:
    assert request_of({"GroupID": value, "StreamID": "s"}).named == Named(stream_id="s")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["aws.s3", "Object Created"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["source", "detail-type", "detail", "object", "key", "version-id", "GroupID", "StreamID", "Key"]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(json_values)
def test_any_input_is_an_upload_a_rerun_or_invalid(given_input: Any) -> None:
    request = request_of(given_input)
    assert isinstance(request, Upload | Rerun | Invalid)
    assert not (isinstance(request, Rerun) and is_upload(given_input))
    if isinstance(request, Invalid):
        assert request.reason
