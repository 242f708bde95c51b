"""`redact` and `arrival` of a rules file: no value leaves the engine, and spans are read as they are written."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_qc.errors import InvalidRules
from stream_qc.rules import load
from tests.engine.checking import reports

SECRET = "7351.25"
RULES = """
schema:
  fields:
    - {name: time, type: datetime}
    - {name: patient, type: string, constraints: {pattern: "[a-z]+", unique: true}}
    - {name: v, type: number, constraints: {maximum: 10, required: true, enum: [1, 2]}}
  primaryKey: [patient]
time: time
streams:
  v: {qartod: {gross_range_test: {fail_span: [0, 5]}, spike_test: {fail_threshold: 1}, rate_of_change_test: {threshold: 0.001}}}
  patient: {qartod: {syntax_test: {nchar: 5}}}
"""
BODY = f"""time,patient,v
2020-01-01T00:00:00,Mary Jones,{SECRET}
2020-01-01T00:00:00,Mary Jones,{SECRET}
2020-01-01T00:00:01,peter,1
2020-01-01T00:00:02,Smith {SECRET},x{SECRET}
2020-01-01T00:00:03,Mary
"""


def shown(rules: str, body: str = BODY) -> str:
    found = reports(body, rules)
    return json.dumps([[report.message, [one.item() for one in report.results]] for report in found.values()])


def test_no_value_is_shown_if_all_are_redacted() -> None:
    assert SECRET in shown(RULES)
    text = shown(RULES + "redact: true\n")
    for value in (SECRET, "7351", "Mary", "Jones", "Smith", "2020-01-01"):
        assert value not in text
    assert "(redacted)" in text
    assert "v fails (maximum)" in text
    assert '"Row": 1' in text


def test_values_of_other_fields_are_shown() -> None:
    text = shown(RULES + "redact: [patient]\n")
    assert SECRET in text
    assert "2020-01-01" in text
    for value in ("Mary", "Jones", "Smith"):
        assert value not in text


@given(st.text('0123456789.,-abc\n"', max_size=30))
def test_hostile_cells_are_not_shown(cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + f'{SECRET}"'
    text = shown(RULES + "redact: true\n", f"time,patient,v\n{quoted},{quoted},{quoted}\n{quoted}\n")
    assert SECRET not in text


@pytest.mark.parametrize("redact", ["true", "[patient]"])
@pytest.mark.parametrize(
    "first",
    [
        f"2020-01-01T00:00:00,Mary Jones,{SECRET}",  # the header is missing
        f'2020-01-01T00:00:00,Mary "Jones",{SECRET}',
        f"Mary Jones,Mary Jones,{SECRET}",
        f'"Mary Jones{SECRET}',
    ],
)
def test_first_line_that_is_no_header_is_not_shown(redact: str, first: str) -> None:
    text = shown(f"{RULES}redact: {redact}\n", f"{first}\n2020-01-01T00:00:01,peter,1\n")
    for value in (SECRET, "Mary", "Jones"):
        assert value not in text


@pytest.mark.parametrize("redact", ["[d]", "[t]", "[time]"])
def test_time_that_is_put_together_is_redacted_with_its_parts(redact: str) -> None:
    rules = f"""
schema:
  fields:
    - {{name: d, type: string}}
    - {{name: t, type: string}}
    - {{name: v, type: number, constraints: {{maximum: 5}}}}
time: {{fields: [d, t]}}
redact: {redact}
"""
    body = "d,t,v\n2020-03-17,11:22:33,9\n2020-03-17,11:22:33,9\n2020-03-16,11:22:33,1\n"
    text = shown(rules, body)
    assert "fail" in text
    for value in ("2020-03-17", "2020-03-16", "11:22:33"):
        assert value not in text


@pytest.mark.parametrize(
    ("given", "within"),
    [("{every: 1 h, grace: 15 min}", 4500), ("{every: 1d}", 86400), ("{every: 90 s}", 90), ("{every: 1.5 h}", 5400)],
)
def test_arrival(given: str, within: float) -> None:
    arrival = load(f"arrival: {given}").arrival
    assert arrival is not None
    assert arrival.within == dt.timedelta(seconds=within)


@pytest.mark.parametrize(
    ("rules", "mistake"),
    [
        ("arrival: {every: hourly}", "arrival.every: 'hourly' is no span; expected a number and one of s, min, h, d"),
        ("arrival: {every: 0 h}", "arrival.every: 0 h is out of range"),
        ("arrival: {grace: 1 h}", "arrival: every is missing"),
        ("arrival: {every: 1 h, often: 1}", "arrival.often: unknown key; expected one of: every, grace"),
        ("arrival: 1 h", "arrival: expected"),
        ("redact: [w]", "redact: the schema has no field w"),
    ],
)
def test_mistake_has_its_place(rules: str, mistake: str) -> None:
    with pytest.raises(InvalidRules) as found:
        load(rules)
    assert any(one.startswith(mistake) for one in found.value.mistakes), found.value.mistakes
