"""The cases: a file, the rules that judge it, how its columns are typed, and at which sizes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench import rules
from tests.bench.generators import KINDS
from tests.bench.limits import Column

MILLION = 1_000_000
SECONDS = "%Y-%m-%dT%H:%M:%SZ"
ALL = 1_000 * MILLION  # every size that is asked for

CLEAN = [
    Column("time", "time", SECONDS),
    Column("temperature", "number"),
    Column("quality", "integer"),
    Column("sensor", "text"),
]
STATION = [
    Column("time", "time", SECONDS),
    Column("station", "text"),
    Column("wind", "number"),
    Column("calibrated", "boolean"),
]
REMARK = [Column("time", "time", SECONDS), Column("value", "number"), Column("remark", "text")]
LEVEL = [Column("time", "time", "%Y-%m-%dT%H:%M:%S%.3fZ"), Column("level", "number")]
DEPTH = [Column("time", "time", SECONDS), Column("depth", "number"), Column("temperature", "number")]
POSITION = [Column("time", "time", SECONDS), Column("lat", "number"), Column("lon", "number")]


@dataclass(frozen=True)
class Case:
    """data: a generator, and after a colon what it is asked for. most: the largest number of rows. exact: the only one.

    fails: the checks that must fail, and no others. faulty: cells are not all of their type.
    """

    name: str
    title: str
    data: str
    rules: str
    columns: list[Column]
    suffix: str = ".csv"
    most: int = 10 * MILLION
    exact: int = 0
    fails: frozenset[str] = frozenset()
    faulty: bool = False

    def sizes(self, asked: list[int]) -> list[int]:
        """Returns the numbers of rows to measure. asked: those that the user chose."""
        return [self.exact] if self.exact else [rows for rows in asked if rows <= self.most]


FAILS_OF = {
    "range": {"temperature.maximum", "temperature.gross_range_test", "temperature.climatology_test"},
    "type": {"temperature.type"},
    "duplicate": {"time.unique", "time.duplicate_time"},
    "spike": set(),
    "missing": {"temperature.required"},
    "enum": {"quality.enum"},
    "pattern": {"sensor.pattern"},
    "order": {"time.time_order", "time.unique", "time.duplicate_time"},
}
SPIKED = {"range", "spike"}  # kinds of fault that spike_test finds


def fails_of(kinds: tuple[str, ...]) -> frozenset[str]:
    """Returns the checks that fail for these kinds of fault, as <field>.<test>."""
    spikes = {"temperature.spike_test"} if SPIKED & set(kinds) else set()
    return frozenset(spikes.union(*(FAILS_OF[kind] for kind in kinds)))


DIRTY = fails_of(KINDS)
CASES = [
    Case("csv", "CSV, every check, times unique", "clean", rules.EVERY_CHECK, CLEAN, most=ALL),
    Case("dirty", "CSV, 1 % of rows flagged", "dirty", rules.EVERY_CHECK, CLEAN, fails=DIRTY, faulty=True),
    Case(
        "key",
        "CSV, an integer key in random order, unique",
        "key",
        rules.RANDOM_KEY,
        [Column("id", "integer"), *CLEAN],
        most=ALL,
    ),
    Case("ndjson", "NDJSON, every check", "clean", rules.EVERY_CHECK, CLEAN, ".ndjson"),
    Case("parquet", "Parquet, every check", "clean", rules.EVERY_CHECK, CLEAN, ".parquet"),
    Case("gzip", "CSV in gzip, every check", "clean", rules.EVERY_CHECK, CLEAN, ".csv.gz"),
    Case("zstd", "CSV in Zstandard, every check", "clean", rules.EVERY_CHECK, CLEAN, ".csv.zst"),
    Case("irregular", "CSV, irregular times", "irregular", rules.IRREGULAR, LEVEL, most=MILLION),
    Case(
        "stations",
        "CSV, several stations, primary key of two fields",
        "stations",
        rules.STATIONS,
        STATION,
        most=MILLION,
    ),
    Case("text", "CSV, long quoted text", "text", rules.LONG_TEXT, REMARK, most=MILLION),
    Case(
        "wide2000",
        "CSV, 2,000 columns × 2,000 rows",
        "wide:2000",
        rules.wide(2_000, "minimum: 1, maximum: 10"),
        [Column(f"c{number}", "number") for number in range(2_000)],
        exact=2_000,
    ),
    Case(
        "wide20000",
        "CSV, 20,000 columns × 200 rows",
        "wide:20000",
        rules.wide(20_000, ""),
        [Column(f"c{number}", "number") for number in range(20_000)],
        exact=200,
    ),
    Case("seasons", "CSV, climatology of 1,500 seasons", "depths", rules.seasons(300, 5), DEPTH, exact=100_000),
    Case("location", "CSV, location_test (wgs84)", "drifter", rules.LOCATION, POSITION, exact=700_000),
]
KIND_CASES = [
    Case(
        f"dirty-{kind}",
        kind,
        f"dirty:{kind}",
        rules.EVERY_CHECK,
        CLEAN,
        most=MILLION,
        fails=fails_of((kind,)),
        faulty=kind == "type",
    )
    for kind in KINDS
]
OTHERS = ("kinds", "lambda", "imports", "peers")  # measured in their own way
NAMES = (*(case.name for case in CASES), *OTHERS)
