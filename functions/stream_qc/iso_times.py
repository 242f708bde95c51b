"""Parses times in the commonest form of ISO 8601, YYYY-MM-DDThh:mm:ss[Z], of which polars also reads what is not in it.

The text of each cell is taken as five numbers of four characters, and all cells are computed with at once.
"""

from __future__ import annotations

import datetime as dt
import functools

import polars as pl

FORM = "0000-00-00T00:00:00Z"
WORDS = len(FORM) // 4
SEPARATORS = "T "
SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
SHORTEST_MONTH = 28
FIRST_MONTH = 12 + 1  # months are counted from year 0


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
    differs = words.to_frame("words").select(_differences(separator))
    if differs.select(_anything_wrong()).item():
        return None
    parts = differs.select(_parts())
    found = parts.select(
        _within_month().alias("within"), _in_calendar().alias("fits"), pl.col("day").max().alias("last")
    )
    if not found["fits"][0] or (found["last"][0] > SHORTEST_MONTH and not _all_in_their_month(parts)):
        return None
    times = _first_days().gather(parts["months"]) + found["within"]
    return times.cast(pl.Datetime("us")).alias(cells.name)


@functools.cache  # expressions are slow to make
def _differences(separator: str) -> list[pl.Expr]:
    """Returns the difference of each word from the form: a digit's value, and 0 for another character that is right."""
    form = FORM.replace("T", separator).encode()
    written = [pl.col("words").gather_every(WORDS, word) for word in range(WORDS)]
    right = [_number(form[4 * word : 4 * word + 4]) for word in range(WORDS)]
    return [(one ^ other).alias(f"{word}") for word, (one, other) in enumerate(zip(written, right, strict=True))]


@functools.cache
def _anything_wrong() -> pl.Expr:
    return pl.max_horizontal(_wrong(word).max() for word in range(WORDS))


@functools.cache
def _parts() -> list[pl.Expr]:
    """Returns the parts of the times. months: since year 0."""
    # Each byte becomes the two-digit number that begins with its digit: 2, 0, 3, 1 become 20, 3, 31, 10.
    pairs = [pl.col(f"{word}") * 10 + pl.col(f"{word}") // 256 for word in range(WORDS)]
    year = _byte(pairs[0], 0) * 100 + _byte(pairs[0], 2)
    month = _byte(pairs[1], 1)
    hour = _byte(pl.col("2"), 3) * 10 + _byte(pl.col("3"), 0)
    return [
        (year * 12 + month).alias("months"), month.alias("month"), _byte(pairs[2], 0).alias("day"),
        hour.alias("hour"), _byte(pairs[3], 2).alias("minute"), _byte(pairs[4], 1).alias("second"),
    ]  # fmt: skip


@functools.cache
def _in_calendar() -> pl.Expr:
    """Returns whether no part is too small or too large. Not every month has 31 days."""
    least = {"months": FIRST_MONTH, "month": 1, "day": 1}
    most = {"month": 12, "day": 31, "hour": 23, "minute": 59, "second": 59}
    small = [pl.col(part).min() >= limit for part, limit in least.items()]
    return pl.all_horizontal(*small, *(pl.col(part).max() <= limit for part, limit in most.items()))


def _all_in_their_month(parts: pl.DataFrame) -> bool:
    late = parts.select("months", "day").filter(pl.col("day") > SHORTEST_MONTH)
    day = _first_days().gather(late["months"]) + (late["day"].cast(pl.Int64) - 1) * DAY
    return bool((day < _first_days().gather(late["months"] + 1)).all())


@functools.cache
def _within_month() -> pl.Expr:
    """Returns the microseconds since the month began."""
    hours = (pl.col("day") - 1) * 24 + pl.col("hour")
    return (hours * 3600 + pl.col("minute") * 60 + pl.col("second")).cast(pl.Int64) * SECOND


def _number(text: bytes) -> int:
    """Returns four characters as a number, the first in the lowest byte."""
    return int.from_bytes(text, "little")


def _byte(word: pl.Expr, place: int) -> pl.Expr:
    return (word // (1 << 8 * place)) & 0xFF


def _wrong(word: int) -> pl.Expr:
    """Returns a number that is 0 if the word has digits where the form has them, and nowhere differs else."""
    digits = [character == "0" for character in FORM[4 * word : 4 * word + 4]]
    differs = pl.col(f"{word}")
    above_nine = differs + _number(bytes(6 * digit for digit in digits))
    return (differs | above_nine) & _number(bytes(0xF0 if digit else 0xFF for digit in digits))


@functools.cache
def _first_days() -> pl.Series:
    """Returns when every month begins, from year 1 to 9999 and the one after, in microseconds since 1970."""
    last = dt.date(9999, 12, 1)
    days = pl.date_range(dt.date(1, 1, 1), last, "1mo", eager=True).to_physical().cast(pl.Int64)
    none = pl.Series([0] * FIRST_MONTH, dtype=pl.Int64)  # there is no year 0
    return pl.concat([none, days * DAY, (days.tail(1) + 31) * DAY])
