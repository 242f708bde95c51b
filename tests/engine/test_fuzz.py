"""Random damage to files of every format gives a result, and no unreadable file passes."""

from __future__ import annotations

import gzip
import io
import json
import random

import polars as pl
import pytest

from stream_qc.formats import format_of
from stream_qc.results import Report
from stream_qc.rules import BUILT_IN, load
from tests.engine.checking import reports

EVERY_TEST = load(
    json.dumps(
        {
            "schema": {
                "fields": [
                    {"name": "time", "type": "datetime", "constraints": {"required": True, "unique": True}},
                    {"name": "v", "type": "number", "constraints": {"minimum": 0, "maximum": 5, "enum": [1, 2]}},
                    {"name": "s", "type": "string", "constraints": {"pattern": "[a-z]*", "minLength": 1, "maxLength": 3}},
                    {"name": "z", "type": "integer"},
                    {"name": "flag", "type": "boolean"},
                ],
                "primaryKey": ["time", "s"],
                "missingValues": ["", "NA"],
            },
            "time": "time", "lat": "v", "lon": "z", "z": "z",
            "streams": {
                "v": {
                    "qartod": {
                        "gross_range_test": {"fail_span": [0, 5], "suspect_span": [1, 4]},
                        "spike_test": {"suspect_threshold": 1},
                        "rate_of_change_test": {"threshold": 1},
                        "flat_line_test": {"suspect_threshold": 2, "fail_threshold": 4, "tolerance": 1},
                        "attenuated_signal_test": {"suspect_threshold": 1, "fail_threshold": 0.5, "test_period": 3, "min_period": 2},
                        "climatology_test": {"config": [{"tspan": [1, 6], "period": "month", "vspan": [0, 3], "zspan": [0, 3]}]},
                        "location_test": {"range_max": 10},
                    }
                },
                "time": {"qartod": {"time_gap_test": {}, "impossible_date_test": {}, "data_reception_test": {}}},
                "s": {"qartod": {"syntax_test": {"nchar": 2}}},
            },
        }
    )
)  # fmt: skip
CSV = b"time,v,s,z,flag\n" + b"".join(
    b"2020-01-01T00:00:%02d,%d.5,ab,%d,true\n" % (row, row % 7, row) for row in range(30)
)
NDJSON = b"".join(
    b'{"time": "2020-01-01T00:00:%02d", "v": %d.5, "s": "ab", "z": %d, "flag": true}\n' % (row, row % 7, row)
    for row in range(30)
)
TOKENS = [b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"NA", b"nan", b"inf", b"-", b"1e999", b"{", b"}", b"[", b":", b"null", b"\\u12", b"0000-01-01T00:00:00", b"9" * 400, b"\xef\xbb\xbf", b"\xc3"]  # fmt: skip


def parquet() -> bytes:
    file = io.BytesIO()
    pl.read_csv(CSV, try_parse_dates=True).write_parquet(file)
    return file.getvalue()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Returns the data with a few tokens inserted and parts deleted, repeated or overwritten."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice([0, 1, 2, 8, 100])
        kind = chance.randrange(4)
        if kind == 0:
            changed[place:place] = chance.choice(TOKENS)
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place:place] = changed[place : place + length]
        else:
            changed[place : place + length] = chance.randbytes(length)
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data"),
    [("x.csv", CSV), ("x.ndjson", NDJSON), ("x.csv.gz", gzip.compress(CSV, mtime=0)), ("x.parquet", parquet())],
    ids=["csv", "ndjson", "gzip", "parquet"],
)
def test_damaged_file_gives_consistent_results(name: str, data: bytes, fuzz_inputs: int) -> None:
    chance = random.Random(20261123)
    for _ in range(fuzz_inputs):
        content, block_bytes = mutated(data, chance), chance.choice([300, 1 << 20, 1 << 20])
        found = reports(content, EVERY_TEST, name, block_bytes=block_bytes)
        assert format_of(name) is not None
        readable = found[1].results[0]
        assert readable.name == "1#*#readable"
        if not readable.passed:
            assert not any(report.passed for report in found.values())
        for report in found.values():
            for result in report.results:
                counted = result.good + result.not_evaluated + result.suspect + result.fail + result.missing
                assert counted in (0, result.rows), result  # every row has a flag in every check
        of_file = structure(reports(content, BUILT_IN, name, block_bytes=block_bytes)[1])
        if "csv" not in name:  # the separator of CSV is found from the fields in the rules
            assert of_file == structure(found[1])  # whether a file is readable does not depend on the rules


def structure(report: Report) -> list[tuple[bool, int, int]]:
    return [(one.passed, one.rows, one.fail) for one in report.results if one.test in ("readable", "well_formed")]
