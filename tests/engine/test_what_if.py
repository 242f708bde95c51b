"""What other rules would have said: the checks that change a verdict, and the limits at which they would have passed."""

from __future__ import annotations

import io
import json
import math
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import Rules, load
from stream_qc.rules.text import written
from stream_qc.whatif import Compared, Nearest, NotCompared, compare
from stream_qc.whatif.page import render
from tests.engine.running import Done, stream_qc

CSV = Format("csv", "")
SCHEMA = {"fields": [{"name": "time", "type": "datetime"}, {"name": "v", "type": "number"}]}


def rules_of(tests: dict[str, Any], constraints: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    fields = [SCHEMA["fields"][0], {**SCHEMA["fields"][1], "constraints": constraints or {}}]
    return {"schema": {"fields": fields}, "time": "time", "streams": {"v": {"qartod": tests}}, **more}


def loaded(document: dict[str, Any]) -> Rules:
    return load(written(document).encode())


def content(values: list[float | None], step: int = 60) -> bytes:
    lines = ["time,v"]
    for index, value in enumerate(values):
        minute, hour, day = index * step // 60 % 60, index * step // 3600 % 24, index * step // 86400 + 1
        lines.append(f"2026-01-{day:02}T{hour:02}:{minute:02}:00Z,{'' if value is None else value}")
    return ("\n".join(lines) + "\n").encode()


def compared(body: bytes, current: dict[str, Any], candidate: dict[str, Any]) -> Compared:
    return compare("f.csv", lambda: io.BytesIO(body), CSV, loaded(current), loaded(candidate))


def names(found: Compared) -> dict[str, bool]:
    return {one.name: one.fails for one in found.changed}


WIDE = rules_of({"gross_range_test": {"fail_span": [-100, 100]}})
NARROW = rules_of({"gross_range_test": {"fail_span": [0, 10]}})
SPIKES = "streams: {v: {qartod: {spike_test: {fail_threshold: 5}}}}\n"
VALUES: list[float | None] = [1, 2, -3.5, 4, 12.25, 6, 7]


def test_stricter_limit_changes_the_verdict_and_says_where_it_would_not() -> None:
    found = compared(content(VALUES), WIDE, NARROW)
    assert (found.before, found.after, found.verdict_changes) == (True, False, True)
    assert names(found) == {"2#v#gross_range_test": True}
    (check,) = found.changed
    assert check.rule
    assert [str(one) for one in check.nearest] == [
        "streams.v.qartod.gross_range_test.fail_span: [-3.5, 12.25]",
        f"limits.streams.v.gross_range_test: {2 / 7!r}",
    ]
    assert [one.row for one in check.told.examples] == [3, 5]


def test_looser_limit_changes_it_back() -> None:
    found = compared(content(VALUES), NARROW, WIDE)
    assert (found.before, found.after) == (False, True)
    assert names(found) == {"2#v#gross_range_test": False}
    assert found.changed[0].nearest == ()


def test_other_rules_without_effect_are_named() -> None:
    found = compared(content([1, 2, 3]), WIDE, NARROW)
    assert not found.verdict_changes
    assert found.changed == []
    assert [(one.name, one.rule) for one in found.without_effect] == [("2#v#gross_range_test", "changed")]


def test_check_that_is_no_longer_asked_for_is_told() -> None:
    found = compared(content(VALUES), NARROW, rules_of({}))
    (check,) = found.changed
    assert (check.after, check.fails) == (None, False)
    assert check.told.fail == 2


def test_failing_check_of_the_same_rule_is_told_as_such() -> None:
    both = rules_of({"gross_range_test": {"fail_span": [0, 10]}}, {"maximum": 5})
    found = compared(content(VALUES), NARROW, both)
    assert not found.verdict_changes
    assert names(found) == {"2#v#maximum": True}
    assert [(one.name, one.rule) for one in found.still_failing] == [("2#v#gross_range_test", False)]


def test_rules_that_read_the_file_otherwise_say_so() -> None:
    body = content([*VALUES[:2], -999])
    missing = {**NARROW, "schema": {**NARROW["schema"], "missingValues": ["-999"]}}
    found = compared(body, NARROW, missing)
    assert (found.reads_alike, names(found)) == (False, {"2#v#gross_range_test": False})
    assert compared(body, NARROW, NARROW).reads_alike


@pytest.mark.parametrize("rows", [{"minimum": 9}, {"maximum": 3}])
def test_number_of_rows_has_a_nearest_value(rows: dict[str, int]) -> None:
    found = compared(content(VALUES), rules_of({}), rules_of({}, rows=rows))
    assert [str(one) for one in found.changed[0].nearest] == [f"rows.{next(iter(rows))}: 7"]


def test_malformed_rows_need_a_share_of_all_checks() -> None:
    body = content([1, 2, 3]) + b"one cell\n"
    strict, open_ = rules_of({}), rules_of({}, limits={"max_fail_share": 0.5})
    (near,) = compared(body, open_, strict).changed[0].nearest
    assert (near.place, near.value) == ("limits.max_fail_share", 0.25)
    assert not compared(body, open_, rules_of({}, limits={"max_fail_share": near.value})).verdict_changes


def test_file_that_cannot_be_read_has_no_limits_to_move() -> None:
    found = compared(b"\xff\xfe\x00broken", WIDE, NARROW)
    assert not found.verdict_changes
    assert all(not one.nearest for one in found.still_failing)


def test_hidden_values_stay_hidden() -> None:
    found = compared(content(VALUES), WIDE, {**NARROW, "redact": True})
    (check,) = found.changed
    assert [one.place for one in check.nearest] == ["limits.streams.v.gross_range_test"]
    assert "12.25" not in json.dumps(found.item())


# The parameters of each test: which is moved, a value that fails often, and which way is stricter.
MOVED: dict[str, tuple[dict[str, Any], str, float]] = {
    "spike_test": ({"suspect_threshold": 0.1, "fail_threshold": 0.5}, "fail_threshold", -math.inf),
    "rate_of_change_test": ({"threshold": 0.001, "fail_threshold": 0.002}, "fail_threshold", -math.inf),
    "flat_line_test": ({"suspect_threshold": 60, "fail_threshold": 60, "tolerance": 0.5}, "fail_threshold", -math.inf),
    "attenuated_signal_test": ({"suspect_threshold": 50, "fail_threshold": 50, "test_period": 300, "min_obs": 2}, "fail_threshold", math.inf),
}  # fmt: skip
CONSTRAINTS = {
    "minimum": (2.5, math.inf),
    "maximum": (2.5, -math.inf),
    "exclusiveMinimum": (2.5, math.inf),
    "exclusiveMaximum": (2.5, -math.inf),
}


def alone(near: Nearest) -> float:
    assert not isinstance(near.value, list)
    return near.value


NUMBERS = st.lists(st.one_of(st.none(), st.floats(-8, 8).map(lambda x: round(x, 3))), min_size=3, max_size=40)


def passes(body: bytes, document: dict[str, Any], name: str) -> bool:
    reports = check_stream(lambda: io.BytesIO(body), CSV, loaded(document))
    return {one.name: one.passed for report in reports.values() for one in report.results}[name]


@given(values=NUMBERS, test=st.sampled_from([*MOVED]), share=st.sampled_from([0.0, 0.1]))
@settings(deadline=None)
def test_nearest_value_of_a_threshold_passes_and_no_nearer_one_does(
    values: list[float | None], test: str, share: float
) -> None:
    parameters, moved, stricter = MOVED[test]
    limits = {"max_fail_share": share}
    document, body = rules_of({test: parameters}, limits=limits), content(values)
    found = compared(body, rules_of({}), document)
    for check in [one for one in found.changed if one.name.endswith(test)]:
        for near in [one for one in check.nearest if one.place.endswith(moved)]:
            at, beside = (
                rules_of({test: {**parameters, moved: value}}, limits=limits)
                for value in (near.value, math.nextafter(alone(near), stricter))
            )
            assert passes(body, at, check.name)
            assert not passes(body, beside, check.name)


@given(values=NUMBERS, constraint=st.sampled_from([*CONSTRAINTS]))
@settings(deadline=None)
def test_nearest_value_of_a_constraint_passes_and_no_nearer_one_does(
    values: list[float | None], constraint: str
) -> None:
    limit, stricter = CONSTRAINTS[constraint]
    body = content(values)
    found = compared(body, rules_of({}), rules_of({}, {constraint: limit}))
    for check in found.changed:
        near, *shares = check.nearest  # no share where every row fails
        assert passes(body, rules_of({}, {constraint: near.value}), check.name)
        assert not passes(body, rules_of({}, {constraint: math.nextafter(alone(near), stricter)}), check.name)
        for share in shares:
            allowed = {"streams": {"v": {constraint: share.value}}}
            assert passes(body, rules_of({}, {constraint: limit}, limits=allowed), check.name)


@given(values=NUMBERS, share=st.sampled_from([0.0, 0.1, 0.3]))
@settings(deadline=None)
def test_nearest_ends_of_a_span_pass_and_no_nearer_ones_do(values: list[float | None], share: float) -> None:
    limits, body, inside = {"max_fail_share": share}, content(values), (math.inf, -math.inf)

    def with_span(span: list[float]) -> bool:
        return passes(body, rules_of({"gross_range_test": {"fail_span": span}}, limits=limits), "2#v#gross_range_test")

    found = compared(body, rules_of({}), rules_of({"gross_range_test": {"fail_span": [-1, 1]}}, limits=limits))
    for check in [one for one in found.changed if one.nearest]:  # not one that had nothing to judge
        spans = [one for one in check.nearest if "fail_span" in one.place]
        assert spans
        for near in spans:
            ends = near.value if isinstance(near.value, list) else [-1.0, 1.0]
            moved = [int(near.place[-2])] if near.place.endswith("]") else [0, 1]
            if not isinstance(near.value, list):
                ends[moved[0]] = near.value
            assert with_span(ends)
            for index in moved:
                stricter = [*ends]
                stricter[index] = math.nextafter(ends[index], inside[index])
                assert not with_span(stricter)


def test_each_end_of_a_span_that_suffices_alone_is_told(files: Path) -> None:  # noqa: ARG001
    limits = {"max_fail_share": 0.15}  # one of seven rows
    candidate = {**NARROW, "limits": limits}
    found = compared(content(VALUES), WIDE, candidate).changed[0].nearest
    assert [one.place[-1] for one in found[:2]] == ["]", "]"]


def test_a_limit_of_zero_is_a_rule() -> None:
    found = compared(content(VALUES), rules_of({}), rules_of({}, {"minimum": 0}))
    assert [(one.name, one.rule) for one in found.changed] == [("2#v#minimum", True)]
    quiet = compared(content([1]), rules_of({}), rules_of({}, {"minimum": 0})).without_effect
    assert [(one.name, one.rule) for one in quiet] == [("2#v#minimum", "new")]
    gone = compared(content([1]), rules_of({}, {"minimum": 0}), rules_of({})).without_effect
    assert [(one.name, one.rule) for one in gone] == [("2#v#minimum", "gone")]


@pytest.mark.parametrize("hidden", [True, ["v"]])
def test_what_one_side_hides_stays_hidden(hidden: bool | list[str]) -> None:
    open_, closed = WIDE, {**NARROW, "redact": hidden}
    for before, after in ((open_, closed), (closed, open_), ({**WIDE, "redact": hidden}, NARROW)):
        assert "12.25" not in json.dumps(compared(content(VALUES), before, after).item())


def test_a_time_is_hidden_if_either_rules_hide_its_parts() -> None:
    """The current rules hide the date, and only the candidates put the time together from it."""
    fields = [{"name": "date", "type": "date"}, {"name": "clock", "type": "time"}, {"name": "v", "type": "number"}]
    failing = [*fields[:2], {**fields[2], "constraints": {"maximum": 10}}]
    gap = {"time": {"qartod": {"time_gap_test": {"fail_span": 2}}}}
    candidate = {"schema": {"fields": failing}, "time": {"fields": ["date", "clock"]}, "streams": gap}
    body = b"date,clock,v\n1985-03-07,10:00:00,1\n1985-03-08,11:00:00,99\n"
    found = compared(body, {"schema": {"fields": fields}, "redact": ["date"]}, candidate)
    assert set(names(found)) == {"2#v#maximum", "3#time#time_gap_test"}
    assert "1985" not in json.dumps(found.item())


def test_checks_that_could_not_be_judged_are_not_told_as_passed() -> None:
    readable, other = rules_of({}, {"maximum": 10, "minimum": 0}), rules_of({}, {"maximum": 10, "minimum": -3})
    unread = {**other, "dialect": {"encoding": "utf-16"}}
    body = content([5, 50])
    found = compared(body, readable, unread)
    assert (names(found), found.still_failing, found.without_effect) == ({"1#*#readable": True}, [], [])
    back = compared(body, unread, readable)
    assert names(back) == {"1#*#readable": False, "2#v#maximum": True}
    assert (back.still_failing, back.without_effect) == ([], [])


def test_duplicate_time_is_asked_for_only_where_it_is_run() -> None:
    def keyed(*key: str) -> dict[str, Any]:
        return {"schema": {**SCHEMA, "primaryKey": [*key]}, "time": "time"}

    body = content([1, 2])
    its = {one.name: one.rule for one in compared(body, keyed("time"), keyed("time", "v")).without_effect}
    assert its["3#time#duplicate_time"] == "gone"
    its = {one.name: one.rule for one in compared(body, keyed("time", "v"), keyed("time")).without_effect}
    assert its["3#time#duplicate_time"] == "new"


@pytest.mark.parametrize("count", [7, 1_000_000, 2**53 + 1, 2**63 - 1])
def test_whole_numbers_can_be_pasted_into_rules(count: int) -> None:
    """As text, and when they have been JSON in between."""

    def asked(maximum: Any) -> dict[str, Any]:
        return {"schema": {"fields": [{"name": "n", "type": "integer", "constraints": {"maximum": maximum}}]}}

    (check,) = compared(f"n\n{count}\n".encode(), {"schema": {"fields": [{"name": "n"}]}}, asked(5)).changed
    (near,) = check.nearest
    assert str(near) == f"schema.fields.n.constraints.maximum: {count}"
    back = msgspec.json.decode(msgspec.json.encode(near), type=Nearest)
    assert (back.value, type(back.value)) == (count, int)
    loaded(asked(back.value))


@pytest.mark.parametrize(
    ("kind", "cell", "nearest"),
    [("integer", str(-(2**63)), [-(2**63)]), ("year", "1000", [1000]), ("year", "0800", [])],
)
def test_a_nearest_value_is_one_that_rules_may_have(kind: str, cell: str, nearest: list[int]) -> None:
    def asked(**constraints: Any) -> dict[str, Any]:
        return {"schema": {"fields": [{"name": "v", "type": kind, "constraints": constraints}]}}

    (check,) = compared(f"v\n{cell}\n".encode(), asked(), asked(minimum=2000)).changed
    assert [one.value for one in check.nearest] == nearest
    for value in nearest:
        loaded(asked(minimum=value))


def test_rows_are_told_by_their_flag() -> None:
    field = {"name": "suspect_v", "type": "number"}
    document = {
        "schema": {"fields": [SCHEMA["fields"][0], field]},
        "time": "time",
        "streams": {"suspect_v": {"qartod": {"gross_range_test": {"suspect_span": [0, 5], "fail_span": [0, 10]}}}},
    }
    found = compared(content(VALUES).replace(b"time,v", b"time,suspect_v"), rules_of({}), document)
    (check,) = [one for one in found.changed if one.name.endswith("gross_range_test")]
    assert [one.row for one in check.told.examples] == [3, 5]


@pytest.mark.parametrize(
    ("kind", "limit", "cell", "nearest"),
    [
        ("number", 10, "3e20", 3e20),
        ("number", 1e20, "3e300", 3e300),
        ("integer", 999, "2000000000000000", 2000000000000000),
        ("year", 2000, "9999", 9999),
    ],
)
def test_far_limits_are_found(kind: str, limit: float, cell: str, nearest: float) -> None:
    def asked(**constraints: Any) -> dict[str, Any]:
        return {"schema": {"fields": [{"name": "v", "type": kind, "constraints": constraints}, {"name": "w"}]}}

    (check,) = compared(f"v,w\n{cell},x\n".encode(), asked(), asked(maximum=limit)).changed
    assert check.nearest[0].value == nearest
    none = compared(f"v,w\n{cell},x\n".encode(), asked(), asked(exclusiveMaximum=limit)).changed[0].nearest
    assert (not none) == (kind == "year")  # there is no year 10000


def test_entries_of_where_are_compared_in_their_order() -> None:
    entries = [
        {"where": {name: "a"}, "qartod": {"gross_range_test": {"fail_span": [0, most]}}}
        for name, most in (("s", 1), ("t", 99))
    ]
    fields = {"fields": [{"name": "v", "type": "number"}, {"name": "s"}, {"name": "t"}]}
    documents = [{"schema": fields, "streams": {"v": its}} for its in (entries, entries[::-1])]
    found = compare("f", lambda: io.BytesIO(b"v,s,t\n5,a,a\n"), CSV, loaded(documents[0]), loaded(documents[1]))
    assert [(check.name, check.rule) for check in found.changed] == [("2#v#gross_range_test", True)]


def test_a_field_that_is_added_is_no_other_way_to_read_the_file() -> None:
    added = rules_of({})
    added["schema"]["fields"].append({"name": "x", "type": "number", "title": "of no use"})
    assert compared(content([1]), rules_of({}), added).reads_alike
    grouped = rules_of({})
    grouped["schema"]["fields"][1]["groupChar"] = "_"
    assert not compared(content([1]), rules_of({}), grouped).reads_alike


def test_whole_numbers_and_lengths_stay_whole() -> None:
    document = {
        "schema": {
            "fields": [
                {"name": "n", "type": "integer", "constraints": {"maximum": 3}},
                {"name": "t", "type": "string", "constraints": {"minLength": 4}},
            ]
        }
    }
    body = b"n,t\n9,ab\n2,abcd\n"
    found = compared(
        body, {"schema": {"fields": [{"name": "n", "type": "integer"}, {"name": "t", "type": "string"}]}}, document
    )
    assert [str(one.nearest[0]) for one in found.changed] == [
        "schema.fields.n.constraints.maximum: 9",
        "schema.fields.t.constraints.minLength: 2",
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "now.yaml").write_text(written(WIDE))
    (tmp_path / "then.yaml").write_text(written(NARROW))
    (tmp_path / "bad.csv").write_bytes(content(VALUES))
    (tmp_path / "good.csv").write_bytes(content([1, 2, 3]))
    return tmp_path


def what_if(*words: str) -> Done:
    return stream_qc("what-if", *words)


def test_command_ends_by_whether_a_verdict_changes(files: Path) -> None:
    changed = what_if("then.yaml", "bad.csv", "good.csv", "--rules", "now.yaml")
    assert changed.returncode == 1
    assert "PASS → FAIL  bad.csv  7 rows" in changed.stdout
    assert "would pass with streams.v.qartod.gross_range_test.fail_span: [-3.5, 12.25]" in changed.stdout
    assert "rule changed, still passes: v gross_range_test" in changed.stdout
    assert changed.stdout.endswith("1 of 2 verdicts would change: 1 from PASS to FAIL, 0 from FAIL to PASS\n")
    assert what_if("then.yaml", "good.csv", "--rules", "now.yaml").returncode == 0
    assert what_if("then.yaml", "nowhere.csv", "--rules", "now.yaml").returncode == 2
    (files / "wrong.yaml").write_text("rows: many")
    wrong = what_if("wrong.yaml", "good.csv")
    assert (wrong.returncode, "wrong.yaml: " in wrong.stderr) == (2, True)


def test_command_writes_json_and_a_page(files: Path) -> None:
    done = what_if("then.yaml", "bad.csv", "--rules", "now.yaml", "--json", "--report", "page.html")
    told = json.loads(done.stdout)
    assert (told["Before"], told["After"]) == ("PASS", "FAIL")
    assert told["Changed"][0]["WouldPass"][0] == {
        "Place": "streams.v.qartod.gross_range_test.fail_span",
        "Value": [-3.5, 12.25],
    }
    page = (files / "page.html").read_text()
    assert "1 of 1 verdict would change" in page
    assert "<script" not in page
    refused = what_if("then.yaml", "bad.csv", "--report", "bad.csv")
    assert (refused.returncode, "would overwrite" in refused.stderr) == (2, True)


def test_rules_that_cannot_be_used_for_a_file_are_named_and_the_next_file_is_judged(files: Path) -> None:
    """It has more series than can be told apart, which is known only when it is read."""
    (files / "wide.csv").write_text("s,v\n" + "".join(f"x{number},1\n" for number in range(20_001)))
    (files / "small.csv").write_text("s,v\na,50\n")
    (files / "series.yaml").write_text("schema: {fields: [{name: s}, {name: v, type: number}]}\nseries: s\n" + SPIKES)
    (files / "plain.yaml").write_text("schema: {fields: [{name: s}, {name: v, type: number}]}\nrows: {minimum: 2}")
    for words, blamed in (
        (("plain.yaml", "--rules", "series.yaml"), "series.yaml"),
        (("series.yaml", "--rules", "plain.yaml"), "series.yaml"),
    ):
        done = what_if(*words, "--json", "--report", "page.html", "--", "wide.csv", "small.csv")
        assert done.returncode == 2
        assert done.stderr.startswith(f"stream-qc: {blamed}: series: the file has more than 20,000")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(line["File"], "Error" in line) for line in lines] == [("wide.csv", True), ("small.csv", False)]
        assert "not checked: series: the file has more than" in (files / "page.html").read_text()


def test_the_page_counts_what_it_does_not_show() -> None:
    worse = [compared(content(VALUES), WIDE, NARROW)] * 5
    others = [NotCompared("a", "InvalidRules: x", "PASS", "ERROR"), NotCompared("b", "it is not there")]
    page = render(worse, others, "now", "then", most=3)
    assert "<h1>6 of 6 verdicts would change</h1>" in page
    assert "and 2 more, 2 of which would change" in page
    assert "<dt>PASS to ERROR</dt><dd>1</dd>" in page
    assert "<dt>FAIL to PASS</dt><dd>0</dd>" in page
    same = render([compared(content([1]), WIDE, NARROW)] * 3, [], "now", "then", most=1)
    assert "and 2 more, whose verdicts stay" in same


def test_what_if_says_what_a_rerun_then_says(files: Path) -> None:
    body = (files / "bad.csv").read_bytes()
    rng = random.Random(1)
    for _ in range(20):
        low, high = sorted(rng.uniform(-15, 15) for _ in range(2))
        candidate = rules_of({"gross_range_test": {"fail_span": [low, high]}})
        reports = check_stream(lambda: io.BytesIO(body), CSV, loaded(candidate))
        assert compared(body, WIDE, candidate).after == all(report.passed for report in reports.values())
