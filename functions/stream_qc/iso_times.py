"""Parses times in the commonest form of ISO 8601, YYYY-MM-DDThh:mm:ss[Z], of which polars also reads what is not in it.

The text of each cell is taken as five words of four characters, and all cells are computed with at once. Neighbours mostly
share their year and their month; those are then computed for one cell.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TypeVar

import polars as pl

FORM = "0000-00-00T00:00:00Z"
HIGHEST = "9999-19-39T29:59:59Z"  # what each digit may be; that there is no month 13 is found out later
WORDS = len(FORM) // 4
SEPARATORS = "T "
SECOND = 1_000_000  # microseconds
DAY = 86_400  # seconds
SHORTEST_MONTH = 28
MONTHS = 12  # of a year
FIRST_MONTH = MONTHS + 1  # months are counted from year 0
HIGH_BITS = 0x80808080
Words = TypeVar("Words", pl.Expr, pl.Series)
IN_PAIRS = 10 * 256 + 1  # a word times this: each byte is the number of two digits that ends with its digit


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
    words = whole.cast(pl.Binary).bin.reinterpret(dtype=pl.Array(pl.UInt32, WORDS), endianness="little")
    digits = words.reshape((-1,)).to_frame("words").select(_digits(separator))
    year, month = (_once(digits[word]) for word in ("0", "1"))
    wrong = digits.select(_anything_wrong(2, 3, 4)).item() | _wrong(year, 0) | _wrong(month, 1)
    if wrong & HIGH_BITS:
        return None
    months, parts = _months(year, month), digits.select(_parts())
    if months is None or not _in_calendar(parts, months):
        return None
    times = parts.select(_since_month_began()).to_series() + _first_days().gather(months)
    return times.cast(pl.Datetime("us")).alias(cells.name)


@functools.cache  # expressions are slow to make
def _digits(separator: str) -> list[pl.Expr]:
    """Returns the words, each byte a digit's value, or 0 for another character that is right."""
    form = FORM.replace("T", separator).encode()
    written = [pl.col("words").gather_every(WORDS, word) for word in range(WORDS)]
    right = [_number(form[4 * word : 4 * word + 4]) for word in range(WORDS)]
    return [(one ^ other).alias(f"{word}") for word, (one, other) in enumerate(zip(written, right, strict=True))]


def _wrong(words: pl.Series, place: int) -> int:
    """Returns a number that has one of HIGH_BITS if a byte is above what it may be, or has that bit already."""
    return words.bitwise_or() | (words + _reach(place)).bitwise_or()  # type: ignore[operator]


@functools.cache
def _anything_wrong(*places: int) -> pl.Expr:
    """Returns the same for several words."""
    words = [(pl.col(f"{place}"), _reach(place)) for place in places]
    wrong = [word.bitwise_or() | (word + reach).bitwise_or() for word, reach in words]
    return functools.reduce(pl.Expr.or_, wrong)


def _reach(place: int) -> int:
    """Returns what a byte of the word can be added to without getting its high bit, unless it is above what it may be."""
    highest = [int(character) if character.isdigit() else 0 for character in HIGHEST[4 * place : 4 * place + 4]]
    return _number(bytes(0x7F - digit for digit in highest))


def _months(year: pl.Series, month: pl.Series) -> pl.Series | None:
    """Returns the months since year 0; None if one is not in the calendar."""
    year, month = year * IN_PAIRS, month * IN_PAIRS
    year, month = _byte(year, 1) * 100 + _byte(year, 3), _byte(month, 2)
    fits = year.min() >= 1 and month.min() >= 1 and month.max() <= MONTHS  # type: ignore[operator]  # numbers
    return year * MONTHS + month if fits else None


def _once(words: pl.Series) -> pl.Series:
    """Returns one of the words if all are the same."""
    return words.head(1) if words.bitwise_or() == words.bitwise_and() else words


@functools.cache
def _parts() -> list[pl.Expr]:
    """Returns the day of the month, and the seconds since the day began."""
    day_and_ten_hours, minute, second = (pl.col(word) * IN_PAIRS for word in ("2", "3", "4"))
    hour = _byte(day_and_ten_hours, 3) * 10 + _byte(pl.col("3"), 0)
    seconds = (hour * 60 + _byte(minute, 3)) * 60 + _byte(second, 2)
    return [_byte(day_and_ten_hours, 1).alias("day"), seconds.alias("seconds")]


def _in_calendar(parts: pl.DataFrame, months: pl.Series) -> bool:
    """Returns whether every day is one of its month, and every hour one of a day."""
    days, latest = parts["day"], parts["seconds"].max()
    if not (days.min() >= 1 and latest < DAY):  # type: ignore[operator]  # numbers
        return False
    return days.max() <= SHORTEST_MONTH or bool((days <= _days().gather(months)).all())  # type: ignore[operator]


@functools.cache
def _since_month_began() -> pl.Expr:
    """Returns microseconds."""
    return ((pl.col("day") - 1) * DAY + pl.col("seconds")).cast(pl.Int64) * SECOND


def _number(text: bytes) -> int:
    """Returns four characters as a word, the first in the lowest byte."""
    return int.from_bytes(text, "little")


def _byte(word: Words, place: int) -> Words:
    above = word // (1 << 8 * place) if place else word
    return above & 0xFF if place < 3 else above


@functools.cache
def _first_days() -> pl.Series:
    """Returns when every month since year 0 begins, in microseconds since 1970; there is no year 0."""
    none = pl.Series([0] * FIRST_MONTH, dtype=pl.Int64)
    return pl.concat([none, _months_of_calendar().cast(pl.Datetime("us")).to_physical()])


@functools.cache
def _days() -> pl.Series:
    """Returns how many days every month since year 0 has."""
    none = pl.Series([0] * FIRST_MONTH, dtype=pl.UInt32)
    return pl.concat([none, _months_of_calendar().dt.days_in_month().cast(pl.UInt32)])


def _months_of_calendar() -> pl.Series:
    return pl.date_range(dt.date(1, 1, 1), dt.date(9999, 12, 1), "1mo", eager=True)
