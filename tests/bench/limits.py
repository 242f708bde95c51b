"""The ways to parse a file into typed columns: `python -m tests.bench.limits WAY FILE COLUMNS`.

COLUMNS is a JSON file: the name, the kind and the format of each column. Every way prints the same for a file: for each column the
number of values and the greatest one (a time in microseconds, a text by its length in bytes). To know it, each value has to
be parsed. With FAULTY as a fourth argument, cells that are not of the type become null instead of an error.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

BUFFER = 1 << 20


class Column(NamedTuple):
    """kind: time, number, integer, boolean or text. form: the format of a time."""

    name: str
    kind: str
    form: str = ""


Columns = list[Column]
Found = list[tuple[int, Any]]
Parser = Callable[[Path, Columns, bool], Found]


def _polars_types(columns: Columns) -> dict[str, Any]:
    import polars as pl

    kinds = {"number": pl.Float64(), "integer": pl.Int64(), "boolean": pl.Boolean()}
    return {column.name: kinds.get(column.kind, pl.String()) for column in columns}


def _polars_found(frame: Any, columns: Columns, *, faulty: bool, parse_times: bool = True) -> Found:
    """Parses the times of a frame, lazy or eager, with their exact format, and returns what was found."""
    import polars as pl

    if parse_times:
        times = [column for column in columns if column.kind == "time"]
        frame = frame.with_columns(
            pl.col(one.name).str.to_datetime(one.form, time_unit="us", strict=not faulty, cache=False) for one in times
        )
    wanted = []
    for column in columns:
        one = pl.col(column.name)
        wanted.append(one.count().alias(f"{column.name} count"))
        greatest = one.str.len_bytes().max() if column.kind == "text" else one.max()
        wanted.append(greatest.alias(f"{column.name} max"))
    frame = frame.select(wanted)
    row = (frame.collect(engine="streaming") if isinstance(frame, pl.LazyFrame) else frame).row(0)
    return list(zip(row[::2], row[1::2], strict=True))


def polars_scan_csv(path: Path, columns: Columns, faulty: bool) -> Found:
    import polars as pl

    frame = pl.scan_csv(path, schema=_polars_types(columns), ignore_errors=faulty)
    return _polars_found(frame, columns, faulty=faulty)


def polars_read_csv(path: Path, columns: Columns, faulty: bool) -> Found:
    import polars as pl

    frame = pl.read_csv(path, schema=_polars_types(columns), ignore_errors=faulty)
    return _polars_found(frame, columns, faulty=faulty)


def polars_scan_ndjson(path: Path, columns: Columns, faulty: bool) -> Found:
    import polars as pl

    return _polars_found(pl.scan_ndjson(path, schema=_polars_types(columns)), columns, faulty=faulty)


def polars_read_ndjson(path: Path, columns: Columns, faulty: bool) -> Found:
    import polars as pl

    return _polars_found(pl.read_ndjson(path, schema=_polars_types(columns)), columns, faulty=faulty)


def polars_scan_parquet(path: Path, columns: Columns, faulty: bool) -> Found:
    import polars as pl

    return _polars_found(pl.scan_parquet(path), columns, faulty=faulty, parse_times=False)


DUCK_TYPES = {"time": "TIMESTAMP", "number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN", "text": "VARCHAR"}


def _duckdb_found(source: str, columns: Columns, *, cast: bool = False) -> Found:
    import duckdb

    wanted = []
    for column in columns:
        cell = f'"{column.name}"'
        value = f"TRY_CAST({cell} AS {DUCK_TYPES[column.kind]})" if cast else cell
        wanted += [f"count({value})", f"max({f'strlen({value})' if column.kind == 'text' else value})"]
    # As many threads as cores that the process may use.
    duckdb.execute(f"SET threads = {len(os.sched_getaffinity(0))}; SET enable_progress_bar = false")
    if cast:  # DuckDB 2.0.1 moves TRY_CAST into the reader, which then stops at the first cell that is not of the type
        duckdb.execute("SET disabled_optimizers = 'type_pushdown'")
    row = duckdb.execute(f"SELECT {', '.join(wanted)} FROM {source}").fetchone()
    assert row
    return list(zip(row[::2], row[1::2], strict=True))


def duckdb_csv(path: Path, columns: Columns, faulty: bool) -> Found:
    types = {one.name: "VARCHAR" if faulty else DUCK_TYPES[one.kind] for one in columns}
    options = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"
    source = f"read_csv('{path}', {options}, columns = {types!r})"
    return _duckdb_found(source, columns, cast=faulty)


def duckdb_ndjson(path: Path, columns: Columns, faulty: bool) -> Found:
    types = {one.name: DUCK_TYPES[one.kind] for one in columns}
    return _duckdb_found(
        f"read_json('{path}', format = 'newline_delimited', columns = {types!r})", columns, cast=faulty
    )


def duckdb_parquet(path: Path, columns: Columns, faulty: bool) -> Found:
    names = ", ".join(f'"{one.name}"::{DUCK_TYPES[one.kind]} AS "{one.name}"' for one in columns)
    return _duckdb_found(f"(SELECT {names} FROM read_parquet('{path}'))", columns, cast=faulty)


def _arrow_types(columns: Columns) -> dict[str, Any]:
    import pyarrow as pa

    kinds = {"time": pa.timestamp("us", "UTC"), "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    return {one.name: kinds.get(one.kind, pa.string()) for one in columns}


def _arrow_found(batches: Iterable[Any], columns: Columns) -> Found:
    """Aggregates record batches, or tables, one at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    counts, greatest = [0] * len(columns), [None] * len(columns)
    for batch in batches:
        for index, column in enumerate(columns):
            values = batch.column(column.name)
            counts[index] += len(values) - values.null_count
            if column.kind == "text":
                values = pc.binary_length(values)
            elif column.kind == "time":
                values = values.cast(pa.int64())
            most = pc.max(values).as_py()
            known = greatest[index]
            greatest[index] = most if known is None else known if most is None else max(known, most)
    return list(zip(counts, greatest, strict=True))


def _arrow_options(columns: Columns) -> dict[str, Any]:
    from pyarrow import csv

    convert = csv.ConvertOptions(column_types=_arrow_types(columns), strings_can_be_null=True, null_values=[""])
    return {"convert_options": convert}


def pyarrow_read_csv(path: Path, columns: Columns, faulty: bool) -> Found:
    from pyarrow import csv

    _refuse(faulty)
    return _arrow_found([csv.read_csv(path, **_arrow_options(columns))], columns)


def pyarrow_open_csv(path: Path, columns: Columns, faulty: bool) -> Found:
    from pyarrow import csv

    _refuse(faulty)
    blocks = csv.ReadOptions(block_size=4 << 20)
    return _arrow_found(csv.open_csv(path, read_options=blocks, **_arrow_options(columns)), columns)


def pyarrow_ndjson(path: Path, columns: Columns, faulty: bool) -> Found:
    import pyarrow as pa
    from pyarrow import json as arrow_json

    _refuse(faulty)
    options = arrow_json.ParseOptions(explicit_schema=pa.schema(list(_arrow_types(columns).items())))
    return _arrow_found([arrow_json.read_json(path, parse_options=options)], columns)


def pyarrow_parquet(path: Path, columns: Columns, faulty: bool) -> Found:
    from pyarrow import parquet

    _refuse(faulty)
    return _arrow_found(parquet.ParquetFile(path).iter_batches(batch_size=1 << 17), columns)


def _refuse(faulty: bool) -> None:
    if faulty:
        raise ValueError("pyarrow stops at a cell that is not of the column's type")


# The ways for each format, and those that read a file with faulty cells.
CSV: dict[str, Parser] = {
    "polars scan_csv": polars_scan_csv, "polars read_csv": polars_read_csv, "DuckDB read_csv": duckdb_csv,
    "pyarrow read_csv": pyarrow_read_csv, "pyarrow open_csv": pyarrow_open_csv,
}  # fmt: skip
NDJSON: dict[str, Parser] = {
    "polars scan_ndjson": polars_scan_ndjson, "polars read_ndjson": polars_read_ndjson,
    "DuckDB read_json": duckdb_ndjson, "pyarrow read_json": pyarrow_ndjson,
}  # fmt: skip
PARQUET: dict[str, Parser] = {
    "polars scan_parquet": polars_scan_parquet, "DuckDB read_parquet": duckdb_parquet,
    "pyarrow iter_batches": pyarrow_parquet,
}  # fmt: skip
WAYS = {**CSV, **NDJSON, **PARQUET}


def _zlib(path: Path) -> None:
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    with path.open("rb") as file:
        while data := file.read(BUFFER):
            unpack.decompress(data)


def _zstd(path: Path) -> None:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    with zstd.open(path, "rb") as file:
        while file.read(BUFFER):
            pass


def _pyarrow(path: Path) -> None:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else "gzip") as file:
        while file.read(BUFFER):
            pass


UNPACK: dict[str, dict[str, Callable[[Path], None]]] = {
    ".gz": {"zlib": _zlib, "pyarrow gzip": _pyarrow},
    ".zst": {"backports.zstd": _zstd, "pyarrow zstd": _pyarrow},
}


def ways_for(suffix: str, *, faulty: bool) -> list[str]:
    """Returns the names of the ways to parse a file."""
    ways = {".csv": CSV, ".ndjson": NDJSON, ".parquet": PARQUET}[suffix]
    return [name for name in ways if not (faulty and name.startswith("pyarrow"))]


def _plain(value: Any) -> Any:
    """Returns a value so that all ways print it alike: a time as microseconds since 1970."""
    if isinstance(value, dt.datetime):
        return (value.replace(tzinfo=None) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    return value


def main(way: str, path: Path, columns: str = "", faulty: str = "") -> None:
    unpack = UNPACK.get(path.suffix, {}).get(way)
    if unpack:
        unpack(path)
        return
    found = WAYS[way](path, [Column(*one) for one in json.loads(Path(columns).read_text())], bool(faulty))
    print(json.dumps([(count, _plain(greatest)) for count, greatest in found]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
