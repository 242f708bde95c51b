"""The rules of a stream as values: what a rules file holds once it has been checked.

Table Schema: https://specs.frictionlessdata.io/table-schema/. Stream configuration: https://ioos.github.io/ioos_qc/.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from stream_qc import fieldtypes
from stream_qc.checks import Test

TypeName = Literal["any", "boolean", "date", "datetime", "integer", "number", "string", "time", "year"]


class Constraints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Table Schema's constraints. The limits are in the field's own type, as Python values."""

    required: bool = False
    unique: bool = False
    minimum: Any = None
    maximum: Any = None
    min_length: int | None = None
    max_length: int | None = None
    enum: list[Any] | None = None
    pattern: str | None = None


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field of the schema. Title, description, example and rdfType are carried for people and judge nothing."""

    name: str
    type: TypeName = "any"
    format: str = "default"
    constraints: Constraints = Constraints()
    true_values: list[str] = msgspec.field(default_factory=lambda: list(fieldtypes.TRUE_VALUES))
    false_values: list[str] = msgspec.field(default_factory=lambda: list(fieldtypes.FALSE_VALUES))
    title: str | None = None
    description: str | None = None
    example: Any = None
    rdf_type: str | None = None


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    fields: list[Any] = []
    primary_key: str | list[str] = []
    missing_values: list[str] = msgspec.field(default_factory=lambda: [""])
    name: str | None = None
    title: str | None = None
    description: str | None = None


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How a CSV file is separated, where its header shall not say (https://specs.frictionlessdata.io/csv-dialect/)."""

    delimiter: Literal[",", ";", "\t", "|"] | None = None


class RowLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    minimum: int = 1
    maximum: int | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of rows, 0 to 1, that a check may flag FAIL and still pass."""

    max_fail_share: float = 0.0
    streams: dict[str, dict[str, float]] = {}


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The top level of a rules file."""

    schema: dict[str, Any] = {}
    dialect: Any = msgspec.field(default_factory=dict)
    time: str | None = None
    z: str | None = None
    lat: str | None = None
    lon: str | None = None
    streams: dict[str, Any] = {}
    rows: Any = msgspec.field(default_factory=dict)
    limits: Any = msgspec.field(default_factory=dict)


class StreamTest(msgspec.Struct, frozen=True):
    """A test that the rules ask of a field: `streams.<field>.<module>.<name>`."""

    field: str
    name: str
    test: Test


class Rules(msgspec.Struct, frozen=True):
    """Rules that can be used."""

    fields: dict[str, Field] = {}
    primary_key: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ("",)
    time: str | None = None
    z: str | None = None
    lat: str | None = None
    lon: str | None = None
    tests: tuple[StreamTest, ...] = ()
    rows: RowLimits = RowLimits()
    limits: Limits = Limits()
    dialect: Dialect = Dialect()

    def field(self, name: str) -> Field:
        return self.fields[name]

    @property
    def missing_numbers(self) -> list[float]:
        """Those of the missingValues that are numbers, for columns that hold numbers and no text."""
        return [number for text in self.missing_values if (number := _number(text)) is not None]

    def limit(self, field: str, test: str) -> float:
        """The share of rows, 0 to 1, that this test of this field may flag FAIL."""
        return self.limits.streams.get(field, {}).get(test, self.limits.max_fail_share)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


BUILT_IN = Rules()
