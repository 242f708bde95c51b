"""A file of three airports, sorted by airport or by time, against ioos_qc on each airport by itself."""

from __future__ import annotations

import io
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ioos_qc import qartod

from stream_qc.checks import Check
from stream_qc.engine import check_stream
from stream_qc.formats import Format
from stream_qc.rules import load
from tests.engine.checking import KeptFlags
from tests.samples import SAMPLES

SPIKE = {"suspect_threshold": 2, "fail_threshold": 4}
RATE = {"threshold": 0.001}
FLAT = {"suspect_threshold": 3 * 3600, "fail_threshold": 6 * 3600, "tolerance": 0.5}
WEAK = {"suspect_threshold": 2, "fail_threshold": 1, "test_period": 6 * 3600, "check_type": "range"}
ALL = {"suspect_threshold": 30, "fail_threshold": 10, "check_type": "std"}
RULES = {
    "schema": {
        "fields": [
            {"name": "origin"},
            {"name": "time_hour", "type": "datetime"},
            {"name": "temp", "type": "number"},
            {"name": "humid", "type": "number"},
        ],
        "missingValues": ["NA"],
    },
    "time": "time_hour",
    "series": "origin",
    "streams": {
        "temp": {
            "qartod": {
                "spike_test": SPIKE,
                "rate_of_change_test": RATE,
                "flat_line_test": FLAT,
                "attenuated_signal_test": WEAK,
                "time_gap_test": {"fail_span": 1},
            }
        },
        "humid": {"qartod": {"attenuated_signal_test": ALL}},
    },
}


def expected(table: pd.DataFrame) -> dict[str, Any]:
    """Returns the flags of ioos_qc for the rows of one airport."""
    temp, humid, time = table["temp"].to_numpy(), table["humid"].to_numpy(), table["time"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "spike_test": qartod.spike_test(temp, **SPIKE),
            "rate_of_change_test": qartod.rate_of_change_test(temp, time, **RATE),
            "flat_line_test": qartod.flat_line_test(temp, time, **FLAT),
            "attenuated_signal_test": qartod.attenuated_signal_test(temp, time, **WEAK),
            "time_gap_test": np.where(np.diff(time, prepend=time[0]) > np.timedelta64(1, "h"), 4, 1),
            "humid": qartod.attenuated_signal_test(humid, time, **ALL),
        }


@pytest.mark.parametrize("order", [["origin", "time_hour"], ["time_hour", "origin"]])
@pytest.mark.parametrize("block_bytes", [2000, 4 << 20])
def test_flags_are_those_of_each_airport(order: list[str], block_bytes: int) -> None:
    text = pd.read_csv(SAMPLES / "streams/newyork/weather.csv", dtype=str, keep_default_na=False).sort_values(order)
    taken: dict[str, KeptFlags] = {}

    def make_sink(check: Check) -> KeptFlags:
        return taken.setdefault("humid" if check.field == "humid" else check.test, KeptFlags())

    content = text.to_csv(index=False).encode()
    rules = load(json.dumps(RULES))
    check_stream(
        lambda: io.BytesIO(content), Format("csv", ""), rules, [3], block_bytes=block_bytes, make_sink=make_sink
    )
    table = text.assign(
        temp=pd.to_numeric(text["temp"]),
        humid=pd.to_numeric(text["humid"]),
        time=pd.to_datetime(text["time_hour"]).dt.tz_localize(None).astype("datetime64[ns]"),
    ).reset_index(drop=True)
    flagged = set()
    for _, rows in table.groupby("origin"):
        for name, flags in expected(rows).items():
            found = np.array(taken[name].flags)[rows.index]
            np.testing.assert_array_equal(found, np.asarray(flags), err_msg=name)
            flagged |= {(name, int(flag)) for flag in np.unique(found)}
    assert {name for name, flag in flagged if flag in (3, 4)} >= {*taken} - {"time_order", "duplicate_time"}
