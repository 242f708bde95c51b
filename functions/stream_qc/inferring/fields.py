"""What is known of a field of a file: its type, its range, and which of its values stand for missing ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from stream_qc import fieldtypes
from stream_qc.reading.block import Block
from stream_qc.schema import Field

# From the narrowest to the widest; a field that fits none of them is a string. 1 and 0 are taken as integers, not booleans.
CANDIDATES = (
    Field("", "integer"),
    Field("", "number"),
    Field("", "boolean"),
    Field("", "datetime"),
    *(
        Field("", "datetime", form)
        for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
    ),
    Field("", "date"),
    *(Field("", "date", form) for form in ("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")),
    Field("", "time"),
)
# Numbers that often stand for a missing value.
SENTINELS = [
    *(-99.0, -999.0, -9999.0, -99999.0, -99.9, -999.9, 99.0, 999.0, 9999.0, 99999.0, 99.9, 999.9, 9999.9),
    *(1e20, 1e35, 9.96921e36, -32768.0),
]
# Text that stands for a missing value where the other cells are numbers or times.
TEXTS = ["NA", "N/A", "n/a", "nan", "null", "NULL", "None", "-", "--", "---", "MM", "."]
# Formats of whole numbers that are times, if their years are from 1900 to 2100.
COMPACT = (
    Field("", "datetime", "%Y%m%d%H%M%S"),
    Field("", "datetime", "%Y%m%d%H%M"),
    Field("", "datetime", "%Y%m%d%H"),
    Field("", "date", "%Y%m%d"),
)
# Numbers of a field with such a name that are seconds or milliseconds since 1970, from 2001 to 2100.
EPOCH_NAMES = re.compile(r"^(t|ts|time|timestamp|epoch|unix.*|.*_(ts|time|timestamp|epoch))$", re.IGNORECASE)
YEAR_NAMES = re.compile(r"^(.*[_ .-])?(year|yr|jahr|yyyy)$", re.IGNORECASE)  # of numbers with four digits
EPOCH_RANGES = {"epoch-seconds": (1e9, 4.1e9), "epoch-milliseconds": (1e12, 4.1e12)}
ALONE = 90.0  # how far above a value that is always the same a sentinel is
FIRST_YEAR, LAST_YEAR = 1900, 2100
FAR = 1.0  # how far outside of the other values a sentinel is, as a share of their range
MOST_DISTINCT = 1000
FEW_VALUES = 12  # a text field with at most this many values, each of them repeated, gets an enum


@dataclass
class Seen:
    """What is known of a field after the blocks so far."""

    name: str
    candidates: list[Field] = field(default_factory=lambda: list(CANDIDATES))
    compact: list[Field] = field(default_factory=lambda: [*COMPACT])  # those of COMPACT that fit every value
    texts: Counter[str] = field(default_factory=Counter)  # how often each of TEXTS occurs
    missing: int = 0
    least: float = math.inf
    most: float = -math.inf
    infinite: bool = False
    leading_zeros: bool = False
    numeric: int = 0  # cells that are numbers
    odd: str = ""  # the first cell that is none
    lacking: bool = False  # whether sentinels stand for missing values
    sentinels: Counter[float] = field(default_factory=Counter)  # how often each of SENTINELS occurs
    spellings: dict[float, set[str]] = field(default_factory=dict)  # as they are written
    distinct: set[str] | None = field(default_factory=set)  # the values, None if there are more than MOST_DISTINCT
    shared: list[float] = field(default_factory=list)  # sentinels that are values of another field
    values: dict[str, int] | None = field(default_factory=dict)  # how often each occurs; None if there are too many

    @property
    def found(self) -> Field:
        """Returns the narrowest type that fits every value, without a name."""
        empty = self.values is not None and not self.values
        if empty or not self.candidates:
            return Field("", "string")
        if self.candidates[0].type == "integer" and self.leading_zeros:
            return Field("", "string")  # an identifier, such as 01646500
        if self.candidates[0].type in ("integer", "number") and EPOCH_NAMES.match(self.name):
            for epoch, (first, last) in EPOCH_RANGES.items():
                if first <= self.least and self.most <= last:
                    return Field("", "datetime", epoch)
        if self.candidates[0].type == "integer" and self._digits in (14, 12, 10, 8):
            form = COMPACT[(14, 12, 10, 8).index(self._digits)]
            years = [int(number // 10 ** (self._digits - 4)) for number in (self.least, self.most)]
            if form in self.compact and years[0] >= FIRST_YEAR and years[1] <= LAST_YEAR:
                return form
        if self.candidates[0].type == "integer" and self._digits == 4 and YEAR_NAMES.match(self.name):
            return Field("", "year")
        return self.candidates[0]

    @property
    def _digits(self) -> int:
        """Returns how many digits every number has; 0 if they differ."""
        counts = {len(f"{number:.0f}") for number in (self.least, self.most) if math.isfinite(number)}
        return counts.pop() if len(counts) == 1 else 0

    def add(self, block: Block) -> None:
        given = block.given(self.name)
        self.missing += given.null_count()
        there = given.drop_nulls()
        if there.dtype.is_nested() or there.dtype in (pl.Categorical, pl.Enum, pl.Duration, pl.Binary):
            there = fieldtypes.text(there)
        if there.dtype == pl.String:
            there = self._without_texts(there)
        if there.len():
            self.compact = [one for one in self.compact if fieldtypes.parse(there, one).null_count() == 0]
            self.candidates = [one for one in self.candidates if fieldtypes.parse(there, one).null_count() == 0]
            self._count(there)
            self._look_at_texts(there)
            numbers = _numbers(there)
            self.numeric += numbers.len()
            self.infinite |= bool(numbers.is_infinite().any())
            self.missing += int(numbers.is_nan().sum())  # NaN is missing
            numbers = self._without_sentinels(numbers.filter(numbers.is_finite()), there)
            if numbers.len():
                self.least = min(self.least, float(numbers.min()))  # type: ignore[arg-type]
                self.most = max(self.most, float(numbers.max()))  # type: ignore[arg-type]

    def _look_at_texts(self, there: pl.Series) -> None:
        if there.dtype != pl.String:
            return
        self.leading_zeros |= bool(there.str.contains(r"^[-+]?0\d").any())
        if not self.odd:
            others = there.filter(there.str.strip_chars().cast(pl.Float64, strict=False).is_null())
            self.odd = others[0] if others.len() else ""

    def _without_texts(self, there: pl.Series) -> pl.Series:
        """Returns the cells that are none of TEXTS, and counts those that are."""
        odd = there.is_in(TEXTS)
        if not odd.any():
            return there
        for text, count in there.filter(odd).alias("text").value_counts(name="count").iter_rows():
            self.texts[text] += count
        return there.filter(~odd)

    def _without_sentinels(self, numbers: pl.Series, there: pl.Series) -> pl.Series:
        """Returns the numbers that are none of SENTINELS, and counts those that are."""
        odd = numbers.is_in(SENTINELS)
        if not odd.any():
            return numbers
        for value, count in numbers.filter(odd).alias("value").value_counts(name="count").iter_rows():
            self.sentinels[value] += count
        if there.dtype == pl.String:
            written = (
                there.unique()
                .to_frame("text")
                .with_columns(pl.col("text").str.strip_chars().cast(pl.Float64, strict=False).alias("value"))
            )
            for text, value in written.filter(pl.col("value").is_in(SENTINELS)).iter_rows():
                self.spellings.setdefault(value, set()).add(text)
        return numbers.filter(~odd)

    def settle(self, values_elsewhere: Collection[float]) -> list[str]:
        """Decides which sentinels are ordinary values. Returns the others, which mean missing, as text.

        values_elsewhere: those that are values of another field; missingValues holds for all fields.
        """
        self.shared = [value for value in self.sentinels if self.is_far(value) and value in values_elsewhere]
        missing: list[str] = []
        if self.texts and self.found.type in ("string", "boolean"):
            for text, count in self.texts.items():  # they are values of a text
                if self.values is not None:
                    self.values[text] = count
            self.candidates = []
        else:
            missing += self.texts
        for value in sorted(self.sentinels, key=abs):
            if self.is_far(value) and value not in values_elsewhere:
                missing.append(min(self.spellings.get(value, {f"{value:g}"}), key=len))
                self.lacking = True
            else:
                self.least, self.most = min(self.least, value), max(self.most, value)
        return missing

    def is_far(self, value: float) -> bool:
        """Returns whether a sentinel is far from all other values, or there are hardly any others."""
        if self.found.type not in ("integer", "number"):
            return False
        span = self.most - self.least
        if not span > 0:
            return value < 0 or (self.least <= self.most and value > ALONE + abs(self.most))
        return self.least - span * FAR > value or value > self.most + span * FAR

    def _count(self, there: pl.Series) -> None:
        if self.distinct is not None:
            self.distinct.update(fieldtypes.text(there.unique()).to_list())
            self.distinct = None if len(self.distinct) > MOST_DISTINCT else self.distinct
        if self.values is None:
            return
        for value, count in fieldtypes.text(there).alias("value").value_counts(name="count").iter_rows():
            self.values[value] = self.values.get(value, 0) + count
        if len(self.values) > FEW_VALUES:
            self.values = None


def _numbers(there: pl.Series) -> pl.Series:
    """Returns the cells that are numbers. Spaces around a number are allowed (stream_qc.fieldtypes)."""
    bare = there.str.strip_chars() if there.dtype == pl.String else there
    return bare.cast(pl.Float64, strict=False).drop_nulls()
