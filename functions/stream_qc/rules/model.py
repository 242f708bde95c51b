"""The rules of a stream: the document as it is written, and the values that it is loaded into.

Table Schema: https://specs.frictionlessdata.io/table-schema/. Stream configuration: https://ioos.github.io/ioos_qc/.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from stream_qc.checks import Test
from stream_qc.checks.where import Where
from stream_qc.fieldtimes import utc
from stream_qc.schema import Schema


class TableSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The `schema` of a rules file. Its name, title and description are for people; no check uses them.

    decimal_char, group_char and bare_number are those of its fields, unless a field has its own.
    """

    fields: list[Any] = []
    primary_key: str | list[str] = []
    missing_values: list[str] = msgspec.field(default_factory=lambda: [""])
    decimal_char: str = "."
    group_char: str = ""
    bare_number: bool = True
    name: str | None = None
    title: str | None = None
    description: str | None = None


class RowLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rows a file must and may have."""

    minimum: int = 1
    maximum: int | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of rows, 0 to 1, that a check may flag FAIL and still pass."""

    max_fail_share: float = 0.0
    streams: dict[str, dict[str, float]] = {}


class TimeOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time axis of a file that has the time in several fields, or in local time."""

    fields: list[str]
    zone: str | None = None


class ArrivalGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a file must come, as it is written, such as `1 h`. grace: how much later it may come."""

    every: str
    grace: str = "0 s"


class Arrival(msgspec.Struct, frozen=True):
    """How often a file must come, and how much later it may come."""

    every: dt.timedelta
    grace: dt.timedelta

    @property
    def within(self) -> dt.timedelta:
        """How long after a file the next one is late."""
        return self.every + self.grace


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The top level of a rules file."""

    schema: dict[str, Any] = {}
    dialect: Any = msgspec.field(default_factory=dict)
    time: str | TimeOf | None = None
    z: str | None = None
    lat: str | None = None
    lon: str | None = None
    series: str | list[str] = []
    streams: dict[str, Any] = {}
    rows: Any = msgspec.field(default_factory=dict)
    limits: Any = msgspec.field(default_factory=dict)
    arrival: Any = None
    redact: bool | list[str] = False
    flags: bool = False
    split: bool = False


class StreamTest(msgspec.Struct, frozen=True):
    """A test that the rules ask for: `streams.<field>.<module>.<name>`.

    entry: the number of the entry that asks for it, if it is only for some rows.
    """

    field: str
    name: str
    test: Test
    entry: int | None = None

    @property
    def place(self) -> str:
        """Returns where the rules ask for it."""
        entry = "" if self.entry is None else f"[{self.entry}]"
        return f"streams.{self.field}{entry}.{self.test.module}.{self.name}"


class Rules(msgspec.Struct, frozen=True):
    """Valid rules. wheres: by field, which rows each entry of its `streams` is for. aggregates: fields with `aggregate`.

    redact: the fields whose values are not shown; `*` alone stands for all. flags: whether each run writes the flags of every
    row. split: whether it also writes the clean rows and the others apart.
    """

    schema: Schema = Schema()
    tests: tuple[StreamTest, ...] = ()
    wheres: dict[str, tuple[Where, ...]] = {}
    aggregates: tuple[str, ...] = ()
    rows: RowLimits = RowLimits()
    limits: Limits = Limits()
    arrival: Arrival | None = None
    redact: tuple[str, ...] = ()
    flags: bool = False
    split: bool = False

    def limit(self, field: str, test: str) -> float:
        """Returns the share of rows, 0 to 1, that this test of this field may flag FAIL."""
        return self.limits.streams.get(field, {}).get(test, self.limits.max_fail_share)

    def as_of(self, now: dt.datetime) -> Rules:
        """Returns the rules for rows that are judged at a moment, wherever and however often they are read."""
        axes = msgspec.structs.replace(self.schema.axes, now=utc(now))
        return msgspec.structs.replace(self, schema=msgspec.structs.replace(self.schema, axes=axes))


BUILT_IN = Rules()
