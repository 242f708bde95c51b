"""The schema of a stream: its fields, how its cells are written, and which fields are its axes.

Fields, constraints and missingValues are Table Schema's (https://specs.frictionlessdata.io/table-schema/) and the axes are
ioos_qc's.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from stream_qc.dialect import Dialect

TypeName = Literal[
    "any", "array", "boolean", "date", "datetime", "duration", "geojson", "geopoint", "integer", "list", "number", "object",
    "string", "time", "year", "yearmonth",
]  # fmt: skip
ItemType = Literal["string", "integer", "boolean", "number", "datetime", "date", "time"]
AxisName = Literal["time", "z", "lat", "lon"]

TRUE_VALUES = ("true", "True", "TRUE", "1")
FALSE_VALUES = ("false", "False", "FALSE", "0")


class Constraints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The constraints of a field. Once the rules are loaded, its limits are values of the field's own type."""

    required: bool = False
    unique: bool = False
    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None
    min_length: int | None = None
    max_length: int | None = None
    enum: list[Any] | None = None
    pattern: str | None = None


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field of the schema. Its title, description, example and rdfType are for people; no check uses them.

    delimiter, item_type: of a list.
    decimal_char, group_char, bare_number: how numbers are written; not bare if text may stand before and after them, as in
    `95 %`.
    """

    name: str
    type: TypeName = "any"
    format: str = "default"
    constraints: Constraints = Constraints()
    decimal_char: str = "."
    group_char: str = ""
    bare_number: bool = True
    delimiter: str = ","
    item_type: ItemType = "string"
    true_values: list[str] = msgspec.field(default_factory=lambda: list(TRUE_VALUES))
    false_values: list[str] = msgspec.field(default_factory=lambda: list(FALSE_VALUES))
    title: str | None = None
    description: str | None = None
    example: Any = None
    rdf_type: str | None = None


class Axes(msgspec.Struct, frozen=True):
    """The fields that hold a row's time, depth and position; None for an axis that the rules do not name.

    now: the moment at which the rows are judged, in UTC without a zone; None for that at which a check is made.
    """

    time: str | None = None
    z: str | None = None
    lat: str | None = None
    lon: str | None = None
    now: dt.datetime | None = None

    def get(self, axis: AxisName) -> str | None:
        """Returns the name of the axis' field, or None."""
        name: str | None = getattr(self, axis)
        return name

    def __getitem__(self, axis: AxisName) -> str:
        """Returns the name of the axis' field. Raises KeyError if the rules do not name one."""
        name = self.get(axis)
        if name is None:
            raise KeyError(axis)
        return name


class TimeParts(msgspec.Struct, frozen=True):
    """A time that is written in several fields, or in local time.

    fields: those that are joined by a blank. more: what is added to the text. formats: its patterns; the first that fits counts.
    zone: the name of the time zone, such as `Europe/Berlin`; None for UTC.
    """

    fields: tuple[str, ...]
    formats: tuple[str, ...]
    more: str = ""
    zone: str | None = None


class Schema(msgspec.Struct, frozen=True):
    """What readers, blocks and checks need to know of a stream. `fields` are by name, in the order of the rules.

    time_parts: how the values of a field that the file does not have are put together; it is one of the fields.

    series: the fields that tell the series of a file apart. missing_typed: for each field, those missing_values that are values
    of its type, such as -999 of a number.
    """

    fields: dict[str, Field] = {}
    primary_key: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ("",)
    dialect: Dialect = Dialect()
    axes: Axes = Axes()
    series: tuple[str, ...] = ()
    time_parts: dict[str, TimeParts] = {}
    missing_typed: dict[str, list[Any]] = {}

    @property
    def in_file(self) -> list[str]:
        """Returns the fields that the file must have: all but those that are put together."""
        return [name for name in self.fields if name not in self.time_parts]

    def parts_of(self, name: str) -> tuple[str, ...]:
        """Returns the fields that a field is put together from; none for a field of the file."""
        return self.time_parts[name].fields if name in self.time_parts else ()

    def with_plain_numbers(self) -> Schema:
        """Returns the schema of a file whose numbers are no text, so that decimalChar and groupChar do not apply."""
        if all((field.decimal_char, field.group_char) == (".", "") for field in self.fields.values()):
            return self
        plain = {name: replace(field, decimal_char=".", group_char="") for name, field in self.fields.items()}
        return replace(self, fields=plain)
