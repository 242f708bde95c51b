"""The parts of a data contract that ask for checks. Other words are allowed."""

from __future__ import annotations

from typing import Any

import msgspec

Scalar = str | int | float | bool


class Arguments(msgspec.Struct, frozen=True, rename="camel"):
    """The arguments of a metric."""

    valid_values: list[Scalar] | None = None
    pattern: str | None = None
    missing_values: list[Scalar | None] = []
    properties: list[str] = []


class Quality(msgspec.Struct, frozen=True, rename="camel"):
    """A rule of data quality. Those of the type `library` compare a metric."""

    type: str = "library"
    metric: str | None = None
    rule: str | None = None  # what versions before 3.1 call the metric
    unit: str = "rows"
    engine: str | None = None
    arguments: Arguments = Arguments()
    implementation: str | dict[str, Any] | None = None
    must_be: float | None = None
    must_not_be: float | None = None
    must_be_greater_than: float | None = None
    must_be_greater_or_equal_to: float | None = None
    must_be_less_than: float | None = None
    must_be_less_or_equal_to: float | None = None
    must_be_between: tuple[float, float] | None = None
    must_not_be_between: tuple[float, float] | None = None

    @property
    def measured(self) -> str | None:
        """Returns the metric, if this is a rule of the library."""
        return (self.metric or self.rule) if self.type == "library" else None

    @property
    def operators(self) -> dict[str, Any]:
        """Returns what is asked of the metric, by the names of the operators."""
        found = msgspec.to_builtins(self)
        return {key: value for key, value in found.items() if key.startswith("must") and value is not None}


class Options(msgspec.Struct, frozen=True, rename="camel"):
    """The logicalTypeOptions that a field can have."""

    minimum: Scalar | None = None
    maximum: Scalar | None = None
    exclusive_minimum: Scalar | None = None
    exclusive_maximum: Scalar | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """A value of an enumeration."""

    value: Scalar


class CustomProperty(msgspec.Struct, frozen=True):
    property: str
    value: Any = None


class Property(msgspec.Struct, frozen=True, rename="camel"):
    """A field."""

    name: str
    physical_name: str | None = None
    business_name: str | None = None
    description: str | None = None
    logical_type: str = "string"
    logical_type_options: Options | None = None
    required: bool | None = None
    unique: bool | None = None
    primary_key: bool | None = None
    primary_key_position: int = 0
    enum: list[Entry] | None = None
    quality: list[Quality] | None = None
    custom_properties: list[CustomProperty] | None = None

    @property
    def field(self) -> str:
        """Returns its name in a file."""
        return self.physical_name or self.name


class Table(msgspec.Struct, frozen=True, rename="camel"):
    """An object of the schema."""

    name: str
    properties: list[Property] | None = None
    quality: list[Quality] | None = None
