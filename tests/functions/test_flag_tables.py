"""`flags` and `split` of the rules: what each run then leaves in the results bucket."""

from __future__ import annotations

import pytest

from pipeline import checking
from tests.functions.cloud import QUARTER, Cloud, client_error

RULES = """
schema: {fields: [{name: date, type: date, format: "%Y/%m/%d"}, {name: temp_max, type: number, constraints: {maximum: 60}}]}
time: date
"""
LINES = QUARTER.splitlines()
FILE = "\n".join(
    [*LINES, LINES[1].replace("01/01", "01/03").replace("5.6", "99.5"), LINES[1].replace("01/01", "01/04"), ""]
)


def test_rules_may_ask_for_the_flags_of_every_row(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", f"flags: true\n{RULES}")
    cloud.checked("streams/g/s.csv", FILE)
    (row,) = cloud.rows()
    assert row["FlagsKey"] == f"flags/g/s/{row['StartTime']}.parquet"
    assert not {"CleanKey", "QuarantineKey"} & row.keys()
    table = cloud.table_of(row, "Flags")
    assert table.columns[: len(LINES[0].split(","))] == LINES[0].split(",")
    assert {"date.type", "temp_max.maximum", "date.time_order"} < {*table.columns}
    assert table["qc_flag"].to_list().count(4) == 1
    assert table.filter(table["qc_flag"] == 4)["temp_max"].to_list() == [99.5]


def test_rules_may_ask_for_the_clean_rows_and_the_others_apart(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", f"split: true\n{RULES}")
    cloud.checked("streams/g/s.csv", FILE)
    (row,) = cloud.rows()
    clean, quarantine = cloud.table_of(row, "Clean"), cloud.table_of(row, "Quarantine")
    assert clean.columns == LINES[0].split(",")
    assert quarantine["qc_reasons"].to_list() == ["temp_max.maximum"]
    assert clean.height + quarantine.height == row["Rows"]
    assert "FlagsKey" in row


def test_run_whose_rules_do_not_ask_leaves_none(cloud: Cloud) -> None:
    cloud.upload("rules/g.yaml", RULES)
    cloud.checked("streams/g/s.csv", FILE)
    (row,) = cloud.rows()
    assert "FlagsKey" not in row
    assert not [one for one in cloud.s3.list_objects_v2(Bucket="results")["Contents"] if one["Key"].endswith("parquet")]


@pytest.mark.parametrize("operation", ["PutObject", "GetObject", "HeadObject"])
@pytest.mark.parametrize("number", range(1, 9))
def test_flags_that_cannot_be_written_change_no_verdict(cloud: Cloud, operation: str, number: int) -> None:
    cloud.upload("rules/g.yaml", f"split: true\n{RULES}")
    event = cloud.event("streams/g/s.csv", cloud.upload("streams/g/s.csv", FILE))
    cloud.break_calls(operation, client_error(operation, "AccessDenied", 403), number=number, times=1)
    ended = cloud.execute(event)
    cloud.mend_calls()
    (row,), (message,) = cloud.rows(), cloud.messages()
    assert message["Summary"]["Status"] == row["Status"]
    assert (row["Status"], ended.error) in (("FAIL", ""), ("ERROR", row.get("Error")))
    if "QuarantineKey" in row:
        assert cloud.table_of(row, "Quarantine").height == 1


def test_mistake_in_writing_flags_changes_no_verdict(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(checking, "save_flags", broken)
    cloud.upload("rules/g.yaml", f"flags: true\n{RULES}")
    cloud.checked("streams/g/s.csv", FILE)
    (row,) = cloud.rows()
    assert (row["Status"], row["Notified"], "FlagsKey" in row) == ("FAIL", True, False)
