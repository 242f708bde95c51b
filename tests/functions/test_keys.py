"""Object keys and the IDs in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidInput
from pipeline.keys import check_id, check_key, check_text, ids_in, prefixes_of, rules_keys
from pipeline.model import StreamId

LONG_S = "\u017f"  # equals an s where case is ignored in all of Unicode
STREAM = StreamId("g", "s")


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("streams/group1/streamA.CSV.GZ", ("group1", "streamA")),
        ("streams/group1/a.b.Parquet", ("group1", "a.b")),
        ("streams/group1/streamA.csv/part.csv", ("group1", "streamA.csv")),
        (f"streams/group1/x.c{LONG_S}v", ("group1", f"x.c{LONG_S}v")),
        ("streams/group1//x.csv", ("group1", "")),
        ("streams/group1/.csv", ("group1", "")),
        ("streams/x.csv", (None, None)),
    ],
)
def test_ids_are_the_parts_of_the_key_without_extension(key: str, ids: tuple[str | None, str | None]) -> None:
    assert ids_in(key) == ids


@given(st.text("a.é/ +%"), st.text("a.é +%", min_size=1))
def test_ids_of_a_key_do_not_depend_on_how_it_would_be_decoded(group_id: str, stream_id: str) -> None:
    if "/" not in group_id:
        assert ids_in(f"streams/{group_id}/{stream_id}.csv") == (group_id, stream_id)


@pytest.mark.parametrize("value", ["a", "x" * 128, "Zürich 3", "a+b 100%25", "عربي", "测站", "🌧️".rstrip("\ufe0f"), " "])
def test_id_is_1_to_128_printable_characters(value: str) -> None:
    assert check_id("GroupID", value) == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "StreamID is missing"),
        ("", "StreamID is empty"),
        (3, "StreamID must be a string; got 3"),
        (["x"], "StreamID must be a string; got ['x']"),
        ("x" * 129, "StreamID has 129 characters; at most 128 are allowed"),
        ("a/b", "StreamID 'a/b' contains a /"),
        ("a\nb", "StreamID 'a\\nb' contains an unprintable character"),
        ("a\u202eb", "contains an unprintable character"),
    ],
)
def test_invalid_id_is_refused_with_the_name_of_its_field(value: object, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id("StreamID", value)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("rules/default.yaml", "is not under streams/"),
        ("streams/g/s.pdf", "does not end in one of .csv, .tsv, .ndjson"),
        ("streams/g/other.csv", "does not belong to the stream g/s"),
        ("streams/h/s.csv", "does not belong to the stream g/s"),
    ],
)
def test_key_of_another_stream_or_format_is_refused(key: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_key(key, STREAM)
    assert check_key("streams/g/s/2026/x.csv", STREAM) == "streams/g/s/2026/x.csv"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (7, "Key must be a non-empty string; got 7"),
        ("", "Key must be a non-empty string; got ''"),
        ("é" * 513, "Key has 1,026 bytes; at most 1,024 are allowed: 'é"),
        ("\ud800" * 400, "Key has 1,200 bytes; at most 1,024 are allowed"),
    ],
)
def test_key_longer_than_s3_allows_is_refused(value: object, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_text("Key", value)
    assert why in str(caught.value)
    assert len(str(caught.value)) <= 300
    assert check_text("Key", "é" * 512) == "é" * 512


def test_objects_and_rules_are_looked_up_where_the_contract_says() -> None:
    assert prefixes_of(STREAM) == ["streams/g/s.", "streams/g/s/"]
    assert rules_keys(STREAM) == ["rules/g/s.yaml", "rules/g.yaml", "rules/default.yaml"]
