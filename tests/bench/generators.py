"""The files of the benchmark: `python -m tests.bench.generators NAME ROWS PATH`.

A file is written a chunk at a time, so any number of rows needs little memory. Noise is a hash of the row number: the same
file every time, and nothing that repeats. The path's suffix gives the format.
"""

from __future__ import annotations

import datetime as dt
import gzip
import math
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

CHUNK = 250_000
CELLS = 4_000_000  # of a chunk of a wide file
START = dt.datetime(2020, 1, 1)  # UTC without a zone
KINDS = ("range", "type", "duplicate", "spike", "missing", "enum", "pattern", "order")  # of faults
KEY_BITS = 36

INDEX = pl.col("index")
PHRASES = (
    "calm", "clear sky", "cloudy", "drift", "fouling", "fog", "gusts", "heavy swell, storm", "ice", "rain", "sensor cleaned",
    'says "OK"', "battery low; replaced", "buoy adrift", "strong current", "visible", "wind 270°", "「波」", "Überlauf",
    "“checked”",
)  # fmt: skip


def noise(seed: int) -> pl.Expr:
    """Returns a number in [0, 1) for each row."""
    return (INDEX.hash(seed) % 1_000_000) / 1_000_000


def clock(offset: pl.Expr, form: str = "%Y-%m-%dT%H:%M:%SZ") -> pl.Expr:
    """Returns times as text. offset: microseconds since the start."""
    return (pl.lit(START) + pl.duration(microseconds=offset)).dt.strftime(form)


def _wave(period: float, phase: float = 0.0) -> pl.Expr:
    return (INDEX * (2 * math.pi / period) + phase).sin()


def clean(_: str = "") -> list[pl.Expr]:
    """One row a second: a temperature with its year, its day and its noise, a quality and one of seven sensors."""
    year, day = _wave(31_556_952, -math.pi / 2), _wave(86_400, -2.0)
    return [
        clock(INDEX * 1_000_000).alias("time"),
        (12 + 9 * year + 4 * day + 0.5 * (noise(1) - 0.5)).round(3).alias("temperature"),
        (INDEX.hash(2) % 5).cast(pl.Int64).alias("quality"),
        pl.concat_str(pl.lit("S"), INDEX.hash(3) % 7).alias("sensor"),
    ]


def key(_: str = "") -> list[pl.Expr]:
    """The clean file with a unique integer in random order: a permutation of the numbers below 2 to the 36."""
    mask, number = (1 << KEY_BITS) - 1, (INDEX + 1).cast(pl.UInt64)
    for factor in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D):  # odd, so each step can be undone
        number = (number * factor) & mask
        number = number ^ (number // (1 << 17))
    return [number.cast(pl.Int64).alias("id"), *clean()]


def dirty(kinds: str = "") -> list[pl.Expr]:
    """The clean file with a fault in 1 % of its rows, at random places.

    kinds: some of KINDS, separated by commas; all if empty.
    """
    chosen = kinds.split(",") if kinds else list(KINDS)
    faulty = (INDEX.hash(11) % 100 == 0) & (INDEX >= 10)
    drawn = INDEX.hash(12) % len(chosen)

    def at(kind: str) -> pl.Expr:
        return faulty & (drawn == chosen.index(kind)) if kind in chosen else pl.lit(value=False)

    _, temperature, quality, sensor = clean()
    text = temperature.cast(pl.String)
    seconds = INDEX - pl.when(at("duplicate")).then(1).when(at("order")).then(5).otherwise(0)
    return [
        clock(seconds * 1_000_000).alias("time"),
        pl.when(at("range"))
        .then((temperature + 80).round(3).cast(pl.String))
        .when(at("type"))
        .then(pl.concat_str(text, pl.lit("?")))
        .when(at("spike"))
        .then((temperature + 12).round(3).cast(pl.String))
        .when(at("missing"))
        .then(pl.lit(None, pl.String))
        .otherwise(text)
        .alias("temperature"),
        pl.when(at("enum")).then(9).otherwise(quality).alias("quality"),
        pl.when(at("pattern")).then(sensor.str.to_lowercase()).otherwise(sensor).alias("sensor"),
    ]


def irregular(_: str = "") -> list[pl.Expr]:
    """A water level with times in milliseconds and intervals from 0.2 to 5 seconds."""
    offset = INDEX * 2_600 + (INDEX.hash(4) % 2_400).cast(pl.Int64)
    level = 1.9 * (INDEX * 0.0004).sin() + 0.1 * (noise(5) - 0.5)
    return [clock(offset * 1_000, "%Y-%m-%dT%H:%M:%S%.3fZ").alias("time"), level.round(3).alias("level")]


def stations(_: str = "") -> list[pl.Expr]:
    """Twenty stations that report each minute; 2 % of the values are missing."""
    wind = pl.when(noise(6) >= 0.02).then((25 * noise(7)).round(1))
    number = pl.concat_str(pl.lit("WND-"), (INDEX % 20).cast(pl.String).str.zfill(2))
    calibrated = pl.when(noise(8) < 0.5).then(pl.lit("true")).otherwise(pl.lit("false"))
    minutes = INDEX // 20 * 60_000_000
    return [clock(minutes).alias("time"), number.alias("station"), wind.alias("wind"), calibrated.alias("calibrated")]


def text(_: str = "") -> list[pl.Expr]:
    """A remark of about 250 characters in each row, with commas, quotes and letters outside ASCII."""
    draw = random.Random(1)
    phrases = pl.Series([" ".join(draw.choices(PHRASES, k=draw.randint(1, 6))) for _ in range(1_000)])
    parts = [pl.lit(phrases).gather((INDEX.hash(seed) % len(phrases)).cast(pl.UInt32)) for seed in range(20, 27)]
    remark = pl.concat_str(pl.lit("Remark"), *parts, separator=" ")
    value = (100 * noise(9)).round(2)
    return [clock(INDEX * 1_000_000).alias("time"), value.alias("value"), remark.alias("remark")]


def wide(columns: str) -> list[pl.Expr]:
    """Numbers of one decimal in as many columns as asked."""
    return [((INDEX.hash(column) % 90 + 10) / 10).round(1).alias(f"c{column}") for column in range(int(columns))]


def depths(_: str = "") -> list[pl.Expr]:
    """A temperature at changing depths, over 300 days."""
    day = clock(INDEX * 259_000_000)
    depth, temperature = (50 * noise(13)).round(1), (20 * noise(14)).round(2)
    return [day.alias("time"), depth.alias("depth"), temperature.alias("temperature")]


def drifter(_: str = "") -> list[pl.Expr]:
    """A buoy that drifts over an ocean, some hundred metres a row."""
    lat = 40 * (INDEX * 0.00001).sin() + 0.01 * noise(15)
    lon = 170 * (INDEX * 0.000007).sin() + 0.01 * noise(16)
    return [clock(INDEX * 60_000_000).alias("time"), lat.round(5).alias("lat"), lon.round(5).alias("lon")]


GENERATORS: dict[str, Callable[[str], list[pl.Expr]]] = {
    "clean": clean, "key": key, "dirty": dirty, "irregular": irregular, "stations": stations, "text": text,
    "wide": wide, "depths": depths, "drifter": drifter,
}  # fmt: skip


def chunks(name: str, rows: int) -> Iterator[pl.DataFrame]:
    """Yields the rows of a file. name: a generator, and after a colon what it is asked for."""
    name, _, asked = name.partition(":")
    expressions = GENERATORS[name](asked)
    size = min(CHUNK, max(1, CELLS // len(expressions)))
    for first in range(0, rows, size):
        index = pl.int_range(first, min(first + size, rows), eager=True).alias("index")
        yield index.to_frame().select(expressions)


def make(name: str, rows: int, path: Path) -> None:
    """Writes a file. The suffix gives the format: .csv, .ndjson, .parquet, .csv.gz or .csv.zst."""
    if path.suffix == ".parquet":
        _parquet(name, rows, path)
    elif path.suffix in (".gz", ".zst"):
        _compressed(name, rows, path)
    else:
        with path.open("wb") as file:
            _write(name, rows, file, lines=path.suffix == ".ndjson")


def _write(name: str, rows: int, file: BinaryIO, *, lines: bool) -> None:
    for number, chunk in enumerate(chunks(name, rows)):
        if lines:
            chunk.write_ndjson(file)
        else:
            chunk.write_csv(file, include_header=number == 0)


def _parquet(name: str, rows: int, path: Path) -> None:
    made = path.with_suffix(".made.csv")
    make(name, rows, made)
    times = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    pl.scan_csv(made).with_columns(times).sink_parquet(path, row_group_size=CHUNK)
    made.unlink()


def _compressed(name: str, rows: int, path: Path) -> None:
    made = path.with_suffix(".made.csv")
    make(name, rows, made)
    with made.open("rb") as source, _compressor(path) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    made.unlink()


def _compressor(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path, "wb", compresslevel=6)  # type: ignore[return-value]  # as gzip on the command line
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd.open(path, "wb", level=3)  # type: ignore[return-value]


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
