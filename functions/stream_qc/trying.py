"""Tries rules: puts faults into a good file, and tells which of them the rules catch."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
from msgspec.structs import replace

from stream_qc import fieldtimes, fieldtypes
from stream_qc.dialect import PLAIN
from stream_qc.engine import Open, check_stream
from stream_qc.errors import UnreadableFile
from stream_qc.formats import Format
from stream_qc.measurements import NO_MEASUREMENT
from stream_qc.reading import open_reader
from stream_qc.reading.block import Block
from stream_qc.results import Result
from stream_qc.rules import Rules
from stream_qc.schema import Field

MOST_ROWS = 200_000  # those that are tried; the first of a longer file
FEWEST_ROWS = 10
SPIKE = 10.0  # how far a spike is off, as a share of the range of the values
CSV = Format("csv", "")


@dataclass(frozen=True)
class Fault:
    """A fault, and the rules that would find it. field: where it is; "" for the whole file. rows: the table with the fault."""

    name: str
    field: str
    table: pl.DataFrame
    advice: str


@dataclass(frozen=True)
class Tried:
    """What became of a fault. failing: the checks that fail because of it. suspect: those that only flag rows SUSPECT."""

    fault: Fault
    failing: list[str]
    suspect: list[str]


def try_rules(open_stream: Open, form: Format, rules: Rules) -> Iterator[Tried]:
    """Yields what becomes of each fault.

    Raises UnreadableFile if the file has too few rows, or does not pass its rules without a fault.
    """
    table = _table(open_stream, form, rules)
    if table.height < FEWEST_ROWS:
        raise UnreadableFile(f"the file has {table.height:,} rows; to try rules takes at least {FEWEST_ROWS}")
    before = _judged(table, rules)
    failing = [name for name, result in before.items() if not result.passed]
    if failing:
        raise UnreadableFile(
            f"the file does not pass these rules as it is ({', '.join(failing)}); try them with a good file"
        )
    for fault in _faults(table, rules):
        after = _judged(fault.table, rules)
        failing = [name for name, result in after.items() if not result.passed]
        suspect = [
            name
            for name, result in after.items()
            if result.passed and result.suspect > (before[name].suspect if name in before else 0)
        ]
        yield Tried(fault, failing, suspect)


def _table(open_stream: Open, form: Format, rules: Rules) -> pl.DataFrame:
    """Returns the first rows of the file as text."""
    reader = open_reader(open_stream(), form, rules.schema)
    for _ in reader:  # the header of NDJSON is known at its end
        pass
    fields = {name: rules.schema.fields.get(name, Field(name)) for name in reader.header if name}
    parts = []
    rows = 0
    for block in open_reader(open_stream(), form, replace(rules.schema, fields=fields, time_parts={})):
        parts.append(pl.DataFrame([_written(block, field).alias(field.name) for field in fields.values()]))
        rows += block.height
        if rows >= MOST_ROWS:
            break
    return pl.concat(parts).head(MOST_ROWS) if parts else pl.DataFrame()


def _written(block: Block, field: Field) -> pl.Series:
    """Returns the cells of a field as text, in its format. Parquet has times that are no text."""
    if (
        block.raw[field.name].dtype.is_temporal()
        and field.format != "default"
        and field.format not in fieldtimes.EPOCHS
    ):
        return block.typed(field.name).dt.to_string(field.format)
    return block.text(field.name)


def _judged(table: pl.DataFrame, rules: Rules) -> dict[str, Result]:
    """Returns the results by the names of their checks."""
    content = table.write_csv().encode()
    plain = replace(rules, schema=replace(rules.schema, dialect=PLAIN))
    reports = check_stream(lambda: io.BytesIO(content), CSV, plain)
    return {result.name.partition("#")[2]: result for report in reports.values() for result in report.results}


def _faults(table: pl.DataFrame, rules: Rules) -> Iterator[Fault]:
    fields = [field for name, field in rules.schema.fields.items() if name in table.columns]
    parts = {part for name in rules.schema.time_parts for part in rules.schema.parts_of(name)}
    numbers = [
        field
        for field in fields
        if field.type in ("number", "integer") and field.name not in parts and not NO_MEASUREMENT.match(field.name)
    ]
    yield from _of_file(table, rules)
    for field in numbers:
        yield from _of_number(table, field)
    for one, other in itertools.pairwise(numbers):
        swapped = table.with_columns(pl.col(other.name).alias(one.name), pl.col(one.name).alias(other.name))
        if not swapped.equals(table):
            both = f"{one.name} and {other.name}"
            yield Fault("swapped columns", both, swapped, f"a gross_range_test of {both} that only its own values pass")
    for field in fields:
        cut = table[field.name].str.slice(0, table[field.name].str.len_chars() // 2)
        advice = "a pattern or a minLength" if field.type in ("string", "any") else "required, and a gross_range_test"
        yield Fault("truncated values", field.name, _with(table, cut.alias(field.name)), f"{advice} of {field.name}")


def _of_file(table: pl.DataFrame, rules: Rules) -> Iterator[Fault]:
    """Yields the faults of whole rows, and of the time axis."""
    height, time = table.height, rules.schema.axes.time
    twice = pl.concat([table, table])
    yield Fault("the file duplicated", "", twice, "a primaryKey, or `unique` of the field that tells rows apart")
    place, length = pl.int_range(pl.len()), pl.len()
    middle = place.is_between(length // 3, 2 * length // 3)
    gap = table.filter(~(middle.over(rules.schema.series) if rules.schema.series else middle))
    yield Fault("a third of the rows missing", "", gap, "time, and a time_gap_test with a fail_span of a few intervals")
    if time is None or time not in table.columns:
        return
    shift = max(1, height // 10)
    times = table[time]
    back = pl.concat([times.head(height // 2), times.slice(height // 2 - shift, height - height // 2)])
    yield Fault(
        "a clock that was set back", time, _with(table, back.alias(time)), f"`time: {time}`, which checks the order"
    )


def _of_number(table: pl.DataFrame, field: Field) -> Iterator[Fault]:
    """Yields the faults of a field's numbers."""
    name, height = field.name, table.height
    values = fieldtypes.parse(table[name], field).cast(pl.Float64)
    least, most = values.min(), values.max()
    if not isinstance(least, float) or not isinstance(most, float):
        return
    whole = field.type == "integer"

    def written(numbers: pl.Series) -> pl.Series:
        texts = numbers.round().cast(pl.Int64).cast(pl.String) if whole else numbers.cast(pl.String)
        return texts.str.replace(".", field.decimal_char, literal=True)

    def changed(change: Callable[[pl.Series], pl.Series], start: int, count: int) -> pl.DataFrame:
        part = written(change(values.slice(start, count)))
        cells = pl.concat([table[name].head(start), part.alias(name), table[name].slice(start + count)])
        return _with(table, cells.alias(name))

    middle, many = height // 2, max(3, height // 4)
    off = SPIKE * ((most - least) or abs(most) or 1)
    spike = changed(lambda part: part + off, middle, 1)
    yield Fault("a spike", name, spike, f"a spike_test or a gross_range_test of {name}")
    stuck = changed(lambda part: part * 0 + part.drop_nulls()[0] if part.drop_nulls().len() else part, middle, many)
    yield Fault("a stuck value", name, stuck, f"a flat_line_test of {name} with a tolerance above 0")
    other = changed(lambda part: part * 1.8 + 32, middle, height - middle)
    yield Fault("wrong units (°F for °C)", name, other, f"a gross_range_test or a climatology_test of {name}")


def _with(table: pl.DataFrame, column: pl.Series) -> pl.DataFrame:
    return table.with_columns(column)
