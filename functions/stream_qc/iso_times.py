"""Parses times in the commonest form of ISO 8601, YYYY-MM-DDThh:mm:ss[Z], about three times as fast as polars does.

The text of each cell is taken as five numbers of four characters, and all cells are computed with at once.
"""

from __future__ import annotations

import datetime as dt
import functools

import polars as pl

FORM = "0000-00-00T00:00:00Z"
WORDS = len(FORM) // 4
SEPARATORS = "T "
DAY, HOUR, MINUTE = 86_400, 3_600, 60
MICROSECONDS = 10**6
SHORTEST_MONTH = 28


def parse(cells: pl.Series) -> pl.Series | None:
    """Returns the times as Datetime in microseconds, or None if not every cell is a time in this form.

    A space may stand for the T, and the Z may be missing, in all cells alike.
    """
    if not cells.len() or cells.null_count():
        return None
    lengths = cells.str.len_bytes()
    length = lengths[0]
    separator = (cells[0] or "")[10:11]
    if length not in (len(FORM) - 1, len(FORM)) or separator not in SEPARATORS or lengths.min() != lengths.max():
        return None
    whole = cells if length == len(FORM) else cells + "Z"
    words = whole.cast(pl.Binary).bin.reinterpret(dtype=pl.Array(pl.UInt32, WORDS), endianness="little").explode()
    written = pl.DataFrame([words.gather_every(WORDS, word).alias(f"{word}") for word in range(WORDS)])
    differs = written.select(_differences(separator))
    if differs.select(_anything_wrong()).item():
        return None
    parts = differs.select(_values())
    highest, lowest = parts.max().row(0), parts.select("year", "month", "day").min().row(0)
    if min(lowest) < 1 or any(most > limit for most, limit in zip(highest[1:], (12, 31, 23, 59, 59), strict=True)):
        return None
    month = parts["year"] * 12 + parts["month"] - 13
    day = _first_days().gather(month) + parts["day"].cast(pl.Int32)
    if highest[2] > SHORTEST_MONTH and (day > _first_days().gather(month + 1)).any():
        return None
    seconds = parts["hour"] * HOUR + parts["minute"] * MINUTE + parts["second"]
    times = (day - 1).cast(pl.Int64) * (DAY * MICROSECONDS) + seconds.cast(pl.Int64) * MICROSECONDS
    return times.cast(pl.Datetime("us")).alias(cells.name)


@functools.cache  # expressions are slow to make
def _differences(separator: str) -> list[pl.Expr]:
    """Returns the difference of each word from the form: a digit's value, and 0 for another character that is right."""
    form = FORM.replace("T", separator).encode()
    return [pl.col(f"{word}") ^ _number(form[4 * word : 4 * word + 4]) for word in range(WORDS)]


@functools.cache
def _anything_wrong() -> pl.Expr:
    return pl.max_horizontal(_wrong(word).max() for word in range(WORDS))


@functools.cache
def _values() -> list[pl.Expr]:
    return [
        _value(0, 4).alias("year"), _value(5, 2).alias("month"), _value(8, 2).alias("day"),
        _value(11, 2).alias("hour"), _value(14, 2).alias("minute"), _value(17, 2).alias("second"),
    ]  # fmt: skip


def _number(text: bytes) -> int:
    """Returns four characters as a number, the first in the lowest byte."""
    return int.from_bytes(text, "little")


def _wrong(word: int) -> pl.Expr:
    """Returns a number that is 0 if the word has digits where the form has them, and nowhere differs else."""
    digits = [character == "0" for character in FORM[4 * word : 4 * word + 4]]
    differs = pl.col(f"{word}")
    above_nine = (differs & _number(bytes(0xFF * digit for digit in digits))) + _number(
        bytes(6 * digit for digit in digits)
    )
    return (differs | above_nine) & _number(bytes(0xF0 if digit else 0xFF for digit in digits))


def _value(start: int, count: int) -> pl.Expr:
    """Returns the number that is written with these digits of the form."""
    digits = [(pl.col(f"{place // 4}") // 256 ** (place % 4)) & 0xFF for place in range(start, start + count)]
    value = pl.lit(0, pl.UInt32)
    for digit in digits:
        value = value * 10 + digit
    return value


@functools.cache
def _first_days() -> pl.Series:
    """Returns the first day of every month from year 1 to 9999 and of the one after, in days since 1970."""
    last = dt.date(9999, 12, 1)
    days = pl.date_range(dt.date(1, 1, 1), last, "1mo", eager=True).to_physical()
    return pl.concat([days, days.tail(1) + 31])
