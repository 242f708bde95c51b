"""Reads lines of NDJSON that hold the same fields in the same order, as programs write them.

Such lines are rows of cells: `{"time":"2020-01-01"`, `"value":1.5}`. polars splits them at the commas, several times as fast as
it reads JSON. A line counts only if each of its cells is its field's name and a whole value: then the cells, put together, are
an object of just these fields.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

import polars as pl

from stream_qc.reading.bytestream import BOM
from stream_qc.reading.lines import MAX_RECORD_BYTES

TAIL = 64  # bytes
SPACES = (" ", "")  # after a comma and a colon
PLAIN = r"^(null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)$"
TEXT = r'^[^"\x00-\x1f]*"$'  # after the first quote


def table(data: bytes, names: Sequence[str], wanted: Collection[str]) -> pl.DataFrame | None:
    """Returns the values of the wanted fields as text, null for null; None if the lines are not all such lines, or no field is
    wanted.

    names: the fields of the first line.
    """
    if (
        not names
        or not wanted
        or b"\\" in data
        or data.startswith(BOM)
        or not data[-TAIL:].rstrip().endswith(b"}")  # polars ignores a comma at the end of the data
        or any(set(name) & set(',"\\\n') for name in names)
    ):
        return None
    try:
        cells = pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            quote_char=None,
            schema={f"{index}": pl.String() for index in range(len(names))},
            empty_string_is_null=False,
        ).get_columns()
    except pl.exceptions.PolarsError:
        return None
    if cells[-1].null_count() or not cells[-1].str.ends_with("}").all():  # a short row ends in nulls
        return None
    cells[-1] = cells[-1].str.head(-1)
    space = next((one for one in SPACES if (cells[0][0] or "").startswith(_head(0, names, one))), None)
    longest = sum(int(cell.str.len_bytes().max()) for cell in cells)  # type: ignore[arg-type, misc]  # there are rows
    if space is None or longest + len(cells) > MAX_RECORD_BYTES:
        return None
    found: dict[str, pl.Series] = {}
    for index, name in enumerate(names):
        values = _values(cells[index], _head(index, names, space))
        if values is None:
            return None
        if name in wanted:
            found[name] = values
    absent = pl.Series([None], dtype=pl.String).new_from_index(0, cells[0].len())
    return pl.DataFrame({name: found.get(name, absent) for name in wanted})


def _head(index: int, names: Sequence[str], space: str) -> str:
    return f'{space if index else "{"}"{names[index]}":{space}'


def _values(cells: pl.Series, head: str) -> pl.Series | None:
    """Returns the values as text, or None if a cell does not begin with the head or is not a JSON value, or texts are mixed
    with others.
    """
    if (cells[0] or "").startswith(head + '"'):
        if not cells.str.starts_with(head + '"').all():
            return None
        rest = cells.str.slice(len(head) + 1)
        return rest.str.head(-1) if rest.str.contains(TEXT).all() else None
    values = cells.str.slice(len(head))
    if not cells.str.starts_with(head).all() or not values.str.contains(PLAIN).all():
        return None
    nulls = values == "null"
    return values.set(nulls, None) if nulls.any() else values
